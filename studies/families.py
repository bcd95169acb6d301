"""python -m studies.families: how often a table of twenty analyzers names one that did not change.

Tables are simulated: twenty analyzers, pairs of passes in turns, noise of several kinds, of which a part is
common to all analyzers of a pass, as other work is. It prints in how many tables at least one analyzer was
called faster or slower although none changed, by each comparison alone and with the rule for the table, and
how often the one analyzer that takes a tenth longer was called slower.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from clipbench.bench.comparing.families import Sides, family_p, of_family
from clipbench.bench.comparing.statistics import MIN_NOISE, Difference, compare_samples
from clipbench.reports.markdown_text import table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Noise = Callable[[np.random.Generator, tuple[int, int]], npt.NDArray[np.float64]]

ANALYZERS = 20
#: The relative standard deviation of a pass of an analyzer.
SPREAD = 0.03
SLOWDOWN = 0.1


def normal(rng: np.random.Generator, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    return rng.standard_normal(shape)


def heavy_tails(rng: np.random.Generator, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Student's t with three degrees of freedom."""
    return rng.standard_t(3, shape)


def two_modes(rng: np.random.Generator, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    """A quarter of the passes are slower by four deviations, as on another clock speed."""
    return rng.standard_normal(shape) + 4 * (rng.random(shape) < 0.25)


def autoregressive(rng: np.random.Generator, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    """AR(1): a pass is 0.7 of the one before, and news."""
    import numpy as np

    found = rng.standard_normal(shape)
    for n in range(1, shape[1]):
        found[:, n] = 0.7 * found[:, n - 1] + np.sqrt(1 - 0.7**2) * found[:, n]
    return found


def drift(rng: np.random.Generator, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    """All passes get longer, by four deviations in all, as on a processor that heats up."""
    import numpy as np

    return rng.standard_normal(shape) + np.linspace(0, 4, shape[1])


NOISES: dict[str, Noise] = {
    "normal": normal,
    "heavy tails": heavy_tails,
    "two modes": two_modes,
    "AR(1)": autoregressive,
    "drift": drift,
}


def a_table(rng: np.random.Generator, noise: Noise, pairs: int, slower: float) -> dict[str, Sides]:
    """The samples of one table; the first analyzer takes `slower` longer on the other side."""
    import numpy as np

    own, common = noise(rng, (ANALYZERS, 2 * pairs)), noise(rng, (1, 2 * pairs))
    times = np.exp(SPREAD * (0.8 * own + 0.6 * common))
    # Which side goes first in a turn alternates, so that neither has the later passes.
    first = np.where(np.arange(pairs) % 2, times[:, 1::2], times[:, ::2])
    second = np.where(np.arange(pairs) % 2, times[:, ::2], times[:, 1::2])
    second[0] *= 1 + slower
    return {f"a{n}": (first[n].tolist(), second[n].tolist()) for n in range(ANALYZERS)}


def judged(sides: dict[str, Sides]) -> tuple[dict[str, Difference], dict[str, Difference]]:
    """The differences of a table, each by itself, and with the rule for the table."""
    single = {name: compare_samples(a, b, MIN_NOISE) for name, (a, b) in sides.items()}
    return single, of_family(single, family_p(sides, True))


def named(calls: dict[str, Difference]) -> bool:
    """Whether a table calls an analyzer faster or slower."""
    return any(d.call in ("faster", "slower") for d in calls.values())


def main() -> None:
    """Simulate, and print a row for each kind of noise and number of pairs."""
    import numpy as np

    parser = argparse.ArgumentParser(prog="studies.families", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tables", type=int, default=300)
    parser.add_argument("--pairs", type=int, nargs="+", default=[9, 15])
    asked = parser.parse_args()
    rows = []
    for kind, noise in NOISES.items():
        for pairs in asked.pairs:
            rng = np.random.default_rng(1)
            alone = family = found = found_alone = 0
            for _ in range(asked.tables):
                single, together = judged(a_table(rng, noise, pairs, 0.0))
                alone += named(single)
                family += named(together)
                single, together = judged(a_table(rng, noise, pairs, SLOWDOWN))
                found_alone += single["a0"].call == "slower"
                found += together["a0"].call == "slower"
            counts = (alone, family, found_alone, found)
            rows.append([kind, str(pairs), *(f"{100 * n / asked.tables:.1f} %" for n in counts)])
    heads = [">pairs", ">named, alone", ">named, table", ">found, alone", ">found, table"]
    print(table(["noise", *heads], rows))


if __name__ == "__main__":
    main()
