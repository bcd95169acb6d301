"""Pictures that are announced and never come: which of them are missing, and which rightly do not come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import SimpleNamespace

import numpy as np
import pytest

from clipbench.bench.clips.holes import Holes
from clipbench.bench.clips.source import ClipSource
from tools.odd_files import ODD_FILES, Workshop


def holes(
    came: Iterable[int | None],
    announced: Sequence[int] = range(100, 200, 10),
    codec: str = "h264",
    interlaced: bool = False,
) -> Holes:
    """The holes among announced times once pictures of these times came."""
    made = Holes(codec, np.array(announced))
    for pts in came:
        made.came(SimpleNamespace(pts=pts, interlaced_frame=interlaced))
    return made


def test_what_comes_is_not_missing_in_whatever_order():
    assert holes(range(100, 200, 10)).count() == 0
    assert holes([100, 130, 120, 110, 140]).count() == 0


def test_what_lies_between_pictures_is_missing_and_what_is_yet_to_come_is_not():
    some = holes([100, 110, 140, 160])
    assert some.count() == 3
    some.ended()
    assert some.count() == 6


def test_before_the_first_picture_nothing_is_missing_and_without_one_neither():
    later = holes([150, 170])
    later.ended()
    assert later.count() == 3
    none = holes([])
    none.ended()
    assert none.count() == 0


@pytest.mark.parametrize("codec", ["mpeg4", "vp8", "mpeg2video"])
def test_in_some_codecs_a_packet_need_not_have_a_picture(codec):
    assert holes([100, 190], codec=codec).count() == 0


@pytest.mark.parametrize("unknown", [None, 115, 100, 900])
def test_a_picture_of_unknown_time_may_be_any_that_is_missing(unknown):
    assert holes([100, unknown, 140]).count() == 2


def test_pictures_before_what_is_wanted_do_not_count():
    assert holes([0, 10, 30, 100, 120]).count() == 1


def test_the_second_field_of_a_frame_is_not_missing():
    frames = [time for time in range(100, 200, 10) if time not in (130, 140)]
    fields = range(100, 200, 5)
    assert holes(range(100, 200, 10), fields, interlaced=True).count() == 0
    two_frames = holes(frames, fields, interlaced=True)
    two_frames.ended()
    assert two_frames.count() == 2
    assert holes(frames, interlaced=True).count() == 2


def test_after_going_on_in_the_middle_only_what_comes_then_is_missing(tmp_path):
    path = tmp_path / "hole_hevc.mp4"  # frames 40 to 59 of 120 at 30 a second are missing
    ODD_FILES["hole_hevc.mp4"].write(path, Workshop(tmp_path))
    with ClipSource(path, 1) as source:
        missing = []
        for start_s in (1.0, 3.0):
            source.seek(start_s)
            list(source.pictures_until(4.0))
            missing.append(source.damage().frames_lost)
    assert missing == [20, 0]
