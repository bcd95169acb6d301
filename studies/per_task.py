"""python -m studies.per_task: what handing out a task takes, as analyzers and workers become more.

The tasks do nothing, so what is measured is the work of who hands them out, in microseconds per task: our
executors, and beside them concurrent.futures, dask.distributed and Ray, which take turns (A B C … A B C …).
docs/ratios.md says what is compared.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from clipbench.analyzers.threads import cores_allowed
from clipbench.bench.probes import environment
from clipbench.executors.base import now
from studies.per_task_contestants import IN_FLIGHT, MAKE, Contestant

CORES = 2
#: Analyzers and workers of each size, the smallest first.
SIZES = ((20, 2), (100, 8), (400, 32))
#: Tasks of a pass: whole clips, and more of them than are in flight at once.
TASKS = 12_800
#: The largest size may take so many times what the smallest does; the driver alone is to take so much.
MOST_TIMES, GOAL_US = 2.0, 100.0


@dataclass(frozen=True)
class Pass:
    """Microseconds per task: of the clock, and of the CPU in the process that hands them out."""

    wall_us: float
    cpu_us: float


@dataclass
class Measured:
    """The passes of a contestant at one size, or why there are none."""

    contestant: str
    analyzers: int
    workers: int
    passes: list[Pass] = field(default_factory=list)
    reason: str = ""

    @property
    def wall_us(self) -> float | None:
        """The median; None where nothing was measured."""
        return median(one.wall_us for one in self.passes) if self.passes else None


class Lane:
    """A contestant in a process of its own, which does nothing until it is asked for a pass."""

    def __init__(self, found: Measured) -> None:
        self.found = found
        self.process = ProcessPoolExecutor(1, get_context("spawn"))
        self._ask(make, found.contestant, found.analyzers, found.workers)

    def once(self, tasks: int, counts: bool) -> None:
        """One pass; a warm-up does not count."""
        if (one := self._ask(once, max(1, tasks // self.found.analyzers))) is not None and counts:
            self.found.passes.append(one)

    def _ask(self, what: Any, *arguments: Any) -> Any:
        if self.found.reason:
            return None
        try:
            return self.process.submit(what, *arguments).result()
        except ImportError as error:
            self.found.reason = f"{(error.name or str(error)).partition('.')[0]} is not installed"
        except BrokenProcessPool:
            self.found.reason = "its process has ended"
        except Exception as error:
            self.found.reason = f"{type(error).__name__}: {error}"
        self.found.passes.clear()
        return None

    def close(self) -> None:
        """End the contestant, and its process."""
        self._ask(close)
        self.process.shutdown()


# In the process of a lane.
_made: list[Contestant] = []


def make(name: str, analyzers: int, workers: int) -> None:
    """Make the contestant of this process."""
    _made.append(MAKE[name](analyzers, workers))


def once(clips: int) -> Pass:
    """One pass over so many clips."""
    wall_s, cpu_s = now(), time.process_time()
    tasks = _made[0].once(clips)
    return Pass(1e6 * (now() - wall_s) / tasks, 1e6 * (time.process_time() - cpu_s) / tasks)


def close() -> None:
    """End the contestant of this process."""
    _made.pop().close()


def measure(
    sizes: Sequence[tuple[int, int]], names: Sequence[str], rounds: int, tasks: int, bar: Progress
) -> list[Measured]:
    """All rounds, size after size; at each of them the contestants take turns after a warm-up."""
    found: list[Measured] = []
    task = bar.add_task("starting", total=len(sizes) * len(names) * (rounds + 2))
    for analyzers, workers in sizes:
        lanes: list[Lane] = []
        size = f"{analyzers} analyzers, {workers} workers"
        try:
            for name in names:
                bar.update(task, description=f"{size}: starting {name}", refresh=True)
                found.append(Measured(name, analyzers, workers))
                lanes.append(Lane(found[-1]))
                bar.update(task, advance=1, refresh=True)
            for turn in range(-1, rounds):
                for lane in lanes:
                    bar.update(task, description=f"{size}: {lane.found.contestant}", refresh=True)
                    lane.once(tasks, counts=turn >= 0)
                    bar.update(task, advance=1, refresh=True)
        finally:
            for lane in lanes:
                lane.close()
    return found


def show(found: Sequence[Measured], console: Console) -> None:
    """Print the table, and what is to hold."""
    sizes = list(dict.fromkeys((each.analyzers, each.workers) for each in found))
    console.print(
        f"{max(len(each.passes) for each in found)} rounds on {cores_allowed()} cores of "
        f"{environment.cpu_name()}, Python {platform.python_version()}, {platform.platform()}",
        f"microseconds per task, {IN_FLIGHT} clips in flight: median (min … max), CPU of the driver",
        sep="\n",
    )
    table = Table("", *(f"{a} analyzers, {w} workers" for a, w in sizes), "largest / smallest", box=None)
    for name in dict.fromkeys(each.contestant for each in found):
        own = [each for each in found if each.contestant == name]
        table.add_row(name, *map(cell, own), grown(own))
    console.print(table)
    for name in [name for name in ("the driver alone", "gpu_pinned") if len(sizes) > 1]:
        own = [each for each in found if each.contestant == name and each.wall_us is not None]
        if len(own) == len(sizes):
            times, most = ratio(own), max(each.wall_us or 0.0 for each in own)
            console.print(
                f"{name}: grows {times:.2f} times, target ≤ {MOST_TIMES:g}: {met(times <= MOST_TIMES)}"
            )
            if name == "the driver alone":
                console.print(f"{name}: {most:.0f} µs at most, goal ≤ {GOAL_US:g}: {met(most <= GOAL_US)}")


def met(holds: bool) -> str:
    """In words."""
    return "met" if holds else "not met"


def cell(one: Measured) -> str:
    """A contestant at one size."""
    if one.wall_us is None:
        return f"not measured: {one.reason}"
    walls, cpu_us = [each.wall_us for each in one.passes], median(each.cpu_us for each in one.passes)
    return f"{one.wall_us:.0f} ({min(walls):.0f} … {max(walls):.0f}), CPU {cpu_us:.0f}"


def ratio(own: Sequence[Measured]) -> float:
    """The median of the largest size / that of the smallest."""
    return (own[-1].wall_us or 0.0) / (own[0].wall_us or 1.0)


def grown(own: Sequence[Measured]) -> str:
    """How many times as much the largest size takes."""
    known = len(own) > 1 and own[0].wall_us is not None and own[-1].wall_us is not None
    return f"{ratio(own):.2f}" if known else "–"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m studies.per_task", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="times that each contestant is measured")
    parser.add_argument("--only", nargs="+", choices=list(MAKE), default=list(MAKE), help="these contestants")
    parser.add_argument("--quick", action="store_true", help="two rounds at the smallest size: for a look")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured there")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds takes 1 or more")
    if hasattr(os, "sched_setaffinity"):  # the lanes inherit it
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    console = Console()
    if not console.is_terminal:
        console.width = 140
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    sizes, rounds = (SIZES[:1], 2) if options.quick else (SIZES, options.rounds)
    # Drawn between the passes only, so that drawing takes no time from them.
    with Progress(*columns, console=Console(stderr=True), auto_refresh=False, transient=True) as bar:
        found = measure(sizes, options.only, rounds, TASKS, bar)
    show(found, console)
    if options.json:
        text = json.dumps([dataclasses.asdict(each) for each in found], indent=1, ensure_ascii=False)
        options.json.write_text(text)


if __name__ == "__main__":
    main()
