"""YAMNet's tags on sounds that have a tag of their own, and its front end against the formula."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers import weights
from clipbench.analyzers.audio_environment import (
    AudioEnvironment,
    AudioEnvironmentSettings,
    Patches,
    open_graph,
)
from clipbench.analyzers.base import NothingToAnalyze
from tests.support.clip_views import ArrayClip
from tests.support.sounds import RATE, chords, noise, recording, silence, tone

WHOLE = 3.375  # seconds, a whole number of windows
A_MINOR = [(57, 60, 64), (62, 65, 69), (64, 68, 71), (57, 60, 64)]


@pytest.fixture(scope="module")
def analyzer():
    analyzer = AudioEnvironment()
    analyzer.load()
    yield analyzer
    analyzer.unload()


def top_three(segment):
    return {tag["tag"] for tag in segment.data["tags"][:3]}


@pytest.mark.parametrize(
    ("audio", "tag"),
    [
        (noise(WHOLE, 0.03), "White noise"),
        (silence(WHOLE), "Silence"),
        (chords(A_MINOR, 0.5, 4), "Music"),
        (tone(350, WHOLE) + tone(440, WHOLE), "Dial tone"),
        (tone(1000, WHOLE, amplitude=0.3), "Beep, bleep"),
    ],
    ids=["noise", "silence", "chords", "dial tone", "beep"],
)
def test_the_tag_is_among_the_first_three(analyzer, audio, tag):
    segments = analyzer.analyze(ArrayClip(audio=audio), {})
    assert all(tag in top_three(segment) for segment in segments)


def test_tags_change_with_the_sound(analyzer):
    segments = analyzer.analyze(ArrayClip(audio=np.concatenate([noise(2, 0.03), silence(2)])), {})
    assert "White noise" in top_three(segments[0])
    assert segments[-1].label == "Silence"


def test_windows_follow_each_other_and_end_with_the_clip(analyzer):
    segments = analyzer.analyze(ArrayClip(audio=noise(2)), {})
    assert [segment.start_s for segment in segments] == [0, 0.24, 0.48, 0.72, 0.96, 1.2]
    assert segments[0].end_s == 0.96
    assert segments[-1].end_s == 2.0
    scores = [tag["score"] for tag in segments[0].data["tags"]]
    assert 1 <= len(scores) <= 5
    assert min(scores) >= 0.2
    assert scores == sorted(scores, reverse=True)
    assert segments[0].confidence == scores[0]


def test_patches_are_log_mel_spectra():
    audio = noise(0.975)
    patches = Patches(48)
    (patch,) = [*patches.add(audio), *patches.end()]
    assert patch.shape == (96, 64)
    # Frame 10, band 20, from the definition.
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    spectrum = np.abs(np.fft.rfft(np.pad(audio[1600:2000] * window, (0, 112))))
    mel = 1127 * np.log(1 + np.arange(257) * RATE / 512 / 700)
    edges = np.linspace(1127 * np.log(1 + 125 / 700), 1127 * np.log(1 + 7500 / 700), 66)[20:23]
    weights = np.interp(mel, edges, [0, 1, 0])
    assert patch[10, 20] == pytest.approx(np.log(spectrum @ weights + 0.001), abs=1e-4)


def test_less_than_a_window_is_filled_up(analyzer):
    (segment,) = analyzer.analyze(ArrayClip(audio=noise(0.3)), {})
    assert (segment.start_s, segment.end_s) == (0, 0.3)


def test_next_to_no_sound_is_nothing_to_analyze(analyzer):
    with pytest.raises(NothingToAnalyze):
        analyzer.analyze(ArrayClip(audio=np.zeros(100, np.float32)), {})


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "yamnet.zip"
    path.write_bytes(b"not a zip")
    with pytest.raises(weights.ModelError, match=r"yamnet\.zip"):
        open_graph(weights.resolve("yamnet"), path)
    with pytest.raises(weights.ModelError, match=r"crepe-tiny\.onnx"):
        open_graph(weights.resolve("crepe-tiny"), weights.resolve("whisper-tiny.en"))


def test_the_graph_is_the_one_that_its_command_makes():
    onnx = pytest.importorskip("onnx")
    from tools.convert_networks import yamnet

    made = yamnet.without_rounding(onnx.load_model_from_string(yamnet.source()))
    assert made.SerializeToString() == weights.resolve("yamnet").read_bytes()


def test_settings():
    analyzer = AudioEnvironment(AudioEnvironmentSettings(tags=3, step_s=0.48, batch=2))
    analyzer.load()
    segments = analyzer.analyze(ArrayClip(audio=noise(2)), {})
    assert [segment.start_s for segment in segments] == [0, 0.48, 0.96, 1.44]
    assert all(1 <= len(segment.data["tags"]) <= 3 for segment in segments)


@pytest.mark.parametrize("name", ["austen", "cards"])
def test_somebody_speaks(analyzer, name):
    audio = np.concatenate([recording(name), chords(A_MINOR, 0.5, 4)])
    segments = analyzer.analyze(ArrayClip(audio=audio), {})
    assert [segment.label for segment in segments[:9]] == ["Speech"] * 9
    assert "Music" in top_three(segments[-2])


def rumble(seconds: float, below_hz: float, deviation: float) -> np.ndarray:
    """Brown noise below a frequency."""
    spectrum = np.fft.rfft(noise(seconds, seed=1))
    hz = np.fft.rfftfreq(round(seconds * RATE), 1 / RATE)
    sound = np.fft.irfft(np.where((hz > 10) & (hz < below_hz), spectrum / np.maximum(hz, 1), 0))
    return (deviation * sound / sound.std()).astype(np.float32)


@pytest.mark.parametrize("below_hz", [80, 150])
@pytest.mark.parametrize("deviation", [0.03, 0.2])
def test_a_rumble_is_neither_music_nor_speech_nor_silence(analyzer, below_hz, deviation):
    segments = analyzer.analyze(ArrayClip(audio=rumble(3, below_hz, deviation)), {})
    named = {tag["tag"] for segment in segments for tag in segment.data["tags"]}
    assert named.isdisjoint({"Music", "Speech", "Silence", "Fart"})


@pytest.mark.parametrize(
    "audio", [noise(3, 0.03), tone(1000, 3), chords(A_MINOR, 0.5, 3), rumble(3, 150, 0.2)]
)
def test_nothing_is_named_at_noise_level(analyzer, audio):
    segments = analyzer.analyze(ArrayClip(audio=audio), {})
    assert all(tag["score"] >= 0.2 for segment in segments for tag in segment.data["tags"])
    assert all(segment.label == segment.data["tags"][0]["tag"] for segment in segments)


def test_all_tags_can_be_asked_for():
    analyzer = AudioEnvironment(AudioEnvironmentSettings(min_score=0.0))
    analyzer.load()
    segments = analyzer.analyze(ArrayClip(audio=noise(2)), {})
    assert all(len(segment.data["tags"]) == 5 for segment in segments)
