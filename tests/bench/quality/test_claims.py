"""Truth that says nothing is there, and truth that labels a part of the clip: what that does to figures."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers.base import FrameSettings
from tests.bench.quality.test_figures import BOX, ELSEWHERE, LEFT, MASK, POINTS, each_second, score, seg

NOBODY = {"size": [10, 10], "counts": [100]}


def box_at(*times: float, box=BOX, label="cat") -> dict:
    return {"label": label, "samples": [{"time_s": t, "box": box} for t in times]}


#: figure → a truth that claims that there is nothing, what is found against it, and what that costs.
COSTS = {
    "cut_analysis.f1": ({"cuts": []}, [seg(1, 1, "hard_cut")], 0),
    "visual_effects.f1": ({"effects": []}, [seg(1, 2, "blur")], 0),
    "object_detection.precision": ({"objects": []}, each_second("cat", box=BOX), 0),
    "background_segmentation.iou": ({"masks": []}, each_second("person", mask=MASK), 0),
    "scene_segmentation.f1": ({"shots": []}, [seg(0, 2, "scene"), seg(2, 4, "scene")], 0),
    "temporal_flow.topic_f1": ({"topics": []}, [seg(2, 2, "topic_change")], 0),
    "cross_analyzer_intelligence.statement_f1": (
        {"statements": []},
        [seg(1, 2, "agreement", statement="It says cat, and shows a cat.")],
        0,
    ),
    "camera_analysis.accuracy": ({"camera": []}, [seg(0, 2, "static"), seg(2, 4, "roll")], 0.5),
    "camera_analysis.time_accuracy": ({"camera": []}, [seg(0, 3, "static"), seg(3, 4, "roll")], 0.75),
    "speech_flow.speech_f1": ({"speech": []}, [seg(1, 2, "speech")], 0),
    "speech_transcription.word_error_rate": ({"transcript": ""}, [seg(1, 2, "Mmm, yes.")], 2),
    "text_overlay.character_error_rate": ({"texts": []}, [seg(1, 2, "LOL")], 3),
}
#: The same where nothing is found; what is not here has nothing to measure.
RIGHT = {
    "cut_analysis.f1": 1,
    "visual_effects.f1": 1,
    "scene_segmentation.f1": 1,
    "temporal_flow.topic_f1": 1,
    "cross_analyzer_intelligence.statement_f1": 1,
    "speech_flow.speech_f1": 1,
    "speech_transcription.word_error_rate": 0,
    "text_overlay.character_error_rate": 0,
}


@pytest.mark.parametrize("name", COSTS)
def test_what_is_found_against_a_claim_costs(name):
    truth, found, cost = COSTS[name]
    assert score(name, found, truth).value == pytest.approx(cost)


@pytest.mark.parametrize("name", RIGHT)
def test_to_find_nothing_where_nothing_is_is_right(name):
    assert score(name, [], COSTS[name][0]).value == RIGHT[name]


@pytest.mark.parametrize("name", COSTS)
def test_null_is_no_claim(name):
    truth, found, _ = COSTS[name]
    absent = score(name, found, dict.fromkeys(truth))
    assert absent.value is None and "labels no" in absent.reason


@pytest.mark.parametrize(
    ("name", "key", "found"),
    [
        ("object_detection.recall", "objects", each_second("cat", box=BOX)),
        ("object_detection.mean_iou", "objects", each_second("cat", box=BOX)),
        ("object_detection.precision", "objects", []),
        (
            "body_pose.pck",
            "poses",
            each_second("standing", keypoints={k: [*p, 1] for k, p in POINTS.items()}),
        ),
        ("background_segmentation.iou", "masks", each_second("no_person", mask=NOBODY)),
        ("age_estimation.gender_accuracy", "faces", each_second("female", box=BOX, age=3)),
        ("eye_tracking.gaze_accuracy", "faces", each_second("center", box=BOX, iris=LEFT)),
        ("qwen2_vl_temporal.subject_recall", "shots", each_second("A cat.")),
        ("audio_environment.top3_recall", "sounds", []),
        ("temporal_flow.pace_error", "cuts", [seg(0, 4, "phase", cuts_per_minute=15)]),
        ("color_analysis.palette_error", "colors", []),
    ],
)
def test_a_share_of_nothing_is_not_measured_and_says_why(name, key, found):
    absent = score(name, found, {key: []})
    assert absent.value is None and absent.reason
    assert "labels no" not in absent.reason and "docs/segments.md" not in absent.reason


def test_fades_count_only_where_they_are_labelled():
    found = [seg(2, 2, "hard_cut"), seg(3, 3.5, "fade")]
    assert score("cut_analysis.f1", found, {"cuts": [{"time_s": 2}]}).value == 1
    assert score("cut_analysis.f1", found, {"cuts": [{"time_s": 2}], "fades": []}).value == 0.6667


@pytest.mark.parametrize("fps", [1, 3, 10, 25])
@pytest.mark.parametrize("moments", [(0.5,), (0.21, 1.07, 2.5, 3.33)])
def test_a_clip_that_is_labelled_at_some_moments_is_scored_at_those(monkeypatch, fps, moments):
    monkeypatch.setattr("tests.bench.quality.test_figures.SETTINGS", FrameSettings(fps=fps))
    found = [seg(k / fps, (k + 1) / fps, "cat", box=BOX) for k in range(4 * fps)]
    truth = {"objects": [box_at(*moments)]}
    for figure in ("recall", "precision", "mean_iou"):
        assert score(f"object_detection.{figure}", found, truth).value == 1
    wrong = [*found, *(seg(s.start_s, s.end_s, "dog", box=ELSEWHERE) for s in found)]
    assert score("object_detection.precision", wrong, truth).value == 0.5
    elsewhere = [s for s in found if not any(abs(s.start_s - m) < 1 / fps for m in moments)]
    assert score("object_detection.recall", elsewhere, truth).value == 0


def test_labelled_moments_can_show_nothing():
    truth = {"objects": [box_at(0.5)], "labelled": {"objects": [0.5, 2.5]}}
    assert score("object_detection.precision", each_second("cat", box=BOX), truth).value == 0.5
    assert score("object_detection.recall", each_second("cat", box=BOX), truth).value == 1


def test_between_dense_labels_nothing_is_known_unless_the_truth_says_so():
    seen = box_at(*(n / 30 for n in range(30)))
    found = each_second("cat", box=BOX)
    assert score("object_detection.precision", found, {"objects": [seen]}).value == 1
    whole = {"objects": [seen], "labelled": {"objects": [[0, 3]]}}
    assert score("object_detection.precision", found, whole).value == pytest.approx(1 / 3, abs=1e-3)


def test_what_counts_neither_way_is_labelled_too():
    truth = {"objects": [box_at(0.5)], "ignore": [box_at(2.5, box=ELSEWHERE, label="dog")]}
    found = [*each_second("cat", box=BOX), *each_second("dog", box=ELSEWHERE)]
    # At 0.5 s a cat and a dog that is not there, at 2.5 s an arguable dog and a cat that is not there.
    assert score("object_detection.precision", found, truth).value == pytest.approx(1 / 3, abs=1e-3)


@pytest.mark.parametrize("rate", [24, 25, 30000 / 1001, 60])
def test_a_thing_is_there_until_its_last_frame_at_any_frame_rate(monkeypatch, rate):
    monkeypatch.setattr("tests.bench.quality.test_figures.SETTINGS", FrameSettings(fps=10))
    frames = [round(n / rate, 4) for n in range(int(4 * rate))]
    truth = {
        "objects": [
            box_at(*(t for t in frames if t < 2)),
            box_at(*(t for t in frames if t >= 2), label="dog"),
        ],
        "labelled": {"objects": [[0, 4]]},
    }
    found = [seg(k / 10, (k + 1) / 10, "cat" if k < 20 else "dog", box=BOX) for k in range(40)]
    assert score("object_detection.recall", found, truth).value >= 0.975  # a frame at the cut may be either's
    assert score("object_detection.precision", found, truth).value >= 0.975


@pytest.mark.parametrize(
    ("name", "truth", "found", "value", "whole"),
    [
        (
            "cut_analysis.f1",
            {"cuts": [{"time_s": 1}]},
            [seg(1, 1, "hard_cut"), seg(3, 3, "hard_cut")],
            1,
            2 / 3,
        ),
        ("visual_effects.f1", {"effects": []}, [seg(2.5, 3, "blur")], 1, 0),
        ("text_overlay.character_error_rate", {"texts": []}, [seg(2.5, 3, "A")], 0, 1),
        ("text_overlay.character_error_rate", {"texts": []}, [seg(1.5, 3, "A")], 1, 1),
        ("temporal_flow.topic_f1", {"topics": []}, [seg(2.5, 2.5, "topic_change")], 1, 0),
        ("speech_flow.speech_f1", {"speech": []}, [seg(2.5, 3, "speech")], 1, 0),
        ("speech_flow.speech_f1", {"speech": [{"start_s": 1, "end_s": 2}]}, [seg(1, 3, "speech")], 1, 2 / 3),
        ("speech_transcription.word_error_rate", {"transcript": "a"}, [seg(1, 2, "a"), seg(3, 4, "b")], 0, 1),
    ],
)
def test_what_is_found_out_of_the_labelled_stretches_is_neither_right_nor_wrong(
    name, truth, found, value, whole
):
    key = next(iter(truth))
    part = truth | {"labelled": {key: [[0, 2]]}}
    assert score(name, found, part).value == value
    assert score(name, found, truth).value == pytest.approx(whole, abs=1e-3)


def test_an_outline_is_compared_at_its_moment_and_a_mask_without_anybody_costs():
    masks = [
        {"time_s": 0.5, "polygons": [[[0, 0], [1, 0], [1, 0.5], [0, 0.5]]]},
        {"time_s": 2.5, "polygons": []},
    ]
    right = [seg(0, 1, "person", mask=MASK), *(seg(t, t + 1, "no_person", mask=NOBODY) for t in range(1, 4))]
    assert score("background_segmentation.iou", right, {"masks": masks}).value == pytest.approx(1, abs=2e-3)
    wrong = each_second("person", mask=MASK)
    half = pytest.approx(0.5, abs=2e-3)
    assert score("background_segmentation.iou", wrong, {"masks": masks}).value == half


@pytest.mark.parametrize("rate", [24, 25, 30000 / 1001, 60])
@pytest.mark.parametrize("fps", [2, 3, 10])
def test_a_label_is_compared_with_the_frame_nearest_to_it(monkeypatch, rate, fps):
    """What is sampled at a rate of its own begins where the film has a frame, a little early or late."""
    monkeypatch.setattr("tests.bench.quality.test_figures.SETTINGS", FrameSettings(fps=fps))
    starts = [round(k / fps * rate) / rate for k in range(4 * fps)]
    labels = ["cat" if start < 2 else "dog" for start in starts]
    found = [seg(a, b, n, box=BOX) for a, b, n in zip(starts, [*starts[1:], 4.0], labels, strict=True)]
    truth = {"objects": [box_at(0.48, 0.96, 1.44), box_at(2.04, 2.4, 2.88, 3.36, label="dog")]}
    assert score("object_detection.recall", found, truth).value == 1
    # One more of the cat that is nearer to the first frame of the dog than to the last of the cat: the
    # dog's own label is still nearer to that frame.
    more = {"objects": [box_at(0.48, 0.96, 1.44, 2 - 0.4 / fps), *truth["objects"][1:]]}
    assert score("object_detection.recall", found, more).value == 1


def test_a_label_is_not_compared_with_a_frame_of_another_shot():
    found = [seg(t, t + 1, "cat" if t < 2 else "dog", box=BOX) for t in range(4)]
    truth = {"objects": [box_at(1.8), box_at(3.2, label="dog")]}
    assert score("object_detection.recall", found, truth).value == 0.5
    assert score("object_detection.recall", found, truth | {"cuts": [{"time_s": 1.9}]}).value == 1


def test_of_several_labels_of_one_frame_the_nearest_counts():
    found = [seg(t, t + 1, "cat", box=[0.1 + t / 10, 0.1, 0.5 + t / 10, 0.5]) for t in range(4)]
    moving = [{"time_s": n / 5, "box": [0.1 + n / 50, 0.1, 0.5 + n / 50, 0.5]} for n in range(16)]
    truth = {"objects": [{"label": "cat", "samples": moving}]}
    assert score("object_detection.mean_iou", found, truth).value == 1


@pytest.mark.parametrize("radius", [0.02, 0.03, 0.06, 0.2])
@pytest.mark.parametrize("middle", [(0.5, 0.5), (0.413, 0.377)])
@pytest.mark.parametrize("cells", [64, 128])
def test_no_mask_is_better_than_the_outline_itself(radius, middle, cells):
    """Neither one that is a cell larger on every side, as people far away were scored, nor a smaller one."""
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    polygon = np.stack([middle[0] + radius * np.cos(angles), middle[1] + radius * np.sin(angles)], axis=1)
    y, x = (np.mgrid[0 : cells * 8, 0 : cells * 8] + 0.5) / cells / 8
    fine = np.hypot(x - middle[0], y - middle[1]) < radius
    exact = fine.reshape(cells, 8, cells, 8).mean(axis=(1, 3)) > 0.5
    padded = np.pad(exact, 1)
    around = np.stack([padded[i : i + cells, j : j + cells] for i in range(3) for j in range(3)])
    truth = {"masks": [{"time_s": 0.5, "polygons": [polygon.tolist()]}]}
    values = []
    for mask in (exact, around.any(axis=0), around.all(axis=0)):
        changes = np.flatnonzero(np.diff(mask.ravel().astype(int))) + 1
        counts = np.diff([0, *changes, mask.size]).tolist()
        found = [seg(t, t + 1, "person", mask={"size": [cells, cells], "counts": counts}) for t in range(4)]
        values.append(score("background_segmentation.iou", found, truth).value)
    assert values[0] > 1 - 1 / (radius * cells) and values[0] > max(values[1:])
