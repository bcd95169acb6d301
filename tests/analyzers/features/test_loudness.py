"""Loudness of tenths of a second, against pyloudnorm's meter on the whole sound."""

from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest

from clipbench.analyzers.features.sound.loudness import integrated_loudness, loudness_range
from tests.support.clip_views import levels_of
from tests.support.sounds import RATE, noise, recording, silence, tone

SOUNDS = {
    "speech": recording("austen"),
    "pause": np.concatenate([recording("cards"), silence(2), noise(1, 0.01), silence(1.03)]),
    "below the gate": np.concatenate([tone(440, 2, 0.5), tone(440, 6, 0.01)]),
    "noise": noise(7.26),
    "a block": noise(0.4),
    "a block and a half cell": noise(0.4551),
}


def energies(sound: np.ndarray) -> np.ndarray:
    """The energies of its cells."""
    return levels_of(sound, len(sound) / RATE).energy


@pytest.mark.parametrize("name", SOUNDS)
def test_integrated_loudness(name):
    sound = SOUNDS[name]
    expected = pyloudnorm.Meter(RATE, filter_class="DeMan").integrated_loudness(sound.astype(np.float64))
    assert integrated_loudness(energies(sound), len(sound) / RATE) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("name", ["pause", "below the gate", "noise"])
def test_loudness_range(name):
    sound = SOUNDS[name]
    meter = pyloudnorm.Meter(RATE, "DeMan", block_size=3.0, overlap=1 - 0.1 / 3)
    meter.integrated_loudness(sound.astype(np.float64))
    levels = np.array([level for level in meter.blockwise_loudness if level >= -70])
    levels = levels[levels >= 10 * np.log10(np.mean(10 ** (levels / 10))) - 20]
    low, high = np.percentile(levels, (10, 95))
    assert loudness_range(energies(sound), len(sound) / RATE) == pytest.approx(high - low, abs=0.01)


def test_too_quiet_and_too_short():
    assert integrated_loudness(energies(silence(4)), 4) is None
    assert loudness_range(energies(silence(4)), 4) is None
    assert integrated_loudness(energies(noise(0.39)), 0.39) is None
    assert loudness_range(energies(noise(2.9)), 2.9) is None
