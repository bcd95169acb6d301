"""temporal_flow on made-up results of the analyzers that it reads, whose pace and topics are known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from clipbench.analyzers.base import NothingToAnalyze, Segment
from clipbench.analyzers.temporal_flow import TemporalFlow, per_minute, rate, spoken_sentences
from tests.support.clip_views import ArrayClip


@pytest.fixture(scope="module")
def analyzer():
    analyzer = TemporalFlow()
    analyzer.load()
    yield analyzer
    analyzer.unload()


def clip(duration_s: float, sound: bool = True) -> ArrayClip:
    return ArrayClip(fps=1, duration_s=duration_s, audio=np.zeros(1, np.float32) if sound else None)


def cut(at: float) -> Segment:
    return Segment(at, at, "hard_cut", 0.9, {"strength": 0.5})


def say(start_s: float, end_s: float, text: str) -> Segment:
    words = text.split()
    step = (end_s - start_s) / len(words)
    timed = [
        {
            "word": word,
            "start_s": start_s + i * step,
            "end_s": start_s + i * step + 0.1,
            "probability": 0.9,
        }
        for i, word in enumerate(words)
    ]
    return Segment(start_s, end_s, text, 0.9, {"words": timed})


def describe(second: int, text: str, subjects: list[str], motion: str | None = "static") -> Segment:
    data = {"subjects": subjects, "scene": None, "motion": motion, "text": []}
    return Segment(second, second + 1, text, None, data)


def labelled(segments: list[Segment], label: str) -> list[Segment]:
    return [segment for segment in segments if segment.label == label]


def test_phases_follow_the_cutting(analyzer):
    cuts = [cut(15 + k) for k in range(15)]
    found = analyzer.analyze(clip(30), {"cut_analysis": cuts, "speech_transcription": []})
    calm, rapid = labelled(found, "phase")
    assert (calm.data["pace"], rapid.data["pace"]) == ("slow", "fast")
    assert calm.start_s == 0 and calm.end_s == pytest.approx(15, abs=1) and rapid.end_s == 30
    assert calm.data["cuts_per_minute"] <= 2 and rapid.data["cuts_per_minute"] == pytest.approx(60, abs=5)
    phases = labelled(found, "phase")
    assert [p.data["index"] for p in phases] == list(range(len(phases)))
    assert all(a.end_s == b.start_s for a, b in pairwise(phases))
    assert labelled(found, "summary")[0].data == {"pace": "fast", "phases": len(phases)}


@pytest.mark.parametrize("cuts", [[2.0], [1.0], [1.0, 2.5], [0.5, 3.0]])
@pytest.mark.parametrize("duration_s", [4.0, 9.0])
def test_one_or_two_cuts_are_no_rate(analyzer, cuts, duration_s):
    found = analyzer.analyze(clip(duration_s), {"cut_analysis": [cut(at) for at in cuts]})
    assert {p.data["cuts_per_minute"] for p in labelled(found, "phase")} <= {None, 0.0}
    if len(cuts) == 1:
        assert labelled(found, "summary")[0].data["pace"] == "slow"


@pytest.mark.parametrize(("cuts", "per_minute"), [([1.0, 2.0, 3.0], 45), ([1, 2, 3, 3.5], 60)])
def test_three_cuts_are_a_rate(analyzer, cuts, per_minute):
    found = analyzer.analyze(clip(4), {"cut_analysis": [cut(at) for at in cuts]})
    assert [p.data["cuts_per_minute"] for p in labelled(found, "phase")] == [per_minute]


def test_a_long_clip_with_one_cut_has_a_rate(analyzer):
    found = analyzer.analyze(clip(120), {"cut_analysis": [cut(61)], "speech_transcription": []})
    assert [p.data["cuts_per_minute"] for p in labelled(found, "phase")] == [0.5]


@pytest.mark.parametrize("words", ["Yes.", "Oh no, not again."])
def test_a_few_words_are_no_rate_and_no_sound_is_no_silence(analyzer, words):
    [phase] = labelled(analyzer.analyze(clip(4), {"speech_transcription": [say(3, 4, words)]}), "phase")
    assert (phase.data["words_per_minute"], phase.data["pace"]) == (None, "slow")
    [mute] = labelled(analyzer.analyze(clip(4, sound=False), {"speech_transcription": []}), "phase")
    assert (mute.data["words_per_minute"], mute.data["pace"]) == (None, None)
    [quiet] = labelled(analyzer.analyze(clip(4), {"speech_transcription": []}), "phase")
    assert quiet.data["words_per_minute"] == 0


def test_a_motion_that_was_not_sure_is_that_of_no_phase(analyzer):
    told = [describe(k, "A cat.", ["cat"], motion) for k, motion in enumerate([None, None, "pan_left", None])]
    assert (
        labelled(analyzer.analyze(clip(4), {"qwen2_vl_temporal": told}), "phase")[0].data["motion"]
        == "pan_left"
    )
    told = [describe(k, "A cat.", ["cat"], None) for k in range(4)]
    assert labelled(analyzer.analyze(clip(4), {"qwen2_vl_temporal": told}), "phase")[0].data["motion"] is None


def test_rapid_speech_over_one_shot_is_fast(analyzer):
    slow = say(0, 10, " ".join(["word"] * 10))
    fast = say(10, 20, " ".join(["word"] * 40))
    found = analyzer.analyze(clip(20), {"cut_analysis": [], "speech_transcription": [slow, fast]})
    first, *_, last = labelled(found, "phase")
    assert (first.data["pace"], last.data["pace"]) == ("slow", "fast")
    assert last.data["words_per_minute"] == pytest.approx(240, abs=40)


def test_a_phase_begins_with_a_scene(analyzer):
    scenes = [Segment(0, 15.4, "scene", None, {"index": 0}), Segment(15.4, 30, "scene", None, {"index": 1})]
    speech = [say(15.4, 30, " ".join(["word"] * 58))]
    found = analyzer.analyze(clip(30), {"speech_transcription": speech, "scene_segmentation": scenes})
    assert 15.4 in [p.start_s for p in labelled(found, "phase")]


def test_topics_change_where_people_speak_of_something_else(analyzer):
    speech = [
        say(0, 3, "My cat loves to sleep in the sun."),
        say(3, 6, "Cats purr when they are happy, and kittens play all day."),
        say(6, 9, "The central bank raised interest rates again."),
        say(9, 12, "Inflation and the price of government bonds worry investors."),
    ]
    changes = labelled(analyzer.analyze(clip(12), {"speech_transcription": speech}), "topic_change")
    assert [(c.start_s, c.end_s) for c in changes] == [(6, 6)]
    assert changes[0].data["similarity"] < 0.2 and "central bank" in changes[0].data["after"]


def test_where_nothing_is_said_the_descriptions_tell(analyzer):
    shown = [("A cat.", ["cat"])] * 3 + [("A rocket.", ["rocket", "launch pad"])] * 3
    seconds = [describe(k, text, subjects, "pan_left") for k, (text, subjects) in enumerate(shown)]
    found = analyzer.analyze(clip(6), {"qwen2_vl_temporal": seconds})
    assert [c.start_s for c in labelled(found, "topic_change")] == [3]
    assert labelled(found, "phase")[0].data["motion"] == "pan_left"
    brief = analyzer.analyze(clip(6), {"qwen2_vl_temporal": seconds[2:4]})
    assert labelled(brief, "topic_change") == [], "what is shown for a second is no topic"
    spoken_over = {
        "qwen2_vl_temporal": seconds,
        "speech_transcription": [say(0, 6, "All of it is one story.")],
    }
    assert labelled(analyzer.analyze(clip(6), spoken_over), "topic_change") == []


def test_phrases_become_sentences():
    segments = [say(0, 1, "Once upon"), say(1, 2, "a time."), say(2, 3, "The end"), say(9, 10, "Is it?")]
    assert [p.text for p in spoken_sentences(segments)] == ["Once upon a time.", "The end", "Is it?"]


@pytest.mark.parametrize("duration_s", [0.04, 0.5, 1.0, 2.0])
def test_short_and_empty(analyzer, duration_s):
    found = analyzer.analyze(clip(duration_s), {"cut_analysis": [], "speech_transcription": []})
    assert [(s.label, s.end_s) for s in found] == [("phase", duration_s), ("summary", duration_s)]
    with pytest.raises(NothingToAnalyze):
        analyzer.analyze(clip(duration_s), {})


def test_a_short_run_between_two_joins_the_longer(analyzer):
    cuts = [cut(12 + k / 4) for k in range(4)]
    found = analyzer.analyze(clip(30), {"cut_analysis": cuts, "speech_transcription": []})
    phases = labelled(found, "phase")
    assert phases[0].start_s == 0 and phases[-1].end_s == 30
    assert all(p.end_s - p.start_s >= 2 for p in phases)


def test_a_cut_between_two_phases_counts_half_in_each():
    assert per_minute([2.0, 5.0, 7.0], 2.0, 7.0) == 24.0
    assert per_minute([], 0, 1) == 0 and rate(None, 0, 1, 3) is None
