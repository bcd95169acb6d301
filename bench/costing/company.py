"""How works that run side by side slow each other: a fit of pressure and sensitivity to measured pairs.

A work beside another takes 1 + sensitivity × the other's pressure as long. That is of rank one: each work has
one number for what it takes of caches and memory's bandwidth, and one for how it suffers (as in Bubble-Up, J.
Mars et al., MICRO 2011, where a score and a curve stand for these).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from clipbench.bench.costing.observed import Pair

#: What decoding is called among the works.
DECODING = "decoding"
#: Turns of the alternating fit, and parts of the hold-out.
TURNS, FOLDS = 60, 5


@dataclass(frozen=True)
class Company:
    """Pressure and sensitivity by work; how far pairs are from the fit, and from fits without them."""

    pressure: dict[str, float] = field(default_factory=dict)
    sensitivity: dict[str, float] = field(default_factory=dict)
    residual: float | None = None
    holdout: float | None = None

    def slower(self, one: str, beside: str) -> float:
        """The factor by which a work takes longer beside another."""
        return 1.0 + self.sensitivity.get(one, 0.0) * self.pressure.get(beside, 0.0)


def fit(pairs: Sequence[Pair]) -> Company:
    """The company that explains these pairs best, and how well it does; empty without pairs."""
    if not pairs:
        return Company()
    fitted = alternating(pairs)
    held_out = [
        error
        for fold in range(FOLDS)
        for error in errors(
            alternating([pair for place, pair in enumerate(pairs) if place % FOLDS != fold]),
            pairs[fold::FOLDS],
        )
    ]
    residual = median(errors(fitted, pairs))
    return Company(fitted.pressure, fitted.sensitivity, residual, median(held_out))


def alternating(pairs: Sequence[Pair]) -> Company:
    """Non-negative least squares for sensitivities and for pressures in turns, the others as they are."""
    import numpy as np
    from scipy.optimize import nnls

    names = sorted({name for pair in pairs for name in (pair.one, pair.other)})
    place = {name: number for number, name in enumerate(names)}
    rows = [(place[one], place[other], factor - 1.0) for one, other, factor in both_ways(pairs)]
    if not rows:
        return Company()
    more = np.array([excess for _, _, excess in rows])
    sensitivity, pressure = np.ones(len(names)), np.ones(len(names))
    for _ in range(TURNS):
        for fitted_is_pressure in (False, True):
            design = np.zeros((len(rows), len(names)))
            for row, (one, other, _) in enumerate(rows):
                design[row, other if fitted_is_pressure else one] = (
                    sensitivity[one] if fitted_is_pressure else pressure[other]
                )
            found, _ = nnls(design, more)
            if fitted_is_pressure:
                pressure = found
            else:
                sensitivity = found
    scale = float(np.mean(pressure[pressure > 0])) if (pressure > 0).any() else 1.0
    return Company(
        {name: float(pressure[number] / scale) for name, number in place.items()},
        {name: float(sensitivity[number] * scale) for name, number in place.items()},
    )


def both_ways(pairs: Sequence[Pair]) -> Iterator[tuple[str, str, float]]:
    """(work, the one beside it, factor) for both works of each pair."""
    for pair in pairs:
        yield pair.one, pair.other, pair.one_slower
        yield pair.other, pair.one, pair.other_slower


def errors(fitted: Company, pairs: Sequence[Pair]) -> list[float]:
    """How far the factors of these pairs are from those that the fit gives, as fractions."""
    return [abs(fitted.slower(one, other) / factor - 1) for one, other, factor in both_ways(pairs)]
