"""How loud the file's own sound is: rates, channels and places, against pyloudnorm on what was written."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pyloudnorm
import pytest

from clipbench.analyzers.base import Levels, Needs
from clipbench.analyzers.features.sound.loudness import integrated_loudness
from clipbench.bench.clips.decoding import decode
from clipbench.bench.clips.source import ClipSource

SECONDS = 3.0


def written(path: Path, sound: np.ndarray, rate: int, layout: str = "mono", codec: str = "", at=0) -> Path:
    """A clip of `SECONDS` with this sound, [channels, N], that begins with sample `at`."""
    codec = codec or ("pcm_f32le" if rate != 8000 else "pcm_s16le")
    with av.open(str(path), "w") as container:
        video = container.add_stream("mjpeg", rate=10, options={"strict": "-1"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuvj420p"
        stream = container.add_stream(codec, rate=rate, layout=layout)
        for number in range(round(SECONDS * 10)):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8), format="rgb24")
            frame.pts = number
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        packed = np.ascontiguousarray(sound.T.reshape(1, -1), np.float32)
        piece = av.AudioFrame.from_ndarray(packed, "flt", layout)
        piece.sample_rate, piece.pts = rate, at
        container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


def white(rate: int, channels: int = 1, level: float = 0.1, seconds: float = SECONDS) -> np.ndarray:
    return np.random.default_rng(0).normal(0, level, (channels, round(seconds * rate))).astype(np.float32)


def lufs_of(path: Path) -> float | None:
    with decode(path, [Needs(audio=True)], threads=1) as clip:
        return integrated_loudness(clip.levels().energy, clip.duration_s)


def by_the_book(sound: np.ndarray, rate: int) -> float:
    return float(pyloudnorm.Meter(rate, "DeMan").integrated_loudness(sound.T.astype(np.float64)))


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2])
def test_noise_is_as_loud_as_its_file_says(tmp_path, rate, channels):
    sound = white(rate, channels)
    path = written(tmp_path / "a.mkv", sound, rate, ["mono", "stereo"][channels - 1])
    assert lufs_of(path) == pytest.approx(by_the_book(sound, rate), abs=0.02)


@pytest.mark.parametrize("hz", [40, 997, 12_000, 19_000])
def test_tones_beyond_what_analyzers_hear(tmp_path, hz):
    sound = (0.2 * np.sin(2 * np.pi * hz * np.arange(144_000) / 48_000))[None].astype(np.float32)
    assert lufs_of(written(tmp_path / "a.mkv", sound, 48_000)) == pytest.approx(
        by_the_book(sound, 48_000), abs=0.02
    )


def test_channels_that_cancel_each_other_are_heard(tmp_path):
    one = white(48_000)
    path = written(tmp_path / "a.mkv", np.concatenate([one, -one]), 48_000, "stereo")
    with decode(path, [Needs(audio=True)], threads=1) as clip:
        assert np.abs(clip.audio()).max() < 1e-6
        assert clip.levels().peak.max() == pytest.approx(np.abs(one).max(), abs=1e-5)
    assert lufs_of(path) == pytest.approx(by_the_book(one, 48_000) + 3.01, abs=0.02)


@pytest.mark.parametrize(("layout", "weights"), [("5.1", (1, 1, 1, 0, 1.41, 1.41))])
def test_surround_counts_by_its_weights(tmp_path, layout, weights):
    sound = white(48_000)
    for channel, weight in enumerate(weights):
        alone = np.zeros((len(weights), sound.shape[1]), np.float32)
        alone[channel] = sound
        found = lufs_of(written(tmp_path / f"{channel}.mkv", alone, 48_000, layout))
        if weight:
            assert found == pytest.approx(by_the_book(sound, 48_000) + 10 * np.log10(weight), abs=0.02)
        else:
            assert found is None


def test_coded_sound_of_eight_channels(tmp_path):
    sound = np.zeros((8, 144_000), np.float32)
    sound[:2] = 0.2 * np.sin(2 * np.pi * 997 * np.arange(144_000) / 48_000)
    found = lufs_of(written(tmp_path / "a.mp4", sound, 48_000, "7.1", "aac"))
    assert found == pytest.approx(by_the_book(sound[:2], 48_000), abs=0.2)


def test_a_gap_is_silent_and_sound_stands_at_its_time(tmp_path):
    path = written(tmp_path / "a.mkv", white(48_000, seconds=1.0), 48_000, at=72_000)
    with decode(path, [Needs(audio=True)], threads=1) as clip:
        loud = clip.levels().peak > 0.05
    assert np.flatnonzero(loud).tolist() == list(range(15, 25))


@pytest.mark.parametrize("rate", [44_100, 48_000, 11_025])
def test_where_it_is_asked_in_between_changes_nothing(tmp_path, rate):
    path = written(tmp_path / "a.mkv", white(rate, 2), rate, "stereo")
    with ClipSource(path, 1) as once, ClipSource(path, 1) as often:
        whole = once.levels_until(SECONDS)
        parts = []
        for end_s in (0.04, 0.5, 0.55, 1.337, 1.4, 2.95, SECONDS):
            often.sound_until(end_s)
            parts.append(often.levels_until(end_s))
    assert [len(part.peak) for part in parts] == [0, 5, 0, 8, 1, 15, 1]
    together = Levels(*map(np.concatenate, zip(*parts, strict=True)))
    for found, expected in zip(together, whole, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_going_on_gives_what_an_undisturbed_run_gives(tmp_path):
    path = written(tmp_path / "a.mkv", white(44_100, 2), 44_100, "stereo")
    with ClipSource(path, 1) as source:
        whole = source.levels_until(SECONDS)
        source.seek(1.25)
        later = source.levels_until(SECONDS)
    np.testing.assert_array_equal(later.energy, whole.energy[12:])
