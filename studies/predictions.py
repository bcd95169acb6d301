"""How far predictions are from measurements: groupings × executors × clips, each measured and predicted.

    python -m studies.predictions FOLDER --rounds 3 --groupings 6        # on a quiet machine

Each case is one command line of run.py: with a real executor it is measured, and with `executor=simulated
executor.like=…` it is predicted. The groupings are those of conf/grouping, and random ones that nobody wrote:
neither costs nor anybody's choice were fitted to them. A round begins with measuring the costs, as `plan.py
costs` does. Its cases follow each other in an order that a seed shuffles anew, so that what drifts meets all
of them. Compared are the median of what was predicted from each round's costs and the median of what was
measured in each. Every run is kept in FOLDER; the same command goes on where it was interrupted.
docs/predictions.md has what came out.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from clipbench.analyzers import registry as analyzers
from clipbench.bench.errors import InputError
from clipbench.bench.locations import IMPORT_PATH
from clipbench.bench.runs import storage
from clipbench.bench.runs.child_run import run_child
from clipbench.executors import registry as executors
from clipbench.reports import terminal

GROUPINGS = ("sequential", "optimized", "staged", "two_core")
#: Costs are measured on the first of the clips alone.
CLIPS = ("reference", "second")
METRIC = "rtf_warm"
#: Seconds that a run may take.
LIMIT_S = 1200
#: The errors that are promised: of half of the cases, and of nine in ten.
HALF, NINE_IN_TEN = 0.05, 0.10


@dataclass(frozen=True)
class Case:
    """What is measured and predicted; `overrides` make the grouping."""

    grouping: str
    overrides: tuple[str, ...]
    executor: str
    clip: str

    @property
    def name(self) -> str:
        """The name of its folders."""
        return f"{self.grouping}-{self.executor}-{self.clip}"

    @property
    def fitted(self) -> bool:
        """Whether its costs were measured on this very clip."""
        return self.clip == CLIPS[0]

    def measured(self) -> list[str]:
        """The command line that measures."""
        return [*self.overrides, f"executor={self.executor}", f"clip={self.clip}"]

    def predicted(self, store: Path) -> list[str]:
        """The command line that predicts from the costs in a store."""
        like = ["executor=simulated", f"executor.like={self.executor}", f"costs.store={store}"]
        return [*self.overrides, *like, f"clip={self.clip}"]


@dataclass(frozen=True)
class Compared:
    """A case with what was predicted from each round's costs and measured in it; real-time factors."""

    case: Case
    predictions: tuple[float, ...]
    rounds: tuple[float, ...]

    @property
    def predicted(self) -> float:
        """The median of the predictions."""
        return median(self.predictions)

    @property
    def measured(self) -> float:
        """The median of the rounds."""
        return median(self.rounds)

    @property
    def error(self) -> float:
        """How far the prediction is off, as a fraction of what was measured: above 0 it was too slow."""
        return self.predicted / self.measured - 1


def random_grouping(dice: random.Random, number: int) -> tuple[str, tuple[str, ...]]:
    """A grouping that nobody wrote: the analyzers dealt out to one to three groups."""
    names = sorted(analyzers.discover())
    dice.shuffle(names)
    edges = sorted(dice.sample(range(1, len(names)), dice.randint(0, 2)))
    groups = [names[a:b] for a, b in zip([0, *edges], [*edges, len(names)], strict=True)]
    written = ",".join(f"g{n}:{{analyzers:[{','.join(group)}]}}" for n, group in enumerate(groups))
    # The groups of conf/grouping/sequential.yaml would stay beside those that are set: they are replaced.
    return f"random{number}", (
        "grouping=sequential",
        f"++grouping.groups={{{written}}}",
        "~grouping.groups.all",
    )


def cases(count: int, seed: int, among: Sequence[str], clips: Sequence[str]) -> list[Case]:
    """All cases, with `count` random groupings; they depend on `seed` alone."""
    dice = random.Random(seed)
    named = [(name, (f"grouping={name}",)) for name in GROUPINGS]
    dealt = [random_grouping(dice, number) for number in range(count)]
    return [
        Case(name, overrides, executor, clip)
        for name, overrides in (*named, *dealt)
        for executor in among
        for clip in clips
        if executor != "sequential" or name == "sequential"  # it has one worker, whatever the grouping
    ]


def rtf(arguments: Sequence[str], folder: Path) -> float:
    """The real-time factor of a run, which is not run again where its result is there."""
    try:
        value = storage.read_result(folder).metric(METRIC).value
    except (InputError, OSError):
        done = run_child([*arguments, f"hydra.run.dir={folder}", "progress=false"], folder, LIMIT_S, [METRIC])
        if done.value is None:
            raise SystemExit(f"{' '.join(arguments)}: {done.reason} ({folder / 'log.txt'})") from None
        value = done.value
    return math.nan if value is None else value


