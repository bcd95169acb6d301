# ruff: noqa: E501
"""Each quality figure on hand-made truth: its value where all is right, and where something is wrong."""

from __future__ import annotations

import pytest

from clipbench.analyzers.base import FrameSettings, Segment
from clipbench.bench import quality

SETTINGS = FrameSettings(fps=1)
DURATION_S = 4.0


def seg(start, end, label, confidence=None, **data):
    return Segment(start, end, label, confidence, data)


def track(sample: dict, **fields) -> dict:
    """A labelled track that holds still for the whole clip, labelled ten times a second."""
    return {**fields, "samples": [{"time_s": t / 10, **sample} for t in range(40)]}


BOX = [0.1, 0.1, 0.5, 0.5]
ELSEWHERE = [0.6, 0.6, 0.9, 0.9]
LEFT = {"left": [0.2, 0.2], "right": [0.4, 0.2]}
POINTS = {"left_shoulder": [0.5, 0.5], "right_shoulder": [0.3, 0.5], "nose": [0.4, 0.3]}
MASK = {"size": [10, 10], "counts": [0, 50, 50]}  # the upper half

TRUTH = {
    "shots": [
        {"start_s": 0, "end_s": 2, "scene": "a", "subjects": [["cat"]]},
        {"start_s": 2, "end_s": 4, "scene": "b", "subjects": [["woman", "astronaut"], ["flag"]]},
    ],
    "cuts": [{"time_s": 2.0, "kind": "hard"}],
    "fades": [{"start_s": 3.0, "end_s": 3.5}],
    "objects": [track({"box": BOX}, label="cat", id="c")],
    "ignore": [track({"box": ELSEWHERE}, label="spoon", id="s")],
    "poses": [track({"keypoints": POINTS}, id="p")],
    "faces": [
        track(
            {"box": BOX, "iris_left": LEFT["left"], "iris_right": LEFT["right"]},
            id="f",
            gender="female",
            age=40,
            gaze="center",
        )
    ],
    "masks": [{"time_s": float(t), "polygons": [[[0, 0], [1, 0], [1, 0.5], [0, 0.5]]]} for t in range(4)],
    "texts": [{"text": "HELLO", "start_s": 0, "end_s": 2}, {"text": "WORLD", "start_s": 2, "end_s": 4}],
    "camera": [
        {"start_s": 0, "end_s": 2, "motion": "pan_left"},
        {"start_s": 2, "end_s": 4, "motion": "static"},
    ],
    "effects": [{"effect": "flash", "start_s": 1.0, "end_s": 1.1}],
    "colors": [{"time_s": 0.5, "palette": [{"lab": [50, 0, 0], "share": 1.0}]}],
    "degradations": [{"start_s": 1, "end_s": 2, "kind": "blur"}],
    "transcript": "It's a small, small world.",
    "words": [
        {"word": w, "start_s": 0.5 * i, "end_s": 0.5 * i + 0.4}
        for i, w in enumerate(["It's", "a", "small", "small", "world"])
    ],
    "speech": [{"start_s": 0.0, "end_s": 2.5}],
    "sounds": [{"label": "music", "accepted": ["Music"], "start_s": 0, "end_s": 4}],
    "music": {"tempo_bpm": 120, "key": "A minor"},
    "lufs": -20.0,
    "pitch": {"start_s": 0.0, "step_s": 0.1, "hz": [100, 100, None, 200]},
    "topics": [{"time_s": 2.0}],
    "statements": [{"start_s": 0, "end_s": 2, "relation": "contradiction", "about": "cat"}],
}


def each_second(label, confidence=None, **data):
    return [seg(t, t + 1, label, confidence, **data) for t in range(4)]


