"""Sounds whose tempo, key, pitch and level are known, since they are computed: mono float32 at 16 kHz."""

from __future__ import annotations

from pathlib import Path

import numpy as np

RATE = 16000


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), np.float32)


def tone(hz: float, seconds: float, amplitude: float = 0.2, harmonics: int = 1) -> np.ndarray:
    """A sine, with overtones of falling strength where `harmonics` is above 1."""
    time = np.arange(round(seconds * RATE)) / RATE
    waves = (np.sin(2 * np.pi * hz * k * time) / k for k in range(1, harmonics + 1))
    return (amplitude * sum(waves)).astype(np.float32)


def noise(seconds: float, deviation: float = 0.1, seed: int = 0) -> np.ndarray:
    """White noise."""
    return np.random.default_rng(seed).normal(0, deviation, round(seconds * RATE)).astype(np.float32)


def clicks(bpm: float, seconds: float) -> np.ndarray:
    """A short burst of noise on every beat."""
    audio = silence(seconds)
    burst = noise(0.05, 0.3) * np.exp(-np.arange(round(0.05 * RATE)) / 150)
    for beat in np.arange(0, seconds - 0.05, 60 / bpm):
        start = round(beat * RATE)
        audio[start : start + len(burst)] += burst.astype(np.float32)
    return audio


def chords(progression: list[tuple[int, ...]], chord_s: float, seconds: float) -> np.ndarray:
    """MIDI notes struck together, a chord every `chord_s`, over and over."""
    parts = []
    for notes in progression * (round(seconds / chord_s / len(progression)) or 1):
        struck = sum(tone(440 * 2 ** ((note - 69) / 12), chord_s, 0.08, harmonics=4) for note in notes)
        parts.append(struck * np.exp(-1.5 * np.arange(len(struck)) / RATE))
    return np.concatenate(parts).astype(np.float32)


#: What is said in the recordings of clips/sources.
SPOKEN = {
    "austen": "he might even have been made amiable himself",
    "cards": "eight of spades four of clubs seven of hearts",
}


def recording(name: str) -> np.ndarray:
    """A recording of clips/sources, decoded."""
    import av

    path = Path(__file__).parents[2] / "clips" / "sources" / f"{name}.flac"
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    with av.open(str(path)) as file:
        parts = [part for frame in file.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate([part.to_ndarray()[0] for part in parts + resampler.resample(None)])


#: The first three formants of sung vowels and of a hum, in hertz.
FORMANTS = {"a": (730, 1090, 2440), "i": (270, 2290, 3010), "u": (300, 870, 2240), "o": (570, 840, 2410),
            "m": (250, 1100, 2200)}  # fmt: skip


def voice(sung: str, seconds: float, hz: float, amplitude: float = 0.1) -> np.ndarray:
    """Vowels (keys of FORMANTS) sung one after the other, each so long, by a synthetic voice."""
    time = np.arange(round(seconds * RATE)) / RATE
    parts, phase = [], 0.0
    for number, vowel in enumerate(sung):
        pitch = hz * (1.0, 1.1, 0.9, 1.2)[number % 4] * (1 + 0.01 * np.sin(2 * np.pi * 5.5 * time))
        turns = phase + np.cumsum(pitch) / RATE
        phase = turns[-1]
        frequencies = np.arange(1, 25)[:, None] * hz
        strengths = sum(
            weight / np.hypot(1, (frequencies - formant) / 45)
            for formant, weight in zip(FORMANTS[vowel], (1, 0.6, 0.3), strict=True)
        )
        waves = strengths / np.arange(1, 25)[:, None] * np.sin(2 * np.pi * np.arange(1, 25)[:, None] * turns)
        edges = np.minimum(1, time / 0.04) * np.minimum(1, (seconds - time) / 0.06)
        parts.append(waves.sum(0) * edges)
    sound = np.concatenate(parts)
    return (amplitude * sound / sound.std()).astype(np.float32)
