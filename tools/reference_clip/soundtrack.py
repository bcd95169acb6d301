"""The sound of the reference clip: two recorded voices, silence, and synthesized music."""

from __future__ import annotations

from typing import Any

import numpy as np

from tools.reference_clip.scenes import CLIPS, Script

RATE = 48_000
SPEECH_RATE = 16_000
#: Pitches of A minor in hertz, two octaves of its triad and the sixth, which no other minor key shares.
ARPEGGIO = (220.0, 261.63, 329.63, 440.0, 523.25, 440.0, 329.63, 261.63)


def recording(entry: dict[str, Any]) -> np.ndarray:
    """A voice as float32 mono at 16 kHz."""
    import soundfile

    samples, rate = soundfile.read(CLIPS / "sources" / entry["file"], dtype="float32")
    assert rate == SPEECH_RATE
    mono: np.ndarray = samples
    return mono


def dry_speech(script: Script) -> np.ndarray:
    """Both voices at their times, alone: float32 mono at 16 kHz."""
    out = np.zeros(round(seconds(script) * SPEECH_RATE), np.float32)
    for entry in script.data["speech"]:
        samples, start = recording(entry), round(entry["at"] * SPEECH_RATE)
        out[start : start + len(samples)] += samples[: len(out) - start]
    return out


def music(script: Script) -> np.ndarray:
    """An arpeggio in A minor over a bass and a drum, at a steady tempo: float32 mono at 48 kHz."""
    spec = script.data["music"]
    beat = 60 / spec["tempo_bpm"]
    length = round(spec["end_s"] * RATE)
    out = np.zeros(length + RATE, np.float32)
    for step, start_s in enumerate(np.arange(spec["start_s"], spec["end_s"] - 1e-6, beat / 2)):
        place(out, start_s, note(ARPEGGIO[step % len(ARPEGGIO)], beat / 2, 0.28))
        if step % 2 == 0:
            place(out, start_s, drum(0.55))
        if step % 4 == 0:
            place(out, start_s, note(110.0, 2 * beat, 0.3))
    out = out[:length]
    quiet = round(spec["quiet_from_s"] * RATE)
    gain = np.ones(length, np.float32)
    gain[quiet:] = 10 ** (spec["quiet_db"] / 20)
    return out * gain


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
    silence = script.data["silence"]
    out[round(silence["start_s"] * RATE) : round(silence["end_s"] * RATE)] = 0
    clipped: np.ndarray = np.clip(out, -1, 1)
    return clipped
