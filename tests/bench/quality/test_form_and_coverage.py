"""The figures that every analyzer has, and those that say where, when and by which name things were found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clipbench.analyzers import registry
from clipbench.analyzers.base import FrameSettings, Segment
from clipbench.bench import quality
from clipbench.bench.quality import segment_form
from clipbench.bench.quality.declaration import Scored
from tests.bench.quality.test_figures import BOX, ELSEWHERE, LEFT, TRUTH, each_second, score, seg
from tests.support.ideal_segments import TRUTH as LABELS
from tests.support.ideal_segments import segments

REFERENCE = quality.Truth("", 720, 1280, LABELS)
OF_EVERY_ANALYZER = [
    f.metric.removeprefix("quality.")
    for f in quality.discover()
    if f.name in ("malformed", "duplicates", "coverage")
]
HALVES = [{"text": "HELLO", "start_s": 0, "end_s": 2, "box": BOX}]
POSE = {"nose": [0.4, 0.2], "left_hip": [0.4, 0.6], "right_hip": [0.2, 0.6]}


def standing(by: float) -> list[Segment]:
    """The labelled pose in each second, moved to the right by a fraction of the frame."""
    return each_second("standing", keypoints={name: [x + by, y, 1] for name, (x, y) in POSE.items()})


#: figure → truth beside that of test_figures, and what is found there with what it is worth.
PLACES = {
    "text_overlay.box_iou": (
        {"texts": HALVES},
        [([seg(0, 2, "HELLO", box=BOX)], 1), ([seg(0, 2, "HELLO", box=ELSEWHERE)], 0)],
    ),
    "text_overlay.temporal_iou": (
        {"texts": HALVES},
        [([seg(0, 2, "HELLO")], 1), ([seg(1, 2, "HELLO")], 0.5)],
    ),
    "camera_analysis.speed_error": (
        {"camera": [{"start_s": 0, "end_s": 4, "motion": "pan_left", "dx_per_s": 0.3, "dy_per_s": 0.0}]},
        [
            ([seg(0, 4, "pan_left", dx_per_s=0.3, dy_per_s=0.0)], 0),
            (
                [
                    seg(0, 2, "pan_left", dx_per_s=0.3, dy_per_s=0.0),
                    seg(2, 4, "roll", dx_per_s=0.0, dy_per_s=0.4),
                ],
                0.25,
            ),
        ],
    ),
    "body_pose.oks_recall": (
        {"poses": [{"id": "p", "samples": [{"time_s": t / 10, "keypoints": POSE} for t in range(40)]}]},
        [
            (standing(0.0), 1),
            (standing(0.0)[:1], 0.25),
            (
                each_second(
                    "standing", box=BOX, keypoints={k: [p[0] + 0.3, *p[1:], 1] for k, p in POSE.items()}
                ),
                0,
            ),
            ([], 0),
        ],
    ),
    "age_estimation.face_recall": (
        {},
        [(each_second("male", box=BOX)[:3], 0.75), (each_second("male", box=ELSEWHERE), 0)],
    ),
    "eye_tracking.face_recall": ({}, [(each_second("left", box=BOX, iris=LEFT)[:3], 0.75), ([], 0)]),
    "eye_tracking.gaze_balanced_accuracy": (
        {
            "faces": [
                {
                    "samples": [
                        {"time_s": t / 10, "box": BOX, "gaze": "center" if t < 30 else "left"}
                        for t in range(40)
                    ]
                }
            ]
        },
        [(each_second("center", box=BOX), 0.5), (each_second("left", box=BOX), 0.5), ([], 0)],
    ),
    "color_analysis.name_accuracy": (
        {
            "colors": [
                {
                    "time_s": 0.5,
                    "palette": [{"lab": [100, 0, 0], "share": 0.6}, {"lab": [0, 0, 0], "share": 0.4}],
                }
            ]
        },
        [([seg(0, 1, "white")], 1), ([seg(0, 1, "black")], 0), ([], 0)],
    ),
    "qwen2_vl_temporal.listed_recall": (
        {},
        [(each_second("", subjects=["cat"]), 1 / 3), (each_second("A cat.", subjects=[]), 0)],
    ),
    "speech_flow.word_count_error": (
        {},
        [([seg(0, 2.5, "speech", words=5)], 0), ([seg(0, 1, "speech", words=4)], 0.2), ([], 1)],
    ),
    "audio_analysis.silence_f1": (
        {"silence": [{"start_s": 1, "end_s": 2}]},
        [
            ([seg(1, 2, "silence")], 1),
            ([seg(1.5, 2, "silence")], 2 / 3),
            ([seg(3, 4, "silence")], 0),
            ([], 0),
        ],
    ),
    "cross_analyzer_intelligence.time_recall": (
        {},
        [
            ([seg(0, 2, "contradiction", statement="A cat.")], 1),
            ([seg(1.5, 3, "contradiction", statement="A cat.")], 0.25),
        ],
    ),
}


@pytest.mark.parametrize(
    ("name", "found", "value"),
    [(name, s, v) for name, (_, cases) in PLACES.items() for s, v in cases],
)
def test_value(name, found, value):
    assert score(name, found, TRUTH | PLACES[name][0]).value == pytest.approx(value, abs=6e-3)


@pytest.mark.parametrize("name", PLACES)
def test_without_truth_nothing_is_measured(name):
    absent = score(name, PLACES[name][1][0][0], truth={})
    assert absent.value is None and "labels no" in absent.reason and not absent.failed


def on_reference(figure: str, found, **settings) -> float | None:
    analyzer = figure.partition(".")[0]
    kind = registry.discover()[analyzer].settings_type
    figures = quality.score({analyzer: found}, {analyzer: kind(**settings)}, REFERENCE, "", 10.0)
    return next(m.value for m in figures if m.name == f"quality.{figure}")


@pytest.mark.parametrize("analyzer", registry.discover())
def test_what_is_well_formed_and_there_once_is_so(analyzer):
    found = segments()[analyzer]
    assert on_reference(f"{analyzer}.malformed", found) == 0
    assert on_reference(f"{analyzer}.duplicates", found) == 0
    assert on_reference(f"{analyzer}.malformed", []) == on_reference(f"{analyzer}.duplicates", []) == 0


@pytest.mark.parametrize("analyzer", registry.discover())
def test_what_has_no_data_or_is_out_of_the_clip_is_malformed(analyzer):
    found = segments()[analyzer]
    gone = [replace(s, data={}) for s in found]
    needed = [s for s in found if s.data]
    assert on_reference(f"{analyzer}.malformed", gone) == len(needed)
    late = [replace(s, start_s=s.start_s + 20, end_s=s.end_s + 20) for s in found]
    assert on_reference(f"{analyzer}.malformed", late) == len(found)


@pytest.mark.parametrize("analyzer", registry.discover())
@pytest.mark.parametrize("copies", [2, 3])
def test_what_is_there_more_than_once_is_counted(analyzer, copies):
    found = segments()[analyzer]
    assert on_reference(f"{analyzer}.duplicates", found * copies) == (copies - 1) * len(found)


def test_copies_that_were_moved_a_little_are_copies_and_neighbours_are_not():
    box = [0.2, 0.2, 0.6, 0.6]
    near = [0.201, 0.2, 0.601, 0.6]
    repeated = segment_form.count_repeated
    assert repeated([seg(0, 1, "cat", box=box), seg(0.01, 1.01, "cat", box=near)]) == 1
    assert repeated([seg(0, 1, "cat", box=box), seg(0, 1, "cat", box=[0.4, 0.2, 0.8, 0.6])]) == 0
    assert repeated([seg(0, 1, "cat", box=box), seg(0, 1, "dog", box=box)]) == 0
    assert repeated([seg(0, 1, "cat", box=box), seg(1, 2, "cat", box=box)]) == 0
    assert repeated([seg(1, 1, "hard_cut", strength=0.5), seg(1.03, 1.03, "hard_cut", strength=0.5)]) == 1
    assert repeated([seg(1, 1, "hard_cut", strength=0.5), seg(1.3, 1.3, "hard_cut", strength=0.5)]) == 0
    windows = [seg(0.24 * n, 0.24 * n + 0.96, "Speech", tags=[]) for n in range(30)]
    assert repeated(windows) == 0
    assert repeated([seg(0, 2, "insight", statement="a"), seg(0, 2, "insight", statement="b")]) == 0


@pytest.mark.parametrize("analyzer", ["object_detection", "body_pose", "age_estimation", "eye_tracking"])
@pytest.mark.parametrize(("fps", "least", "most"), [(3, 1, 1), (1, 1, 1), (0.5, 0.4, 0.7), (0.01, 0, 0.2)])
def test_coverage_is_by_the_frames_that_were_looked_at(analyzer, fps, least, most):
    assert least <= on_reference(f"{analyzer}.coverage", segments()[analyzer], fps=fps) <= most


@pytest.mark.parametrize("fps", [3.0, 1.0, 0.5, 0.2, 0.01])
def test_who_looks_seldom_finds_less(fps):
    """The first frame alone would be found without a mistake; what was not looked at is missed."""
    step = 1 / fps
    looked = [n * step for n in range(int(10 * fps) + 1) if n * step < 10]
    found = [
        replace(s, start_s=t, end_s=t + step)
        for t in looked
        for s in segments()["object_detection"]
        if s.start_s <= t + 1e-6 < s.end_s
    ]
    recall = on_reference("object_detection.recall", found, fps=fps)
    assert recall > 0.85 if fps >= 1 else recall < 0.75 if fps > 0.1 else recall < 0.3


@pytest.mark.parametrize("analyzer", ["color_analysis", "background_segmentation", "content_quality"])
def test_half_of_the_answers_cover_half_of_the_clip(analyzer):
    half = [s for s in segments()[analyzer] if s.start_s < 5]
    assert on_reference(f"{analyzer}.coverage", half) == pytest.approx(0.5, abs=0.1)
    assert on_reference(f"{analyzer}.coverage", []) == 0


def test_moments_far_from_any_frame_are_not_compared_with_one():
    scored = Scored(each_second("cat", box=BOX), REFERENCE, FrameSettings(fps=0.25), 8.0)
    assert [t for t in (0.0, 0.4, 0.6, 2.0, 3.6, 4.4) if scored.was_looked_at(t)] == [0.0, 0.4, 3.6, 4.4]
    assert scored.near(2.0) == [] and scored.near(0.4)