CASES = {
    "object_detection.recall": [(each_second("cat", box=BOX), 1), (each_second("cat", box=BOX)[:2], 0.5),
                                (each_second("dog", box=BOX), 0), (each_second("cat", box=ELSEWHERE), 0)],
    "object_detection.precision": [(each_second("cat", box=BOX), 1),
                                   (each_second("cat", box=BOX) + each_second("dog", box=ELSEWHERE), 0.5),
                                   (each_second("cat", box=BOX) + each_second("spoon", box=ELSEWHERE), 1)],
    "object_detection.mean_iou": [(each_second("cat", box=BOX), 1), (each_second("cat", box=[0.1, 0.1, 0.5, 0.4]), 0.75)],
    "body_pose.keypoint_error": [(each_second("standing", box=BOX, keypoints={"nose": [0.43, 0.3, 1]}), 0.15)],
    "body_pose.pck": [(each_second("standing", box=BOX, keypoints={k: [*p, 1] for k, p in POINTS.items()}), 1),
                      (each_second("standing", box=BOX, keypoints={"nose": [0.415, 0.3, 1]}), 1 / 3),
                      (each_second("standing", box=BOX, keypoints={"nose": [0.43, 0.3, 1]}), 0), ([], 0)],
    "background_segmentation.iou": [(each_second("person", mask=MASK), 1), ([], 0),
                                    (each_second("person", mask={"size": [10, 10], "counts": [0, 100]}), 0.5)],
    "cut_analysis.f1": [([seg(2.09, 2.09, "hard_cut"), seg(3.2, 3.6, "fade")], 1),
                        ([seg(2.11, 2.11, "hard_cut"), seg(3.2, 3.6, "fade")], 0.5),
                        ([seg(2, 2, "hard_cut"), seg(1, 1, "hard_cut"), seg(3, 3.4, "fade")], 0.8)],
    "camera_analysis.accuracy": [([seg(0, 2, "pan_left"), seg(2, 4, "static")], 1),
                                 ([seg(0, 4, "pan_left")], 0.5), ([], 0)],
    "camera_analysis.time_accuracy": [([seg(0, 3, "pan_left"), seg(3, 4, "static")], 0.75), ([], 0)],
    "visual_effects.temporal_iou": [([seg(1.05, 1.15, "flash")], 1 / 3), ([seg(1.0, 1.1, "flash"), seg(3, 4, "blur")], 1)],
    "visual_effects.f1": [([seg(1.1, 1.2, "flash")], 1), ([seg(1.1, 1.2, "blur")], 0), ([], 0),
                          ([seg(1.1, 1.2, "flash"), seg(3, 4, "flash")], 2 / 3)],
    "scene_segmentation.f1": [([seg(0, 2.4, "scene"), seg(2.4, 4, "scene")], 1), ([seg(0, 4, "scene")], 0)],
    "scene_segmentation.time_error": [([seg(0, 2.4, "scene"), seg(2.4, 4, "scene")], 0.4)],
    "color_analysis.palette_error": [([seg(0, 1, "gray", palette=[{"lab": [50, 3, 4], "share": 1}])], 5)],
    "age_estimation.age_error": [(each_second("female", box=BOX, age=45), 5)],
    "age_estimation.gender_accuracy": [(each_second("female", box=BOX, age=1), 1), ([], 0),
                                       (each_second("male", box=BOX, age=1), 0),
                                       (each_second("female", box=ELSEWHERE, age=1), 0)],
    "content_quality.degradation_auc": [
        ([seg(t, t + 1, "video", score=s) for t, s in enumerate([0.9, 0.1, 0.8, 0.7])], 1),
        ([seg(t, t + 1, "video", score=s) for t, s in enumerate([0.9, 0.95, 0.8, 0.7])], 0)],
    "eye_tracking.iris_error": [(each_second("center", box=BOX, iris=LEFT), 0),
                                (each_second("center", box=BOX, iris={"left": [0.22, 0.2], "right": [0.4, 0.2]}),
                                 0.05)],
    "eye_tracking.gaze_accuracy": [(each_second("center", box=BOX), 1), (each_second("left", box=BOX), 0)],
    "speech_transcription.word_error_rate": [([seg(0, 3, "it's a small small WORLD")], 0),
                                             ([seg(0, 3, "it's a small word")], 0.4), ([], 1)],
    "speech_transcription.word_time_error": [
        ([seg(0, 3, "", words=[{"word": "a", "start_s": 0.7}, {"word": "world.", "start_s": 2.1}])], 0.15)],
    "speech_flow.speech_f1": [([seg(0, 2.5, "speech")], 1), ([seg(0, 1.25, "speech")], 2 / 3), ([], 0)],
    "speech_flow.rate_error": [([seg(0, 2.5, "speech", words=5)], 0), ([seg(0, 2.5, "speech", words=4)], 0.2)],
    "speech_emotion.gross_pitch_error": [
        ([seg(0, 1, "calm", pitch={"start_s": 0.0, "step_s": 0.1, "hz": [100, 190, 50, 201]})], 1 / 3)],
    "audio_analysis.loudness_error": [([seg(0, 4, "summary", lufs=-21.5)], 1.5)],
    "audio_analysis.tempo_error": [([seg(0, 4, "summary", tempo_bpm=60.0)], 0.5),
                                   ([seg(0, 4, "summary", tempo_bpm=None)], 1)],
    "audio_analysis.key_match": [([seg(0, 4, "summary", key="A minor")], 1),
                                 ([seg(0, 4, "summary", key="C major")], 0.3),
                                 ([seg(0, 4, "summary", key="E minor")], 0.5),
                                 ([seg(0, 4, "summary", key="D# major")], 0)],
    "audio_environment.top3_recall": [
        (each_second("x", tags=[{"tag": t, "score": 0.9 - i / 10} for i, t in enumerate(["a", "b", "Music"])]), 1),
        (each_second("x", tags=[{"tag": t, "score": 0.9 - i / 10} for i, t in enumerate(["a", "b", "c", "Music"])]),
         0)],
    "audio_environment.window_accuracy": [([seg(0, 1, "Music", tags=[]), seg(1, 2, "Speech", tags=[])], 0.5)],
    "text_overlay.character_error_rate": [([seg(0, 2, "HELLO"), seg(2, 4, "WORLD")], 0),
                                          ([seg(0, 2, "HELLO"), seg(2, 4, "W0RLD")], 0.1),
                                          ([seg(0, 2, "HELLO")], 0.5),
                                          ([seg(0, 2, "HELLO"), seg(2, 4, "WORLD"), seg(1, 2, "XY")], 0.2)],
    "qwen2_vl_temporal.subject_recall": [(each_second("A cat."), 1 / 3), (each_second("Catering."), 0),
                                         (each_second("A cat and a woman."), 2 / 3)],
    "temporal_flow.topic_f1": [([seg(2.9, 2.9, "topic_change")], 1), ([seg(3.1, 3.1, "topic_change")], 0)],
    "temporal_flow.pace_error": [([seg(0, 4, "phase", cuts_per_minute=30)], 0),
                                 ([seg(0, 4, "phase", cuts_per_minute=15)], 0.5)],
    "cross_analyzer_intelligence.statement_f1": [
        ([seg(1, 3, "contradiction", statement="It says dog, and shows a cat.")], 1),
        ([seg(1, 3, "agreement", statement="It says cat, and shows a cat.")], 0),
        ([seg(3, 4, "contradiction", statement="It says dog, and shows a cat.")], 0)],
}  # fmt: skip


