"""Decoding: every frame at its time, once, whatever the file."""

from __future__ import annotations

import weakref
from pathlib import Path

import numpy as np
import pytest

from clipbench.analyzers.base import FrameRequest, Needs, NothingToAnalyze
from clipbench.bench.clips.decoding import decode
from clipbench.bench.clips.planes import scaled as scaled_plane
from clipbench.bench.clips.shared_memory import allocate
from clipbench.bench.clips.sound import AUDIO_RATE
from clipbench.bench.errors import InputError
from tests.support.bad_clips import BAD_CLIPS
from tests.support.video_files import numbered_frames, rotate, write_clip


def levels(images: np.ndarray) -> list[int]:
    """The frame numbers that `numbered_frames` painted into the bottom right corner."""
    return [round((float(image[-8:, -8:].mean()) - 8) / 3) for image in images]


def frames_of(path: Path, fps: float, size: int):
    with decode(path, [Needs((FrameRequest(fps, size),))], threads=1) as clip:
        found = clip.frames(fps, size)
        return found.times_s, found.images.copy(), clip.info


def test_every_frame_is_at_its_time(tmp_path):
    path = write_clip(tmp_path / "a.mp4", numbered_frames(60, 128, 64), fps=30)
    times, images, info = frames_of(path, 30, 0)
    assert levels(images) == list(range(60))
    np.testing.assert_allclose(times, np.arange(60) / 30, atol=1e-3)
    assert (info.width, info.height, info.has_audio) == (128, 64, False)
    assert info.duration_s == pytest.approx(2.0, abs=1e-3)


def test_variable_frame_rate_is_sampled_by_time_not_by_number(tmp_path):
    # Ten frames in the first third of a second, then ten frames a third of a second apart.
    ticks = list(range(10)) + [10 * (i + 1) for i in range(10)]
    path = write_clip(tmp_path / "a.mp4", numbered_frames(20, 64, 64), fps=30, times=ticks)
    times, images, info = frames_of(path, 3, 0)
    assert levels(images) == [0, *range(10, 10 + len(images) - 1)]
    assert np.diff(times).min() > 0.3
    assert info.duration_s > 3.3


def test_sizes_and_rates_share_one_decode_and_agree(tmp_path):
    path = write_clip(tmp_path / "a.mp4", numbered_frames(30, 640, 360), fps=30)
    requests = (FrameRequest(30, 320), FrameRequest(10, 320), FrameRequest(2, 0), FrameRequest(3, 640))
    with decode(path, [Needs((r,)) for r in requests], threads=1) as clip:
        assert clip.frames(30, 320).images.shape == (30, 180, 320, 3)
        assert clip.frames(10, 320).images.shape == (10, 180, 320, 3)
        assert clip.frames(2, 0).images.shape == (2, 360, 640, 3)
        assert clip.frames(3, 640).images.shape == (3, 360, 640, 3)
        assert levels(clip.frames(10, 320).images) == list(range(0, 30, 3))
        assert not clip.frames(10, 320).images.flags.writeable
        assert clip.frames(10, 320).images.base is not None  # every third row of one array: no copy
        with pytest.raises(KeyError, match="needs"):
            clip.frames(7, 320)
        np.testing.assert_allclose(clip.frames(30, 320).images[0][2, 2], [250, 8, 8], atol=2)  # RGB, not BGR


def test_frames_do_not_depend_on_who_else_reads(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (6, 360, 640, 3), np.uint8)
    path = write_clip(tmp_path / "a.mp4", noise, fps=30)
    others = [Needs((FrameRequest(30, size), FrameRequest(10, size))) for size in (0, 500, 320, 100)]
    for size in (320, 160, 100, 77):
        _, alone, _ = frames_of(path, 10, size)
        with decode(path, [*others, Needs((FrameRequest(10, size),))], threads=1) as clip:
            np.testing.assert_array_equal(clip.frames(10, size).images, alone)


