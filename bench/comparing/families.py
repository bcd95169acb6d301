"""Many comparisons at once: how sure a difference is that is the largest of twenty.

Each of twenty analyzers that did not change differs by chance in one of fifty comparisons, so that a table of
them names one in a third of all tables. Here the p of each is that of the whole table: how often chance alone
makes any of them differ by as much. Westfall and Young, "Resampling-Based Multiple Testing", Wiley, 1993,
section 2.8 (single-step maxT): what is swapped are the two sides of all analyzers at once, so that what
disturbs them together is counted once, and which noise they have does not matter.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from clipbench.bench.comparing.statistics import OPPOSITE, Difference, as_array
from clipbench.bench.enough import ALPHA

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Up to so many pairs, every way to swap sides is tried; beyond, this many that are drawn.
ALL_UP_TO = 12
DRAWN = 4096
#: What is added to each standard error, in relative differences: an analyzer whose samples agree by chance to
#: less than this is no surer for it (Tusher, Tibshirani and Chu, PNAS 98, 2001).
LEAST_ERROR = 0.001

#: The samples of the reference and of the other, one after another.
Sides = tuple[Sequence[float], Sequence[float]]


def of_family(
    single: Mapping[str, Difference], adjusted: Mapping[str, float], what: str = "analyzers"
) -> dict[str, Difference]:
    """The differences of a table of `what`, by name: what is called faster or slower is so with the p of the
    table, which is `adjusted`."""
    found = dict(single)
    for name, d in single.items():
        if d.call in OPPOSITE and (p := adjusted[name]) >= ALPHA:
            reason = f"it is one of {len(single)} {what}, of which chance moves one as far: p = {p:.2g}"
            found[name] = dataclasses.replace(d, call="undecided", p=p, reason=reason)
        elif d.call in OPPOSITE:
            found[name] = dataclasses.replace(d, p=max(d.p, p))
    return found


def holm(p: Mapping[str, float]) -> dict[str, float]:
    """Holm's adjusted p, by name: where there are too few runs to swap sides of."""
    found: dict[str, float] = {}
    largest = 0.0
    for rank, name in enumerate(sorted(p, key=lambda name: p[name])):
        largest = found[name] = max(largest, min(1.0, (len(p) - rank) * p[name]))
    return found


def family_p(sides: Mapping[str, Sides], paired: bool, seed: int = 0) -> dict[str, float]:
    """The two-sided p of each of a family of differences, by name, adjusted for the family.

    All are to have as many samples as the first one has; `paired` ones were taken in turns. One with others
    is compared by itself, and all get a share of the error for that (Bonferroni).
    """
    groups: dict[tuple[int, int], dict[str, Sides]] = {}
    for name, (first, second) in sides.items():
        groups.setdefault((len(first), len(second)), {})[name] = (first, second)
    found: dict[str, float] = {}
    for (m, n), group in groups.items():
        if min(m, n) < 2:
            found |= dict.fromkeys(group, 1.0)
            continue
        p = paired_p(group, seed) if paired and m == n else separate_p(group, seed)
        found |= {name: min(1.0, len(groups) * value) for name, value in p.items()}
    return found


def paired_p(group: Mapping[str, Sides], seed: int) -> dict[str, float]:
    """The same for pairs: the sides of each pair are swapped, in all analyzers alike."""
    import numpy as np

    apart = np.stack([relative(as_array(a), as_array(b)) for a, b in group.values()])
    n = apart.shape[1]
    signs = swaps(n, seed)
    means = signs @ apart.T / n
    spread = np.sqrt(np.maximum((apart**2).mean(axis=1) - means**2, 0) / max(1, n - 1))
    return shares(group, np.abs(means) / (spread + LEAST_ERROR))


def separate_p(group: Mapping[str, Sides], seed: int) -> dict[str, float]:
    """The same for samples that were not taken in turns: which side a run's sample is of is dealt anew."""
    import numpy as np

    rows = np.stack([np.concatenate([as_array(a), as_array(b)]) for a, b in group.values()])
    rows = np.log(np.maximum(rows, 1e-9))
    m = len(next(iter(group.values()))[0])
    rng = np.random.default_rng(seed)
    total = rows.shape[1]
    orders = np.stack([np.arange(total), *(rng.permutation(total) for _ in range(DRAWN - 1))])
    dealt = rows[:, orders]  # [analyzers, orders, samples]
    first, second = dealt[:, :, :m], dealt[:, :, m:]
    error = np.sqrt(first.var(axis=2) / m + second.var(axis=2) / (total - m))
    return shares(group, (np.abs(second.mean(axis=2) - first.mean(axis=2)) / (error + LEAST_ERROR)).T)


def relative(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How far the sides of each pair are apart, relative to their mean; 0 for two zeros."""
    import numpy as np

    middle = (first + second) / 2
    apart: npt.NDArray[np.float64] = np.divide(
        second - first, middle, out=np.zeros_like(middle), where=middle > 0
    )
    return apart


def swaps(n: int, seed: int) -> npt.NDArray[np.float64]:
    """Signs for n pairs, ±1: float64 [ways, n]. The first way swaps none."""
    import numpy as np

    if n <= ALL_UP_TO:
        ways = np.arange(2**n)[:, None] >> np.arange(n) & 1
    else:
        ways = np.random.default_rng(seed).integers(2, size=(DRAWN, n))
        ways[0] = 0
    return np.where(ways, -1.0, 1.0).astype(np.float64)


def shares(group: Mapping[str, Sides], sizes: npt.NDArray[np.float64]) -> dict[str, float]:
    """For each analyzer, how often the largest size of a way is at least its own; [ways, analyzers]."""
    largest = sizes.max(axis=1)
    return {
        name: float((largest >= own * (1 - 1e-9)).mean()) for name, own in zip(group, sizes[0], strict=True)
    }
