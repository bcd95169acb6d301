"""cross_analyzer_intelligence on made-up results with known agreements and contradictions."""

from __future__ import annotations

import pytest

from clipbench.analyzers.base import NothingToAnalyze, Segment
from clipbench.analyzers.cross_analyzer_intelligence import CrossAnalyzerIntelligence
from clipbench.analyzers.features.text import lexicon
from tests.support.clip_views import ArrayClip

CLIP = ArrayClip(fps=1, duration_s=10)


@pytest.fixture(scope="module")
def analyzer():
    analyzer = CrossAnalyzerIntelligence()
    analyzer.load()
    yield analyzer
    analyzer.unload()


def seen(label: str, start_s: float, end_s: float, confidence: float = 0.8) -> list[Segment]:
    """Detections at three samples per second."""
    count = round((end_s - start_s) * 3)
    return [
        Segment(start_s + k / 3, start_s + (k + 1) / 3, label, confidence, {"box": [0, 0, 1, 1]})
        for k in range(count)
    ]


def face(start_s: float, end_s: float, label: str = "female", age: int = 35) -> list[Segment]:
    return [
        Segment(s.start_s, s.end_s, label, 0.9, {"age": age, "box": [0, 0, 1, 1]})
        for s in seen("face", start_s, end_s)
    ]


def written(label: str, start_s: float, end_s: float) -> Segment:
    return Segment(start_s, end_s, label, 0.95, {"box": [0, 0, 1, 0.1]})


def said(label: str, start_s: float, end_s: float) -> Segment:
    return Segment(start_s, end_s, label, 0.9, {"words": []})


def heard(start_s: float, *tags: tuple[str, float]) -> Segment:
    named = [{"tag": tag, "score": score} for tag, score in tags]
    return Segment(start_s, start_s + 0.96, tags[0][0], tags[0][1], {"tags": named})


def statements(analyzer, label: str, upstream: dict[str, list[Segment]]) -> list[Segment]:
    return [s for s in analyzer.analyze(CLIP, upstream) if s.label == label]


def test_a_caption_that_names_what_is_shown(analyzer):
    upstream = {"object_detection": seen("cat", 0, 4), "text_overlay": [written("Look at the cat", 1, 3)]}
    (found,) = statements(analyzer, "agreement", upstream)
    assert (found.start_s, found.end_s, found.confidence) == (1, 3, 0.8)
    assert found.data["modalities"] == ["written", "shown"] and "cat" in found.data["statement"]
    assert [e["analyzer"] for e in found.data["evidence"]] == ["text_overlay", "object_detection"]
    assert statements(analyzer, "contradiction", upstream) == []


def test_a_caption_that_names_something_else(analyzer):
    upstream = {"object_detection": seen("cat", 0, 4), "text_overlay": [written("A dog in the park", 1, 3)]}
    (found,) = statements(analyzer, "contradiction", upstream)
    assert (found.start_s, found.end_s) == (1, 3) and found.data["modalities"] == ["written", "shown"]
    assert "'dog'" in found.data["statement"] and "a cat" in found.data["statement"]
    assert statements(analyzer, "agreement", upstream) == []


@pytest.mark.parametrize(
    "text",
    [
        "No dog in the park",  # denied
        "Hot dogs for sale",  # another thing
        "The cat chases a dog",  # one of the two is shown
        "Chapter one",  # nothing is named
        "Bear with me",  # not an animal here
    ],
)
def test_captions_that_do_not_contradict(analyzer, text):
    upstream = {"object_detection": seen("cat", 0, 4), "text_overlay": [written(text, 1, 3)]}
    assert statements(analyzer, "contradiction", upstream) == []


def test_a_trace_of_the_thing_is_enough_not_to_contradict(analyzer):
    detections = seen("cat", 0, 4) + seen("dog", 3.5, 4, confidence=0.2)
    upstream = {"object_detection": detections, "text_overlay": [written("A dog", 1, 3)]}
    assert statements(analyzer, "contradiction", upstream) == []