@pytest.mark.parametrize("size", [(180, 320), (90, 160), (100, 177), (359, 639), (45, 80), (44, 80)])
def test_halving_gives_what_one_step_gives(size):
    import cv2

    plane = np.random.default_rng(0).integers(0, 255, (360, 640), np.uint8)
    halves = [plane]
    found = scaled_plane(halves, *size)
    direct = cv2.resize(plane, size[::-1], interpolation=cv2.INTER_AREA)
    assert found.shape == direct.shape
    difference = np.abs(found.astype(int) - direct)
    assert difference.max() <= 2 or 360 % size[0] or 640 % size[1]  # whole steps: but for rounding
    np.testing.assert_array_equal(scaled_plane(halves, *size), found)  # what was kept is not changed


def test_rotation_metadata_turns_the_picture(tmp_path):
    path = write_clip(tmp_path / "a.mp4", numbered_frames(5, 128, 64))
    rotate(path, 90)
    _, images, info = frames_of(path, 30, 0)
    assert (info.width, info.height) == (64, 128)
    assert images.shape == (5, 128, 64, 3)
    assert images[0][2, -3, 0] > 200 > images[0][-3, 2, 0]  # top left went to the top right


def test_odd_sizes(tmp_path):
    path = write_clip(tmp_path / "a.mp4", numbered_frames(5, 175, 131))
    _, images, info = frames_of(path, 30, 0)
    assert images.shape == (5, 131, 175, 3)
    assert levels(images) == list(range(5))
    assert (info.width, info.height) == (175, 131)


def test_audio_is_mono_16_khz_and_as_long_as_the_picture(tmp_path):
    path = write_clip(tmp_path / "a.mp4", numbered_frames(60, 64, 64), tone_hz=440)
    with decode(path, [Needs(audio=True)], threads=1) as clip:
        sound = clip.audio()
        assert clip.has_audio and sound.dtype == np.float32
        assert abs(len(sound) - 2 * AUDIO_RATE) < 0.05 * AUDIO_RATE
        spectrum = np.abs(np.fft.rfft(sound[8000:24000]))
        assert abs(int(spectrum.argmax()) - 440) <= 1


def test_no_audio_is_nothing_to_analyze(tmp_path):
    path = write_clip(tmp_path / "a.mp4", numbered_frames(5, 64, 64))
    with decode(path, [Needs(audio=True)], threads=1) as clip, pytest.raises(NothingToAnalyze):
        clip.audio()


def test_a_single_frame(tmp_path):
    path = write_clip(tmp_path / "a.mp4", numbered_frames(1, 64, 64))
    times, images, info = frames_of(path, 10, 320)
    assert images.shape == (1, 64, 64, 3) and times.tolist() == [0.0]
    assert info.duration_s > 0


def test_a_clip_leaves_no_shared_memory(tmp_path):
    path = write_clip(tmp_path / "a.mp4", numbered_frames(5, 64, 64))
    with decode(path, [Needs((FrameRequest(1, 0),))], threads=1) as clip:
        name = clip.share().memory_name
        assert (Path("/dev/shm") / name).exists()
    assert not (Path("/dev/shm") / name).exists()


def test_what_is_derived_from_a_clip_ends_with_it(tmp_path):
    path = write_clip(tmp_path / "a.mp4", numbered_frames(5, 64, 64))
    with decode(path, [Needs()], threads=1) as clip:
        derived = weakref.ref(clip.memo("key", lambda: np.zeros(3)))
        assert derived() is not None
    assert derived() is None


def test_shared_memory_that_is_not_there_is_said(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(InputError, match="shm-size"):
        allocate(1 << 20)


@pytest.mark.parametrize("kind", BAD_CLIPS)
def test_bad_clips_are_refused_in_one_line(tmp_path, kind):
    make, line = BAD_CLIPS[kind]
    path = make(tmp_path)
    with (
        pytest.raises(InputError, match=line) as caught,
        decode(path, [Needs((FrameRequest(1, 0),))], threads=1),
    ):
        pass
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)