def score(name: str, segments: list[Segment], truth=TRUTH):
    analyzer = name.partition(".")[0]
    labelled = quality.Truth("", 100, 100, truth)
    scored = quality.score({analyzer: segments}, {analyzer: SETTINGS}, labelled, "", DURATION_S)
    return next(m for m in scored if m.name == f"quality.{name}")


@pytest.mark.parametrize(
    ("name", "segments", "value"), [(name, s, v) for name, cases in CASES.items() for s, v in cases]
)
def test_value(name, segments, value):
    assert score(name, segments).value == pytest.approx(value, abs=6e-3)


def test_a_sentence_that_ends_with_its_shot_is_that_of_its_second():
    shots = [
        {"start_s": 0, "end_s": 1.5, "scene": "a", "subjects": [["cat"]]},
        {"start_s": 1.5, "end_s": 4, "scene": "b", "subjects": [["dog"]]},
    ]
    told = [seg(0, 1, "A cat."), seg(1, 1.5, "A cat."), seg(1.5, 2, "A dog."), seg(2, 4, "A dog.")]
    assert score("qwen2_vl_temporal.subject_recall", told, truth={"shots": shots}).value == 1


def test_segments_of_a_strange_shape_are_a_reason_not_a_crash():
    strange = score("audio_analysis.loudness_error", [seg(0, 4, "summary", loudness=-20)])
    assert strange.value is None and "lufs" in strange.reason


@pytest.mark.parametrize("name", CASES)
def test_without_truth_nothing_is_measured(name):
    absent = score(name, CASES[name][0][0], truth={})
    assert absent.value is None and "labels no" in absent.reason
    none = quality.score({}, {}, None, "no ground truth beside the clip", DURATION_S)
    assert {(m.value, m.reason) for m in none} == {(None, "no ground truth beside the clip")}
