"""Kinds of noise for studies.false_alarms: how long passes take though nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    #: Draws so many passes in a row, as factors around 1: float64 [n].
    Noise = Callable[[int, np.random.Generator], Floats]

#: The standard deviation of what is added to every kind, as a fraction.
JITTER = 0.02


def heavy_tails(n: int, rng: np.random.Generator) -> Floats:
    """Disturbances only lengthen, and some do by a lot: |Student's t| with two degrees of freedom."""
    import numpy as np

    return 1 + JITTER * np.abs(rng.standard_t(2, size=n))


def drift(n: int, rng: np.random.Generator) -> Floats:
    """The machine gets slower by a tenth from the first pass to the last."""
    import numpy as np

    return np.linspace(1.0, 1.1, n) * np.exp(JITTER * rng.standard_normal(n))


def autoregressive(n: int, rng: np.random.Generator) -> Floats:
    """AR(1) with a coefficient of 0.8: what is slow stays slow for about five passes."""
    import numpy as np

    found = np.empty(n)
    last = rng.standard_normal() / 0.6
    for place, shock in enumerate(rng.standard_normal(n)):
        found[place] = last = 0.8 * last + shock
    return np.exp(JITTER * found)


def two_modes(n: int, rng: np.random.Generator) -> Floats:
    """Two speeds 6 % apart; each pass changes to the other one in ten cases."""
    import numpy as np

    mode = (np.cumsum(rng.random(n) < 0.1) + rng.integers(2)) % 2
    return (1 + 0.06 * mode) * np.exp(JITTER / 2 * rng.standard_normal(n))


def measured(file: str) -> Noise:
    """Passes that were measured, in blocks from anywhere (studies.decisions)."""
    from studies.decisions import deviations, drawn, read

    series = deviations(read(Path(__file__).with_name(file)))
    return lambda n, rng: drawn(series, n, rng)


def kinds() -> dict[str, Noise]:
    """All kinds, by what they are called."""
    return {
        "heavy tails": heavy_tails,
        "drift": drift,
        "AR(1)": autoregressive,
        "two modes": two_modes,
        "measured, quiet": measured("noise.json"),
        "measured, restless": measured("noise_sequential.json"),
        "measured, busy": measured("noise_busy.json"),
    }
