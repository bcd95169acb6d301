"""The declarations of the odd files hang together, and what is not right is noticed."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

from tools.odd_files import ODD_FILES, Refused, Seen, Shown, Workshop, differences
from tools.odd_files.declaration import usual
from tools.odd_files.patterns import beeping
from tools.odd_files.seen import beeps_of, level_of

SHOWN = {name: odd.right for name, odd in ODD_FILES.items() if isinstance(odd.right, Shown)}


@pytest.mark.parametrize("name", [pytest.param(name, id=ascii(name)[1:-1]) for name in SHOWN])
def test_what_is_right_for_a_file_hangs_together(name):
    right = SHOWN[name]
    times = list(right.times_s)
    assert times[0] == 0 and times == sorted(times)
    assert right.levels is None or len(right.levels) == len(times)
    assert right.levels is not None or right.colours


def seen_as(right: Shown) -> Seen:
    return Seen(
        right.times_s,
        right.levels or (),
        right.colours or {},
        right.beeps_s,
        right.size,
        right.duration_s,
        ["video track 2"],
    )


RIGHT = usual(range(10), warning="video track", duration_s=10 / 30, colours={(0.5, 0.5): (10, 20, 30)})


def test_the_right_thing_is_right():
    assert differences(RIGHT, seen_as(RIGHT)) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"times_s": [0.004 + n / 30 for n in range(10)]}, "times are off"),
        ({"times_s": [n / 30 for n in range(9)]}, "9 frames"),
        ({"levels": [0.0] * 10}, "levels are off"),
        ({"colours": {(0.5, 0.5): (10, 20, 33)}}, "instead of"),
        ({"beeps_s": [0.53, 1.5, 2.5, 3.5]}, "beeps"),
        ({"beeps_s": None}, "no sound"),
        ({"size": (48, 64)}, "pixels"),
        ({"duration_s": 4.0}, "lasts"),
        ({"told": ["2 packets are damaged"]}, "no warning"),
        ({"refused": "clip.path: no"}, "refused"),
    ],
)
def test_a_difference_is_told(change, told):
    assert [line for line in differences(RIGHT, replace(seen_as(RIGHT), **change)) if told in line]


def test_a_refusal_is_held_to_its_line():
    right = Refused("truncated", "half of it is missing")
    assert differences(right, Seen(refused="clip.path: a.mp4 is truncated")) == []
    assert differences(right, Seen(refused="clip.path: no")) != []
    assert differences(right, Seen(times_s=[0.0])) != []


def test_beeps_and_levels_are_measured():
    assert beeps_of(beeping(4, 16_000)[0]) == pytest.approx([0.5, 1.5, 2.5, 3.5], abs=0.001)
    rows = np.zeros((8, 8, 3), np.uint8)
    rows[1::2] = 100
    assert level_of(rows) == 50


@pytest.mark.skipif(
    not hasattr(os, "sched_getscheduler") or os.geteuid() != 0, reason="only root's priority is raised"
)
def test_an_encoder_does_not_keep_the_cores_from_others(tmp_path):
    before = os.sched_getscheduler(0)
    try:
        ODD_FILES["av1.mp4"].write(tmp_path / "av1.mp4", Workshop(tmp_path))
        assert os.sched_getscheduler(0) == before
    finally:
        os.sched_setscheduler(0, before, os.sched_param(0))