def test_speech_and_picture(analyzer):
    upstream = {
        "object_detection": seen("horse", 0, 4) + seen("person", 5, 9),
        "speech_transcription": [said("My pony is old.", 4.2, 4.9), said("I sold the boat.", 6, 8)],
    }
    (found,) = statements(analyzer, "agreement", upstream)
    assert found.data["modalities"] == ["said", "shown"] and "horse" in found.data["statement"]
    assert statements(analyzer, "contradiction", upstream) == [], "a person may speak of anything"


def test_words_outside_the_lexicon_are_matched_by_meaning(analyzer):
    upstream = {"object_detection": seen("dog", 0, 4), "text_overlay": [written("What a sweet pet", 0, 4)]}
    (found,) = statements(analyzer, "agreement", upstream)
    assert "'pet'" in found.data["statement"]
    upstream["text_overlay"] = [written("Interest rates rose", 0, 4)]
    assert statements(analyzer, "agreement", upstream) == []


def test_subtitles_agree_with_speech(analyzer):
    upstream = {
        "speech_transcription": [said("He was not an ill disposed young man.", 2, 5)],
        "text_overlay": [written("an ill-disposed young man", 3, 5), written("Subscribe today please", 3, 5)],
    }
    (found,) = statements(analyzer, "agreement", upstream)
    assert found.data["modalities"] == ["written", "said"] and "ill-disposed" in found.data["statement"]


def test_words_without_speech_are_doubted(analyzer):
    windows = [heard(k * 0.48, ("Music", 0.9), ("Guitar", 0.5), ("Singing bowl", 0.1)) for k in range(6)]
    upstream = {"speech_transcription": [said("Thank you.", 0.5, 2)], "audio_environment": windows}
    (found,) = statements(analyzer, "contradiction", upstream)
    assert found.data["modalities"] == ["said", "heard"] and "Music" in found.data["statement"]
    upstream["audio_environment"] = [heard(k * 0.48, ("Speech", 0.9), ("Music", 0.5)) for k in range(6)]
    assert statements(analyzer, "contradiction", upstream) == []


def test_what_is_shown_and_heard(analyzer):
    barks = [heard(1, ("Animal", 0.9), ("Dog", 0.8)), heard(6, ("Dog", 0.8))]
    upstream = {"object_detection": seen("dog", 0, 4), "audio_environment": barks}
    (found,) = statements(analyzer, "agreement", upstream)
    assert found.start_s == 1 and found.data["modalities"] == ["heard", "shown"]


@pytest.mark.parametrize("score", [0.01, 0.05, 0.09])
def test_a_faint_tag_of_speech_is_no_evidence_that_words_were_spoken(analyzer, score):
    windows = [heard(k * 0.48, ("Music", 0.9), ("Speech", score)) for k in range(6)]
    upstream = {
        "speech_transcription": [said("I like this cat.", 0.5, 2)],
        "audio_environment": windows,
        "object_detection": seen("cat", 0, 3),
        "age_estimation": [],
    }
    (found,) = statements(analyzer, "contradiction", upstream)
    assert "but Music" in found.data["statement"]
    assert statements(analyzer, "agreement", upstream) == [], "nobody spoke of the cat"
    assert not any("speaks" in s.data["statement"] for s in statements(analyzer, "insight", upstream))


@pytest.mark.parametrize(
    "tags", [[("Music", 0.2), ("Speech", 0.02)], [("Speech", 0.15), ("Music", 0.6)], [("Hum", 0.07)]]
)
def test_nothing_is_doubted_without_evidence(analyzer, tags):
    """Neither where the tags are at the level of noise, nor where speech may be under music."""
    windows = [heard(k * 0.48, *tags) for k in range(6)]
    upstream = {"speech_transcription": [said("Thank you.", 0.5, 2)], "audio_environment": windows}
    assert statements(analyzer, "contradiction", upstream) == []


@pytest.mark.parametrize("count", [1, 2, 3])
def test_that_analyzers_disagree_about_people_is_no_finding(analyzer, count):
    """A face is a person's: the detector that missed the body does not count."""
    faces = [one for _ in range(count) for one in face(0, 8)]
    upstream = {
        "object_detection": seen("cat", 0, 4) + seen("person", 4, 8),
        "age_estimation": faces,
        "background_segmentation": [Segment(k, k + 1, "no_person", 0.9) for k in range(8)],
        "text_overlay": [written("A woman", 1, 3)],
    }
    assert statements(analyzer, "contradiction", upstream) == []
    (found,) = statements(analyzer, "agreement", upstream)
    assert "a person is shown" in found.data["statement"]


