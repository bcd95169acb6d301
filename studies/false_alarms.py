"""How often a comparison, a table of analyzers and a pair of single runs find what is not there, and how
much has to be there for them to find it.

Simulates passes of two sides with a kind of noise, and processes that differ from each other by 3 %; and with
--real takes the runs of one configuration in a folder and compares them with each other. docs/statistics.md
has what came out.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clipbench.bench.comparing import by_run
from clipbench.bench.comparing.by_run import UNKNOWN, Sides, Spread
from clipbench.bench.comparing.calibration import DEFAULT, METRIC, RUNS, NoiseFloor
from clipbench.bench.comparing.candidates import Candidate, CandidateRun, load
from clipbench.bench.comparing.differences import Differences
from clipbench.bench.comparing.statistics import MIN_NOISE
from clipbench.reports import terminal
from studies.decisions import share
from studies.noise_models import kinds

if TYPE_CHECKING:
    import numpy as np

    from studies.noise_models import Floats, Noise

#: The standard deviation between processes of one configuration, as a fraction.
BETWEEN = 0.03
#: Analyzers of a table. Half of the variance of each is shared with all others.
ANALYZERS = 20
#: Slowdowns that are tried, one after the other, until one is found in 80 of 100 cases.
SLOWDOWNS = (0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
FOUND = 0.8


@dataclass(frozen=True)
class Design:
    """What is compared: `rounds` runs a side of so many `passes` each, that took turns if `paired`; `figures`
    in one table; `calibrated` if RUNS earlier runs have shown how far they lie apart."""

    name: str
    rounds: int
    passes: int
    figures: int = 1
    paired: bool = True
    calibrated: bool = False


DESIGNS = (
    Design("comparison, 9 rounds", 9, 1),
    Design("comparison, 3 rounds of 3", 3, 3),
    Design("comparison, 1 round of 9", 1, 9),
    Design("two single runs", 1, 9, paired=False),
    Design("two single runs, calibrated", 1, 9, paired=False, calibrated=True),
    Design("table, 9 rounds", 9, 1, ANALYZERS),
    Design("table, 15 rounds", 15, 1, ANALYZERS),
    Design("table, two single runs", 1, 9, ANALYZERS, paired=False),
)


def times(design: Design, noise: Noise, between: float, rng: np.random.Generator) -> Floats:
    """Passes of two sides that do not differ: float64 [figures, 2, rounds, passes]; every second round the
    sides take their turns the other way round."""
    import numpy as np

    shape = (design.rounds, 2, design.passes)
    rows = [np.log(noise(2 * design.rounds * design.passes, rng)) for _ in range(design.figures + 1)]
    alone = design.figures == 1
    logs = np.array(rows[:1]) if alone else (np.array(rows[1:]) + rows[0]) * np.sqrt(0.5)
    logs = logs.reshape(design.figures, *shape)
    logs[:, 1::2] = logs[:, 1::2, ::-1].copy()
    own = between * rng.standard_normal((design.figures, design.rounds, 2, 1))
    return np.exp(logs + own).transpose(0, 2, 1, 3)


def sides(of: Floats, design: Design, slowdown: float) -> list[Sides]:
    """The passes as they are compared; the first figure takes longer on the other side."""
    found = []
    for number, (reference, other) in enumerate(of.tolist()):
        factor = 1 + slowdown if number == 0 else 1.0
        slower = [[factor * x for x in run] for run in other]
        found.append(Sides(reference, slower, design.paired))
    return found


def spread_of(design: Design, noise: Noise, between: float, rng: np.random.Generator) -> Spread:
    """What a calibration finds of how far runs lie apart."""
    if not design.calibrated:
        return UNKNOWN
    earlier = times(Design("", RUNS, design.passes), noise, between, rng)
    return by_run.spread_of(earlier[0, 0].tolist())


def calls(
    design: Design, noise: Noise, slowdown: float, trials: int, between: float = BETWEEN, seed: int = 0
) -> list[list[str]]:
    """What is called, figure by figure, in so many simulated comparisons."""
    import numpy as np

    rng = np.random.default_rng([seed, round(1000 * slowdown)])
    found, floor = [], MIN_NOISE if design.calibrated else DEFAULT
    for _ in range(trials):
        own = sides(times(design, noise, between, rng), design, slowdown)
        spread = spread_of(design, noise, between, rng)
        named = {f"{number}": one for number, one in enumerate(own)}
        found.append([d.call for d in by_run.compare_family(named, floor, [spread]).values()])
    return found


def alarms(found: Sequence[Sequence[str]]) -> int:
    """In how many of them anything is called slower or faster."""
    return sum(any(call in ("slower", "faster") for call in each) for each in found)


def least_found(design: Design, noise: Noise, trials: int) -> str:
    """The least slowdown, in words, of which at least 80 of 100 are found."""
    for slowdown in SLOWDOWNS:
        found = sum(each[0] == "slower" for each in calls(design, noise, slowdown, trials))
        if found >= FOUND * trials:
            return f"{100 * slowdown:g} %"
    return f"above {100 * SLOWDOWNS[-1]:g} %"


def simulate(trials: int, console: Any, only: str) -> None:
    """Print, for every design and kind of noise, the false alarms and the least slowdown that is found."""
    from rich.table import Table

    table = Table("compared", "noise", f"false alarms, of {trials}", "found in 80 %", box=None)
    asked = [
        (design, name, noise)
        for design, (name, noise) in itertools.product(DESIGNS, kinds().items())
        if only in f"{design.name}, {name}"
    ]
    for design, name, noise in terminal.track(asked, "simulating"):
        wrong = share(alarms(calls(design, noise, 0.0, trials)), trials)
        table.add_row(design.name, name, wrong, least_found(design, noise, max(2, trials // 5)))
    console.print(table)


@dataclass
class Tally:
    """How many of so many comparisons and of their tables of analyzers find something."""

    compared: int = 0
    single: int = 0
    table: int = 0

    def add(self, first: Sequence[CandidateRun], second: Sequence[CandidateRun], sweep: Path | None) -> None:
        """Compare two sides of one configuration, which took turns if they are of a `sweep`."""
        a, b = Candidate("a", list(first), sweep=sweep), Candidate("b", list(second), sweep=sweep)
        differences = Differences({one.name: NoiseFloor(DEFAULT, "") for one in (a, b)})
        single = differences.of_metric(a, b, METRIC)
        self.compared += 1
        self.single += alarms([[single.call if single else ""]])
        self.table += alarms([[one.difference.call for one in differences.of_analyzers(a, b)]])

    def say(self, what: str, console: Any) -> None:
        """Print the shares."""
        for kind, found in (("comparison", self.single), ("table", self.table)):
            console.print(f"{what}, {kind}: {found} of {self.compared}, {share(found, self.compared)}")


def real(folder: Path, ways: int, console: Any) -> None:
    """Compare the runs of one configuration with each other: every two, and dealt out to two sides."""
    import numpy as np

    (everything,) = load([folder])
    runs = everything.runs
    passes = len(runs[0].result.metric(METRIC).samples)
    console.print(
        f"{len(runs)} runs of {passes} passes and {len(runs[0].result.analyzers)} analyzers: "
        f"{everything.first.run.command}",
        markup=False,
    )
    two = Tally()
    for a, b in itertools.combinations(runs, 2):
        two.add([a], [b], None)
    two.say("two single runs", console)
    rounds, rng, dealt = len(runs) // 2, np.random.default_rng(0), Tally()
    for _ in range(ways):
        turned = rng.integers(2, size=rounds).tolist()
        first, second = (
            [dataclasses.replace(runs[2 * n + (way ^ side)], round=str(n)) for n, way in enumerate(turned)]
            for side in (0, 1)
        )
        dealt.add(first, second, folder)
    dealt.say(f"{rounds} rounds, dealt out anew", console)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m studies.false_alarms", description=__doc__)
    parser.add_argument("--trials", type=int, default=1000, help="simulated comparisons for each figure")
    parser.add_argument("--only", default="", metavar="TEXT", help="what has this in its name: 'table', 'AR'")
    parser.add_argument("--real", type=Path, metavar="FOLDER", help="compare the runs in it instead")
    options = parser.parse_args(arguments)
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = 140
    if options.real:
        real(options.real, options.trials, console)
    else:
        simulate(options.trials, console, options.only)


if __name__ == "__main__":
    main()
