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
#: Parts of the hold-out, and how strongly works are drawn together, of which the best is taken.
FOLDS, PULLS = 5, (0.01, 0.3, 1.0, 3.0, 10.0)
#: An error of a measured factor from which on it counts less than its square: something else was at work.
USUAL = 0.1


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
    """The company that explains these pairs best, and how well it does; empty without pairs.

    It is drawn towards works that are all alike, as strongly as explains best what was held out.
    """
    if not pairs:
        return Company()
    held_out = {pull: median(held_out_errors(pairs, pull)) for pull in PULLS}
    pull = min(held_out, key=held_out.__getitem__)
    fitted = pulled(pairs, pull)
    residual = median(errors(fitted, pairs))
    return Company(fitted.pressure, fitted.sensitivity, residual, held_out[pull])


def held_out_errors(pairs: Sequence[Pair], pull: float) -> list[float]:
    """How far pairs are from the fit to the others, in so many parts."""
    return [
        error
        for fold in range(FOLDS)
        for error in errors(
            pulled([pair for place, pair in enumerate(pairs) if place % FOLDS != fold], pull),
            pairs[fold::FOLDS],
        )
    ]


def pulled(pairs: Sequence[Pair], pull: float) -> Company:
    """Pressures around 1 and sensitivities around their middle, by least squares on robust residuals.

    `pull` is the weight of how far they are from these, beside that of how far the pairs are from the fit.
    """
    import numpy as np
    from scipy.optimize import least_squares

    names = sorted({name for pair in pairs for name in (pair.one, pair.other)})
    place = {name: number for number, name in enumerate(names)}
    rows = list(both_ways(pairs))
    if not rows:
        return Company()
    one = np.array([place[name] for name, _, _ in rows])
    other = np.array([place[name] for _, name, _ in rows])
    more = np.array([factor - 1.0 for _, _, factor in rows])
    middle, count = max(0.0, float(np.median(more))), len(names)

    def residuals(both: np.ndarray) -> np.ndarray:
        pressure, sensitivity = both[:count], both[count:]
        from_pairs = sensitivity[one] * pressure[other] - more
        return np.concatenate([from_pairs, pull * USUAL * (pressure - 1), pull * (sensitivity - middle)])

    start = np.concatenate([np.ones(count), np.full(count, max(middle, 0.01))])
    both = least_squares(residuals, start, bounds=(0, np.inf), loss="soft_l1", f_scale=USUAL).x
    values = dict(zip(names, both[:count].tolist(), strict=True))
    return Company(values, dict(zip(names, both[count:].tolist(), strict=True)))


def both_ways(pairs: Sequence[Pair]) -> Iterator[tuple[str, str, float]]:
    """(work, the one beside it, factor) for both works of each pair."""
    for pair in pairs:
        yield pair.one, pair.other, pair.one_slower
        yield pair.other, pair.one, pair.other_slower


def errors(fitted: Company, pairs: Sequence[Pair]) -> list[float]:
    """How far the factors of these pairs are from those that the fit gives, as fractions."""
    return [abs(fitted.slower(one, other) / factor - 1) for one, other, factor in both_ways(pairs)]
