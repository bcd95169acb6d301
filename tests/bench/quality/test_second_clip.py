"""The second clip: its walkers, texts and voices are where its truth says."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest

from tools.rendered_clips.captions import Caption
from tools.rendered_clips.drawing import render
from tools.rendered_clips.scenes import Script, load_script

CLIPS = Path(__file__).resolve().parents[3] / "clips"


def second() -> dict:
    return json.loads((CLIPS / "second.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("index", [2, 12, 36, 50, 80, 255, 280])
def test_who_walks_in_the_second_clip_is_where_the_truth_says(index):
    """What differs from the same frame without the walkers is in their boxes, and fills them."""
    script, truth = load_script("second"), second()
    empty = copy.deepcopy(script.data)
    for shot in empty["shots"]:
        shot.pop("cutouts", None)
    without = render(Script("second", empty), index).astype(int)
    changed = np.abs(render(script, index).astype(int) - without).max(axis=2) > 24

    height, width = changed.shape
    outside = changed.copy()
    for track in truth["objects"] + truth["ignore"]:
        for sample in track["samples"]:
            if round(sample["time_s"] * 25) == index:
                box = np.array(sample["box"]) * (width, height, width, height)
                x1, y1, x2, y2 = np.round(box).astype(int)
                outside[max(0, y1 - 3) : y2 + 3, max(0, x1 - 3) : x2 + 3] = False
                if track["label"] == "person" and track in truth["objects"]:
                    inside = changed[y1:y2, x1:x2]
                    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
                    assert np.ptp(rows) > 0.85 * (y2 - y1) and np.ptp(columns) > 0.75 * (x2 - x1)
    assert not outside.any()


def test_it_has_what_the_reference_clip_lacks():
    truth = second()
    motions = {c["motion"] for c in truth["camera"]}
    assert {"static", "pan_left", "pan_right", "zoom_in"} <= motions
    sizes = [
        s["box"][3] - s["box"][1] for t in truth["objects"] if t["label"] == "person" for s in t["samples"]
    ]
    assert min(sizes) < 0.15 < 0.8 < max(sizes)
    assert {t["label"] for t in truth["objects"]} == {
        "person", "horse", "bicycle", "backpack", "motorcycle", "bird", "boat"
    }  # fmt: skip
    # A walker who is cut by the border counts once half of him is in the frame, and neither way before that.
    skier = next(t for t in truth["objects"] if t.get("id") == "skier")
    before = [t for t in truth["ignore"] if t.get("id") == "skier" and t["samples"][0]["time_s"] < 1]
    assert before and before[0]["samples"][-1]["time_s"] < skier["samples"][0]["time_s"] < 0.5
    assert [e["effect"] for e in truth["effects"]] == ["monochrome"]


def test_of_two_voices_only_the_louder_ones_words_are_in_the_transcript():
    truth = second()
    assert truth["transcript"].endswith("go forward ten meters")
    assert "seven" not in truth["transcript"]
    last = truth["speech"][-1]
    assert (last["start_s"], last["end_s"]) == (9.46, 11.3)


def test_left_and_right_change_places_in_a_mirrored_person():
    pose = next(t for t in second()["poses"] if t["id"] == "snowboarder")["samples"][0]["keypoints"]
    # In her photograph it is her left shoulder that is on the right, and her left elbow that is to be seen.
    assert pose["right_shoulder"][0] < pose["left_shoulder"][0]
    assert "right_elbow" in pose and "left_elbow" not in pose


@pytest.mark.parametrize("angle", [-30, -9, 0, 12, 45])
def test_a_slanted_text_fills_its_box(angle):
    entry = {
        "text": "Low tide",
        "frames": [0, 1],
        "at": [0.5, 0.5],
        "size": 40,
        "angle": angle,
        "band": False,
    }
    ink = Caption(entry, (480, 360)).draw(np.zeros((360, 480, 3), np.float32))[..., 0] > 64
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    drawn = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    x1, y1, x2, y2 = Caption(entry, (480, 360)).box
    assert drawn[0] >= x1 - 1 and drawn[1] >= y1 - 1 and drawn[2] <= x2 + 1 and drawn[3] <= y2 + 1
    # The corners of a slanted text's rectangle are empty, so that its upright box is a little larger.
    assert np.abs(np.array(drawn) - [x1, y1, x2, y2]).max() <= 4 + 0.35 * abs(angle)
