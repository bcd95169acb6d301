"""The sound of the rendered clips: recorded voices, synthesized music, noise, hum, and silence."""

from __future__ import annotations

from typing import Any

import numpy as np

from tools.rendered_clips.scenes import CLIPS, Script

RATE = 48_000
SPEECH_RATE = 16_000
#: Key → its bass note and its arpeggio in hertz: its triad, with steps that the keys beside it do not have.
KEYS = {
    "A minor": (110.0, (220.0, 261.63, 329.63, 440.0, 523.25, 440.0, 329.63, 261.63)),
    "G major": (98.0, (196.0, 246.94, 293.66, 392.0, 493.88, 440.0, 369.99, 293.66)),
    "D minor": (146.83, (293.66, 349.23, 440.0, 587.33, 466.16, 440.0, 349.23, 329.63)),
}


def recording(entry: dict[str, Any]) -> np.ndarray:
    """A voice as float32 mono at 16 kHz."""
    import soundfile

    samples, rate = soundfile.read(CLIPS / "sources" / entry["file"], dtype="float32")
    assert rate == SPEECH_RATE
    mono: np.ndarray = samples
    return mono


def dry_speech(script: Script) -> np.ndarray:
    """The voices at their times, alone: float32 mono at 16 kHz."""
    out = np.zeros(round(seconds(script) * SPEECH_RATE), np.float32)
    for entry in script.data["speech"]:
        gain = np.float32(10 ** (entry.get("level_db", 0) / 20))
        samples, start = gain * recording(entry), round(entry["at"] * SPEECH_RATE)
        out[start : start + len(samples)] += samples[: len(out) - start]
    return out


def music(script: Script) -> np.ndarray:
    """An arpeggio over a bass and a drum, at a steady tempo: float32 mono at 48 kHz, empty without music."""
    if "music" not in script.data:
        return np.zeros(0, np.float32)
    spec = script.data["music"]
    bass, arpeggio = KEYS[spec["key"]]
    beat = 60 / spec["tempo_bpm"]
    length = round(spec["end_s"] * RATE)
    out = np.zeros(length + RATE, np.float32)
    for step, start_s in enumerate(np.arange(spec["start_s"], spec["end_s"] - 1e-6, beat / 2)):
        place(out, start_s, note(arpeggio[step % len(arpeggio)], beat / 2, 0.28))
        if step % 2 == 0:
            place(out, start_s, drum(0.55))
        if step % 4 == 0:
            place(out, start_s, note(bass, 2 * beat, 0.3))
    out = out[:length]
    gain = np.ones(length, np.float32)
    start_s, end_s = spec["quiet_s"]
    gain[round(start_s * RATE) : round(end_s * RATE)] = 10 ** (spec["quiet_db"] / 20)
    return out * gain


def noise(spec: dict[str, Any]) -> np.ndarray:
    """Seeded noise, float32 mono at 48 kHz: "white", or "pink", which has the same power in each octave."""
    length = round((spec["end_s"] - spec["start_s"]) * RATE)
    wave = np.fft.rfft(np.random.default_rng(13).normal(size=length))
    if spec["color"] == "pink":
        # Below 20 Hz, which nobody hears, it stays level.
        wave /= np.sqrt(np.maximum(np.fft.rfftfreq(length, 1 / RATE), 20))
    return levelled(np.fft.irfft(wave, length), spec["level_db"])


def hum(spec: dict[str, Any]) -> np.ndarray:
    """The hum of a mains frequency `hz` with five overtones, float32 mono at 48 kHz."""
    t = np.arange(round((spec["end_s"] - spec["start_s"]) * RATE)) / RATE
    return levelled(
        sum(np.sin(2 * np.pi * spec["hz"] * k * t + k) / k for k in range(1, 7)), spec["level_db"]
    )


def levelled(samples: Any, level_db: float) -> np.ndarray:
    """`samples` with an RMS of `level_db` below full scale, faded in and out within 10 ms."""
    samples = np.asarray(samples, float) / np.sqrt(np.mean(np.square(samples))) * 10 ** (level_db / 20)
    ramp = np.minimum(1, np.arange(len(samples)) / (0.01 * RATE))
    faded: np.ndarray = (samples * ramp * ramp[::-1]).astype(np.float32)
    return faded


def note(hz: float, length_s: float, level: float) -> np.ndarray:
    """A plucked tone: six partials, of which the higher ones decay faster."""
    t = np.arange(round(length_s * RATE)) / RATE
    tone = sum(np.sin(2 * np.pi * hz * k * t) * np.exp(-t * (3 + 2 * k)) / k for k in range(1, 7))
    return (level * tone * np.minimum(1, t / 0.005) * np.minimum(1, (length_s - t) / 0.01)).astype(np.float32)


def drum(level: float) -> np.ndarray:
    """A bass drum with a click: a falling sine and a burst of seeded noise."""
    t = np.arange(round(0.15 * RATE)) / RATE
    thump = np.sin(2 * np.pi * (50 * t + 8 * (1 - np.exp(-30 * t)))) * np.exp(-22 * t)
    click = np.random.default_rng(7).normal(0, 0.3, len(t)) * np.exp(-180 * t)
    beat: np.ndarray = level * (thump + click)
    return beat.astype(np.float32)


def place(out: np.ndarray, start_s: float, samples: np.ndarray) -> None:
    """Add `samples` to `out` at `start_s`."""
    start = round(start_s * RATE)
    end = min(len(out), start + len(samples))
    out[start:end] += samples[: end - start]


def seconds(script: Script) -> float:
    """The clip's length in seconds."""
    return float(script.data["frames"] / script.data["fps"])


def mix(script: Script) -> np.ndarray:
    """The whole soundtrack as float32 mono [N] at 48 kHz, digitally silent where the script says so."""
    from scipy.signal import resample_poly

    out: np.ndarray = resample_poly(dry_speech(script), RATE // SPEECH_RATE, 1).astype(np.float32)
    tune = music(script)
    out[: len(tune)] += 0.6 * tune[: len(out)]
    for make, key in ((noise, "noises"), (hum, "hums")):
        for spec in script.data.get(key, []):
            place(out, spec["start_s"], make(spec))
    for silence in script.data["silence"]:
        out[round(silence["start_s"] * RATE) : round(silence["end_s"] * RATE)] = 0
    clipped: np.ndarray = np.clip(out, -1, 1)
    return clipped