@pytest.mark.parametrize(
    "seeing",
    [
        {"object_detection": seen("person", 0, 3, 0.36)},
        {"age_estimation": face(0, 3)},
        {"body_pose": [Segment(0, 3, "standing", 0.5, {"box": [0, 0, 1, 1]})]},
        {"background_segmentation": [Segment(0, 3, "person", 0.6, {"person_share": 0.1})]},
        {"qwen2_vl_temporal": [Segment(0, 3, "A person.", None, {"subjects": ["person"]})]},
    ],
    ids=lambda seeing: next(iter(seeing)),
)
def test_nobody_is_missing_who_was_seen_by_anything(analyzer, seeing):
    speech = {"speech_transcription": [said("Once upon a time.", 0, 3)]}
    absent = {"object_detection": seen("cat", 0, 3), "age_estimation": []}
    assert any("not shown" in s.data["statement"] for s in statements(analyzer, "insight", absent | speech))
    there = absent | speech | seeing
    assert not any("not shown" in s.data["statement"] for s in statements(analyzer, "insight", there))


def test_what_is_not_sure_is_not_told(analyzer):
    phases = [
        Segment(0, 5, "phase", None, {"pace": "slow", "cuts_per_minute": 0.0, "words_per_minute": None}),
        Segment(5, 10, "phase", None, {"pace": "medium", "cuts_per_minute": None, "words_per_minute": None}),
    ]
    upstream = {
        "temporal_flow": phases,
        "visual_effects": [Segment(3, 4, "blur", 0.2, {"strength": 0.2})],
        "object_detection": seen("cat", 0, 2 / 3),
    }
    assert analyzer.analyze(CLIP, upstream) == []


def test_observations(analyzer):
    phases = [
        Segment(0, 5, "phase", None, {"pace": "slow", "cuts_per_minute": 0.0, "words_per_minute": 60.0}),
        Segment(5, 10, "phase", None, {"pace": "fast", "cuts_per_minute": 48.0, "words_per_minute": 0.0}),
    ]
    upstream = {
        "object_detection": seen("cat", 0, 2) + seen("person", 2, 9),
        "age_estimation": face(4, 6),
        "temporal_flow": phases,
        "audio_analysis": [Segment(8, 9.5, "silence")],
        "text_overlay": [written("The end", 8.5, 10)],
        "speech_transcription": [said("Once upon a time.", 0, 1.5)],
        "audio_environment": [heard(5 + k * 0.48, ("Music", 0.8)) for k in range(4)],
        "content_quality": [Segment(k, k + 1, "video", None, {"score": 0.1 + k / 10}) for k in range(5)],
        "visual_effects": [Segment(3, 4, "freeze", None, {"strength": 1.0})],
    }
    told = [s.data["statement"] for s in statements(analyzer, "insight", upstream)]
    for part in (
        "a person is on screen longest: 7.0 s",
        "A female face is shown, about 35 years old",
        "fastest from 5 to 10 s, with 48 cuts",
        "silent from 8 to 9.5 s, with “The end” on screen",
        "who is not shown speaks from 0 to 1.5 s",
        "Music is heard from 5 to 7.4 s",
        "picture is poorest from 0 to 1 s",
        "picture stands still from 3 to 4 s",
    ):
        assert any(part in statement for statement in told), (part, told)


def test_nothing_to_read_and_nothing_found(analyzer):
    with pytest.raises(NothingToAnalyze):
        analyzer.analyze(CLIP, {})
    assert analyzer.analyze(CLIP, {"object_detection": [], "text_overlay": [], "audio_analysis": []}) == []


def test_the_lexicon():
    assert [n.thing for n in lexicon.named("Two kittens, a bus and some puppies")] == ["cat", "bus", "dog"]
    assert lexicon.thing_of("coffee mug") == "cup" and lexicon.thing_of("traffic light") == "traffic light"
    assert lexicon.named("There is no cat here")[0].denied