def measure_costs(store: Path) -> None:
    """Measure the costs of all analyzers into a store, unless they are there."""
    if any(store.glob("*.json")):
        return
    command = [sys.executable, str(IMPORT_PATH / "plan.py"), "costs", f"costs.store={store}"]
    shown = store.parent / f"{store.name}-shown"
    environment = {**os.environ, "PYTHONPATH": str(IMPORT_PATH)}
    done = subprocess.run([*command, "--output", str(shown)], env=environment, stdout=subprocess.DEVNULL)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}")


def study(asked: argparse.Namespace) -> list[Compared]:
    """Measure and predict every case."""
    chosen = cases(asked.groupings, asked.seed, asked.executor, asked.clip)
    measured: dict[Case, list[float]] = {case: [] for case in chosen}
    predicted: dict[Case, list[float]] = {case: [] for case in chosen}
    repeats = ["scenario.warmup=1", f"scenario.repeats={asked.repeats}"]
    for number in range(asked.rounds):
        store = asked.folder / "costs" / str(number)
        measure_costs(store)
        here = asked.folder / "measured" / str(number)
        for case in terminal.track(shuffled(chosen, asked.seed + number), f"measuring, round {number + 1}"):
            measured[case].append(rtf([*case.measured(), *repeats], here / case.name))
        there = asked.folder / "predicted" / str(number)
        for case in terminal.track(chosen, f"predicting, round {number + 1}"):
            predicted[case].append(rtf(case.predicted(store), there / case.name))
    return [Compared(case, tuple(predicted[case]), tuple(measured[case])) for case in chosen]


def shuffled(chosen: Sequence[Case], seed: int) -> list[Case]:
    """The cases in an order that the seed says."""
    order = list(chosen)
    random.Random(seed).shuffle(order)
    return order


def table(compared: Sequence[Compared]) -> Iterator[str]:
    """Markdown: every case, then how far the predictions are off in all."""
    columns = (
        "grouping",
        "executor",
        "clip",
        "predicted RTF",
        "of rounds",
        "measured RTF",
        "of rounds",
        "error",
    )
    yield f"| {' | '.join(columns)} |"
    yield "|---|---|---|---:|---:|---:|---:|---:|"
    for one in compared:
        yield (
            f"| {one.case.grouping} | {one.case.executor} | {one.case.clip} "
            f"| {one.predicted:.3f} | {spread(one.predictions)} "
            f"| {one.measured:.3f} | {spread(one.rounds)} | {100 * one.error:+.1f} % |"
        )
    yield ""
    for what, own in (
        ("all", compared),
        ("the clip on which costs were measured", [one for one in compared if one.case.fitted]),
        ("another clip", [one for one in compared if not one.case.fitted]),
        ("random groupings", [one for one in compared if one.case.grouping.startswith("random")]),
    ):
        if own:
            yield f"{what}: {summary([abs(one.error) for one in own])}"


def spread(values: Sequence[float]) -> str:
    """The least and the most of some figures."""
    return f"{min(values):.3f} … {max(values):.3f}"


def summary(errors: Sequence[float]) -> str:
    """The median error, and how many are within what is promised."""
    within = sum(error <= NINE_IN_TEN for error in errors)
    return (
        f"median error {100 * median(errors):.1f} %, {within} of {len(errors)} within "
        f"{100 * NINE_IN_TEN:.0f} %, largest {100 * max(errors):.1f} %"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    usual = [
        name for name in ("sequential", "spawn_pool", "gpu_pinned", "threads") if name in executors.names()
    ]
    parser.add_argument("folder", type=Path, help="where all runs are kept")
    parser.add_argument("--rounds", type=int, default=3, help="how often each case is measured, in turns")
    parser.add_argument("--repeats", type=int, default=3, help="passes of each run")
    parser.add_argument("--groupings", type=int, default=6, help="random groupings beside the four of conf/")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--executor", nargs="*", default=usual, help="only these")
    parser.add_argument("--clip", nargs="*", default=list(CLIPS), help="only these")
    asked = parser.parse_args()
    asked.folder = asked.folder.resolve()
    compared = study(asked)
    print(*table(compared), sep="\n")
    errors = sorted(abs(one.error) for one in compared)
    kept = median(errors) <= HALF and sum(e <= NINE_IN_TEN for e in errors) >= 0.9 * len(errors)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
