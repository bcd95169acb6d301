"""Which findings count as right when confidences are judged, on hand-made truth."""

from __future__ import annotations

import pytest

from clipbench.analyzers import registry
from clipbench.analyzers.base import FrameSettings
from clipbench.bench import quality
from clipbench.bench.quality import reliability
from tests.bench.quality.test_figures import BOX, ELSEWHERE, MASK, POINTS, TRUTH, seg

KEYPOINTS = {name: [*point, 1] for name, point in POINTS.items()}
FAR = {name: [x + 0.2, y, 1] for name, (x, y) in POINTS.items()}

#: Analyzer → a finding that is right, and one that is wrong.
FINDINGS = {
    "object_detection": (seg(0, 1, "cat", 0.9, box=BOX), seg(1, 2, "dog", 0.4, box=BOX)),
    "background_segmentation": (seg(0, 1, "person", 0.9, mask=MASK), seg(1, 2, "no_person", 0.4, mask=MASK)),
    "body_pose": (seg(0, 1, "x", 0.9, keypoints=KEYPOINTS), seg(1, 2, "x", 0.4, keypoints=FAR)),
    "age_estimation": (seg(0, 1, "female", 0.9, box=BOX), seg(1, 2, "male", 0.4, box=BOX)),
    "eye_tracking": (seg(0, 1, "center", 0.9, box=BOX), seg(1, 2, "left", 0.4, box=BOX)),
    "text_overlay": (seg(0, 1, "HELLO", 0.9), seg(1, 2, "YELP", 0.4)),
    "cut_analysis": (seg(2.05, 2.05, "hard_cut", 0.9), seg(1, 1, "hard_cut", 0.4)),
    "camera_analysis": (seg(0, 2, "pan_left", 0.9), seg(2, 4, "roll", 0.4)),
    "visual_effects": (seg(1, 1.1, "flash", 0.9), seg(1, 1.1, "blur", 0.4)),
    "scene_segmentation": (seg(2.1, 3, "scene", 0.9), seg(3, 4, "scene", 0.4)),
    "speech_flow": (seg(0, 2, "speech", 0.9), seg(2.4, 4, "speech", 0.4)),
    "audio_environment": (seg(0, 1, "Music", 0.9), seg(1, 2, "Fart", 0.4)),
    "cross_analyzer_intelligence": (
        seg(0, 1, "contradiction", 0.9, statement="It says dog and shows a cat."),
        seg(1, 2, "agreement", 0.4, statement="It says dog and shows a dog."),
    ),
}


def judged(analyzer: str, *findings, truth=TRUTH) -> list[tuple[float, bool]]:
    labelled = quality.Truth("", 100, 100, truth)
    scored = quality.Scored(list(findings), labelled, FrameSettings(fps=1), 4.0)
    return sorted(tuple(j) for j in reliability.judged(analyzer, scored))


@pytest.mark.parametrize("analyzer", FINDINGS)
def test_a_right_finding_and_a_wrong_one(analyzer):
    assert judged(analyzer, *FINDINGS[analyzer]) == [(0.4, False), (0.9, True)]


@pytest.mark.parametrize("analyzer", FINDINGS)
def test_what_has_no_confidence_is_not_judged(analyzer):
    sure, unsure = FINDINGS[analyzer]
    assert judged(analyzer, sure, seg(unsure.start_s, unsure.end_s, unsure.label, None, **unsure.data)) == [
        (0.9, True)
    ]


def test_words_are_judged_one_by_one():
    words = [("It's", 0.9), ("a", 0.8), ("tall", 0.3), ("small", 0.7), ("world", 0.6)]
    heard = [{"word": w, "start_s": i, "end_s": i + 1, "probability": p} for i, (w, p) in enumerate(words)]
    found = judged("speech_transcription", seg(0, 4, "", 0.1, words=heard))
    assert found == [(0.3, False), (0.6, True), (0.7, True), (0.8, True), (0.9, True)]


def test_a_detection_on_what_is_arguable_is_not_judged():
    assert judged("object_detection", seg(0, 1, "spoon", 0.5, box=ELSEWHERE)) == []


def test_fades_are_judged_where_they_are_labelled():
    fade = seg(3.1, 3.4, "fade", 0.8)
    assert judged("cut_analysis", fade) == [(0.8, True)]
    assert judged("cut_analysis", fade, truth={"cuts": []}) == []


def test_without_truth_or_a_rule_nothing_is_judged():
    with pytest.raises(quality.NotLabelled, match="labels no objects"):
        judged("object_detection", truth={})
    with pytest.raises(quality.NotLabelled, match="nothing says"):
        judged("color_analysis")
    assert set(reliability.JUDGES) == {*FINDINGS, "speech_transcription"} <= set(registry.discover())
