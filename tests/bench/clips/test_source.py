"""The clip's file by time: going on in its middle, wrong times, jumps of the clock, and what is refused."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from clipbench.bench.clips.clock import CLOCK_MAY_JUMP, Clock, FrameTimes
from clipbench.bench.clips.colours import matrix
from clipbench.bench.clips.planes import repeated
from clipbench.bench.clips.sound import Line
from clipbench.bench.clips.source import ClipSource
from clipbench.bench.clips.video import in_order
from clipbench.bench.errors import InputError
from tests.support.video_files import numbered_frames, write_clip

RED_709, RED_601 = (63, 102, 240), (81, 90, 240)


def all_of(source: ClipSource, cuts: list[float]) -> tuple[list[tuple[float, bytes]], np.ndarray]:
    """Times and pictures, and the sound, asked for up to each of `cuts` in turn."""
    pictures, sound = [], []
    out = np.empty((32, 64, 3), np.uint8)
    for end_s in cuts:
        for timed in source.pictures_until(end_s):
            timed.picture.rgb(32, 64, out)
            pictures.append((timed.time_s, out.tobytes()))
        sound.append(source.sound_until(end_s))
    return pictures, np.concatenate(sound)


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "a.mp4"
    return write_clip(path, numbered_frames(75, 128, 64), fps=25, tone_hz=440)


def test_where_it_is_asked_in_between_changes_nothing(clip):
    with ClipSource(clip, 1) as once, ClipSource(clip, 1) as often:
        whole = all_of(once, [3.0])
        parts = all_of(often, [0.04, 0.5, 0.5, 1.337, 2.9, 3.0])
    assert whole[0] == parts[0] and len(whole[0]) == 75
    np.testing.assert_array_equal(whole[1], parts[1])
    assert len(whole[1]) == 48_000


@pytest.mark.parametrize("start_s", [0.0, 1.0, 1.01, 2.96])
def test_going_on_gives_what_an_undisturbed_run_gives(clip, start_s):
    with ClipSource(clip, 1) as source:
        pictures, sound = all_of(source, [3.0])
        source.seek(start_s)
        later = all_of(source, [3.0])
    assert later[0] == [timed for timed in pictures if timed[0] >= start_s]
    np.testing.assert_array_equal(later[1], sound[round(start_s * 16_000) :])


def test_sound_that_is_not_wanted_is_not_kept(clip):
    with ClipSource(clip, 1) as source:
        source.want_sound = False
        pictures, sound = all_of(source, [3.0])
    assert len(pictures) == 75 and not sound.any()


def test_a_damaged_file_that_has_all_of_its_bytes_is_played_and_told(tmp_path):
    path = write_clip(tmp_path / "a.mkv", numbered_frames(75, 128, 64), fps=25)
    data = path.read_bytes()
    rest = len(data) // 2
    path.write_bytes(data[:rest] + bytes(len(data) - rest))
    with ClipSource(path, 1) as source:
        assert 5 < len(source.probed.times_s) < 70
        assert any("promises 3.0 s" in line for line in source.probed.warnings)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_file_whose_end_is_missing_is_refused(tmp_path, name):
    path = write_clip(tmp_path / name, numbered_frames(75, 128, 64), fps=25, faststart=name == "a.mp4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(InputError, match="truncated"):
        ClipSource(path, 1)


def packet(seconds: float, stream: int = 0) -> SimpleNamespace:
    ticks = round(seconds * 1000)
    return SimpleNamespace(
        pts=ticks, dts=ticks, duration=40, time_base=Fraction(1, 1000), stream_index=stream
    )


def test_where_the_clock_jumps_time_goes_on():
    clock = Clock(CLOCK_MAY_JUMP)
    packets = [packet(s) for s in (95.0, 95.04, 5.0, 5.04, 5.0, 70.0)]
    for one in packets:
        clock.adjust(one)
    assert [one.pts for one in packets] == [95_000, 95_040, 95_080, 95_120, 95_080, 95_120]


def test_a_jump_counts_for_picture_and_sound():
    clock = Clock(CLOCK_MAY_JUMP)
    packets = [packet(9.0), packet(9.0, 1), packet(9.04), packet(1.0), packet(0.96, 1)]
    for one in packets:
        clock.adjust(one)
    assert [one.pts for one in packets][3:] == [9080, 9040]


def test_other_formats_keep_their_times():
    clock = Clock(0)
    packets = [packet(9.0), packet(1.0)]
    for one in packets:
        clock.adjust(one)
    assert [one.pts for one in packets] == [9000, 1000]


def test_frames_without_times_follow_each_other():
    times = FrameTimes(40)
    frames = [SimpleNamespace(pts=pts, dts=dts) for pts, dts in ((100, 0), (None, 140), (None, None))]
    assert [times.of(frame) for frame in frames] == [100, 140, 180]


@pytest.mark.parametrize(
    ("last", "ticks", "following", "right"),
    [
        (80, 120, 160, 120),
        (80, 9000, 160, 120),
        (80, 40, 160, 80),
        (None, 9000, 40, 40),
        (80, 120, None, 120),
    ],
)
def test_a_frame_with_a_wrong_time_is_shown_in_between(last, ticks, following, right):
    assert in_order(last, ticks, following, 40) == right


def test_sound_for_the_same_moment_twice_is_taken_once():
    line = Line()
    line.begin(-2)
    line.add(np.ones(5, np.float32))
    line.begin(1)  # overlaps two samples of those
    line.add(np.full(4, 2, np.float32))
    line.begin(8)
    line.add(np.full(1, 3, np.float32))
    np.testing.assert_array_equal(line.take(4), [1, 1, 1, 2])
    np.testing.assert_array_equal(line.take(10), [2, 0, 0, 0, 3, 0])


@pytest.mark.parametrize(("colorspace", "yuv"), [(1, RED_709), (5, RED_601), (2, RED_601), (8, RED_601)])
def test_the_matrix_is_that_of_the_tag(colorspace, yuv):
    red = matrix(colorspace, full=False) @ np.array([*yuv, 1])
    np.testing.assert_allclose(red, [255, 0, 0], atol=2)


def test_the_full_range_is_black_at_0_and_white_at_255():
    whole = matrix(1, full=True)
    np.testing.assert_allclose(whole @ np.array([0, 128, 128, 1]), 0, atol=1e-3)
    np.testing.assert_allclose(whole @ np.array([255, 128, 128, 1]), 255, atol=1e-3)


def test_chroma_stands_for_all_of_its_pixels():
    plane = np.arange(6, dtype=np.uint8).reshape(2, 3)
    np.testing.assert_array_equal(repeated(plane, 2, 4), np.repeat(np.repeat(plane, 2, 0), 4, 1))
    np.testing.assert_array_equal(repeated(plane, 1, 1), plane)
