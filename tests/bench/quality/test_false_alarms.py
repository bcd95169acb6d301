"""The figures for false alarms: what is found where nothing is, on hand-made truth."""

from __future__ import annotations

import pytest

from clipbench.bench import quality
from tests.bench.quality.test_claims import NOBODY, box_at
from tests.bench.quality.test_figures import BOX, CASES, ELSEWHERE, MASK, each_second, score, seg

PERSON = box_at(0.5, label="person")
HALF_OF_THE_TIME = {"labelled": {"objects": [0.5, 1.5], "poses": [0.5, 1.5], "faces": [0.5, 1.5]}}
STILL = {
    "camera": [
        {"start_s": 0, "end_s": 2, "motion": "static"},
        {"start_s": 2, "end_s": 4, "motion": "pan_left"},
    ]
}
SPOKEN = {"speech": [{"start_s": 0.0, "end_s": 2.0}]}
WRITTEN = {"texts": [{"text": "ROCKET LAUNCH", "start_s": 0, "end_s": 2}]}
FLASH = {"effects": [{"effect": "flash", "start_s": 1.0, "end_s": 1.1}]}
SILENCE = {"silence": [{"start_s": 1, "end_s": 3}]}


def words(*starts: float):
    return [seg(0, 4, "", words=[{"word": "a", "start_s": t, "end_s": t + 0.2} for t in starts])]


#: figure → truth, what is found, and the figure.
ALARMS = {
    "object_detection.false_persons": [
        ({"objects": []}, each_second("person", box=BOX)[:1], 0.25),
        ({"objects": []}, each_second("cat", box=BOX), 0),
        ({"objects": [box_at(0.5, 1.5)]}, each_second("person", box=BOX), 1),
        ({"objects": [PERSON], **HALF_OF_THE_TIME}, each_second("person", box=ELSEWHERE), 1),
        ({"objects": [PERSON], **HALF_OF_THE_TIME}, each_second("person", box=BOX)[:1], 0),
        ({"objects": [box_at(1.5)], "ignore": [PERSON]}, each_second("person", box=BOX)[:1], 0),
    ],
    "body_pose.false_persons": [
        ({"poses": []}, each_second("standing", box=BOX, keypoints={})[:2], 0.5),
        ({"poses": []}, [], 0),
        (
            {"poses": [box_at(0.5)], **HALF_OF_THE_TIME},
            each_second("standing", box=BOX, keypoints={})[:1],
            0,
        ),
    ],
    "background_segmentation.false_persons": [
        ({"masks": []}, each_second("person", mask=MASK)[:1], 0.25),
        ({"masks": [{"time_s": 0.5, "polygons": []}]}, each_second("person", mask=MASK), 1),
        ({"masks": [{"time_s": 0.5, "polygons": []}]}, each_second("no_person", mask=NOBODY), 0),
    ],
    **{
        f"{analyzer}.false_faces": [
            ({"faces": []}, each_second("left", box=BOX, age=3)[:1], 0.25),
            ({"faces": []}, [seg(0, 1, "blink", openness=0.1)], 0),
            ({"faces": [box_at(0.5)], **HALF_OF_THE_TIME}, each_second("left", box=BOX), 1),
        ]
        for analyzer in ("age_estimation", "eye_tracking")
    },
    "camera_analysis.motion_on_tripod": [
        ({"camera": []}, [seg(0, 4, "pan_left", 0.5)], 0.5),
        ({"camera": []}, [seg(0, 2, "pan_left"), seg(2, 3, "roll"), seg(3, 4, "static", 1)], 0.75),
        ({"camera": []}, [seg(0, 4, "zoom_in", 0.0)], 0),
        (STILL, [seg(0, 4, "pan_left", 0.9)], 0.9),
        (STILL, [seg(0, 2, "static", 0.9), seg(2, 4, "pan_left", 0.9)], 0),
    ],
    "visual_effects.false_effects": [
        ({"effects": []}, [seg(1, 2, "blur"), seg(0, 4, "monochrome")], 2),
        (FLASH, [seg(1.1, 1.2, "flash"), seg(3, 4, "flash"), seg(1, 1.1, "blur")], 2),
        (FLASH, [], 0),
    ],
    "speech_transcription.words_in_silence": [
        ({"transcript": ""}, [seg(1, 2, "Mmm. Thank you.")], 3),
        ({"speech": []}, words(0.5, 1.5), 2),
        (SPOKEN, words(0.7, 1.9, 2.1, 2.6, 3.5), 2),
        ({"words": [{"word": "a", "start_s": 0.5, "end_s": 1}]}, words(0.7, 2.6), 1),
        (SPOKEN, [seg(0, 2, "right"), seg(3, 4, "Mmm, two.")], 2),
    ],
    "audio_environment.tags_in_silence": [
        (SILENCE, [seg(1, 1.9, "Fart"), seg(2, 2.9, "Silence"), seg(0.5, 1.4, "Speech")], 0.45),
        (SILENCE, [seg(1, 2, "Fart"), seg(1.2, 2.2, "Fart")], 0.6),
        (SILENCE, [seg(1, 1.9, "")], 0),
        (SILENCE, [], 0),
        ({"sounds": []}, each_second("Music"), 1),
        ({"sounds": []}, each_second("Silence"), 0),
    ],
    "text_overlay.false_texts": [
        ({"texts": []}, [seg(1, 2, "LOL"), seg(2, 3, "~")], 2),
        (WRITTEN, [seg(0, 2, "ROCKET LAVNCH"), seg(1, 2, "rocket"), seg(1, 2, "LOL")], 1),
        (WRITTEN, [seg(3, 4, "ROCKET LAUNCH")], 1),
    ],
}


@pytest.mark.parametrize(
    ("name", "truth", "found", "value"), [(name, *case) for name, cases in ALARMS.items() for case in cases]
)
def test_value(name, truth, found, value):
    assert score(name, found, truth).value == pytest.approx(value)


@pytest.mark.parametrize("name", ALARMS)
def test_without_truth_nothing_is_measured(name):
    absent = score(name, ALARMS[name][0][1], truth={})
    assert absent.value is None and "labels no" in absent.reason


@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("object_detection.false_persons", {"objects": [PERSON]}),
        ("body_pose.false_persons", {"poses": [box_at(0.5)]}),
        ("background_segmentation.false_persons", {"masks": [{"time_s": 1, "polygons": [[[0, 0], [1, 1]]]}]}),
        ("age_estimation.false_faces", {"faces": [box_at(0.5)]}),
        ("camera_analysis.motion_on_tripod", {"camera": [{"start_s": 0, "end_s": 4, "motion": "roll"}]}),
        ("speech_transcription.words_in_silence", {"transcript": "spoken at some time"}),
        ("audio_environment.tags_in_silence", {"silence": []}),
        ("audio_environment.tags_in_silence", {"silence": [{"start_s": 1, "end_s": 1.8}]}),
    ],
)
def test_where_something_is_all_the_time_no_alarm_can_be_false(name, truth):
    absent = score(name, [], truth)
    assert absent.value is None and absent.reason and "docs/segments.md" not in absent.reason


def test_every_figure_is_tested_and_every_analyzer_has_one():
    from clipbench.analyzers import registry
    from tests.bench.quality.test_form_and_coverage import OF_EVERY_ANALYZER, PLACES

    assert {f"quality.{name}" for name in [*CASES, *ALARMS, *PLACES, *OF_EVERY_ANALYZER]} == set(
        quality.metric_names()
    )
    assert {name.split(".")[1] for name in quality.metric_names()} == set(registry.discover())
