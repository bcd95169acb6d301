"""Which frames are given to whom: the nearest to the times asked for, without drift, whatever the rate."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from clipbench.analyzers.base import FrameRequest, Needs
from clipbench.bench.clips.decoding import decode
from clipbench.bench.clips.sampling import Sampling, expected
from tests.support.video_files import numbered_frames, write_clip

RATES = [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60000, 1001), Fraction(25, 2)]


def regular(rate: Fraction, seconds: float) -> np.ndarray:
    return np.arange(int(seconds * rate)) / float(rate)


def pauses(seed: int, frames: int = 300) -> np.ndarray:
    """Times as a screen recorder has them: bursts, missing frames and pictures that stand for seconds."""
    rng = np.random.default_rng(seed)
    return np.concatenate([[0.0], np.cumsum(rng.choice([1, 1, 1, 1, 2, 3, 40], frames - 1) / 30)])


def given(times_s: np.ndarray, fps: float, duration_s: float) -> tuple[list[int], list[float]]:
    """The frames and times that a request gets while the frames come."""
    sampling = Sampling(fps, duration_s, times_s)
    untils = [*times_s[1:], float("inf")]
    pairs = [(k, at) for k, t in enumerate(times_s) for at in sampling.times(float(t), float(untils[k]))]
    return [k for k, _ in pairs], [at for _, at in pairs]


@pytest.mark.parametrize("rate", RATES, ids=str)
@pytest.mark.parametrize("fps", [1, 2, 3, 6, 10])
def test_times_do_not_drift_over_minutes(rate, fps):
    times_s = regular(rate, 600)
    duration_s = len(times_s) / float(rate)
    frames, at = expected([FrameRequest(fps, 0)], times_s, duration_s)[FrameRequest(fps, 0)]
    asked = np.arange(len(at)) / fps
    late = asked - at
    assert duration_s - 1 / fps - 0.5 / float(rate) <= asked[-1] < duration_s - 0.49 / float(rate)
    assert late.min() >= 0 and late.max() <= 0.5 / float(rate) + 1e-4, (
        "what holds at 1 s has a time of 1 s or less"
    )
    assert np.abs(times_s[frames] - asked).max() <= 0.5 / float(rate) + 1e-4


@pytest.mark.parametrize("seed", range(4))
def test_a_picture_that_stands_is_given_at_the_times_asked_for(seed):
    times_s = pauses(seed)
    duration_s = float(times_s[-1]) + 1 / 30
    frames, at = given(times_s, 1, duration_s)
    asked = np.arange(len(at))
    assert duration_s - 1.02 <= asked[-1] < duration_s
    assert (asked - np.array(at)).min() >= 0 and (asked - np.array(at)).max() <= 0.6 / 30
    begun = np.array([times_s[k] for k in frames])
    ends = np.append(times_s[1:], duration_s)[frames]
    assert (begun <= asked + 0.5 / 30 + 1e-4).all() and (ends >= asked - 1e-4).all(), (
        "it is on screen, or almost"
    )


@pytest.mark.parametrize("fps", [0.3, 1, 3, 7, 11.9, 29])
@pytest.mark.parametrize("times_s", [*(regular(rate, 20) for rate in RATES), *map(pauses, range(3))], ids=len)
def test_what_is_announced_is_what_comes(fps, times_s):
    duration_s = float(times_s[-1]) + 0.04
    frames, at = expected([FrameRequest(fps, 0)], times_s, duration_s)[FrameRequest(fps, 0)]
    assert given(times_s, fps, duration_s) == (frames.tolist(), pytest.approx(at.tolist()))
    assert (np.diff(at) > 0).all() and (np.diff(frames) >= 0).all()


@pytest.mark.parametrize("times_s", [*(regular(rate, 20) for rate in RATES), pauses(5)], ids=len)
def test_going_on_amid_a_clip_gives_the_rest(times_s):
    duration_s = float(times_s[-1]) + 0.04
    for fps in (1, 3, 10):
        frames, at = given(times_s, fps, duration_s)
        for first in range(1, len(times_s), 37):
            sampling = Sampling(fps, duration_s, times_s)
            sampling.start_at(float(times_s[first]), float(times_s[first - 1]))
            untils = [*times_s[1:], float("inf")]
            rest = [
                (k, t)
                for k in range(first, len(times_s))
                for t in sampling.times(float(times_s[k]), float(untils[k]))
            ]
            assert rest == [(k, t) for k, t in zip(frames, at, strict=True) if k >= first]


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001)])
def test_a_file_gives_the_nearest_frames(tmp_path, rate):
    path = write_clip(tmp_path / "a.mp4", numbered_frames(75, 64, 64), fps=rate)
    with decode(path, [Needs((FrameRequest(3, 0),))], threads=1) as clip:
        times, images = clip.frames(3, 0)
        shown = [round((float(image[-8:, -8:].mean()) - 8) / 3) for image in images]
    asked = np.arange(0, 75 / float(rate), 1 / 3)
    nearest = [round(float(t) * float(rate) - 1e-3) for t in asked]
    assert shown == nearest
    np.testing.assert_allclose(times, np.minimum(np.array(nearest) / float(rate), asked), atol=1e-3)


@pytest.mark.parametrize(
    ("rate", "frames"), [(Fraction(30000, 1001), 120), (Fraction(25), 101), (Fraction(24), 97)]
)
def test_no_frame_is_given_for_the_last_instant(rate, frames):
    times_s = np.arange(frames) / float(rate)
    duration_s = frames / float(rate)
    for fps in (1, 3, 10):
        _, at = given(times_s, fps, duration_s)
        assert duration_s - at[-1] >= 0.49 / float(rate)
