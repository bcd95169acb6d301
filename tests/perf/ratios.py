"""python -m tests.perf.ratios: the executors against each other and against what one would write instead.

All contestants take turns in one run (A B C … A B C …), warm, on the reference clip and on two cores. A ratio
is the median of the ratios of the rounds, so what disturbs a round as a whole disturbs both of its sides.
docs/ratios.md says what is compared and why that is fair.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench import environment
from bench.plan import cores_allowed
from tests.perf.figures import Rounds, differences, ratios
from tests.perf.lanes import LANES, MEANING, PROJECT, Lane, Unmeasured

CLIP = PROJECT / "clips" / "reference.mp4"
CORES = 2


def measure(number: int, warmup: int, bar: Progress) -> tuple[Rounds, dict[str, dict[str, str]]]:
    """Warm every lane up, then go round; also contestant → analyzer whose labels are not sequential's."""
    from bench.container import read_container

    lanes = {name: Lane(name, CLIP) for name in LANES}
    lane_of = {one: lanes[lane] for lane, contestants in LANES.items() for one in contestants}
    names = sorted(lane_of, key=list(MEANING).index)
    rounds = Rounds(read_container(CLIP).duration_s, {name: [] for name in names}, {}, "it was not run")
    task = bar.add_task("starting", total=len(names) * (warmup + number) + 1)
    try:
        for turn in range(-warmup, number):
            for name in names:
                kind = f"round {turn + 1} of {number}" if turn >= 0 else "warm-up"
                bar.update(task, description=f"{kind}: {name}", refresh=True)
                if name not in rounds.reasons:
                    try:
                        sample = lane_of[name].ask("once", name)
                    except Unmeasured as why:
                        rounds.reasons[name], rounds.samples[name] = str(why), []
                    else:
                        rounds.samples[name] += [sample] if turn >= 0 else []
                bar.update(task, advance=1, refresh=True)
        try:
            rounds.sharing = lanes["gpu_pinned"].ask("sharing", "gpu_pinned")
        except Unmeasured as why:
            rounds.sharing = str(why)
        bar.update(task, advance=1, refresh=True)
        return rounds, differences({n: lane_of[n].ask("found", n) for n in names if rounds.samples[n]})
    finally:
        for lane in lanes.values():
            lane.close()


def show(rounds: Rounds, differing: Mapping[str, Mapping[str, str]], console: Console) -> None:
    """Print both tables: the contestants, and the ratios with their targets."""
    passes = max(map(len, rounds.samples.values()))
    console.print(
        f"{passes} rounds on {cores_allowed()} cores of {environment.cpu_name()}, Python "
        f"{platform.python_version()}, {platform.platform()}",
        "others: cores that other processes took meanwhile (median); times mean little unless that is near 0",
        sep="\n",
    )
    table = Table("contestant", "RTF", "min … max", "CPU s", "others", "efficiency", "same labels", box=None)
    best = rounds.best()
    for name, samples in rounds.samples.items():
        label = MEANING[name] + (" (best)" if name == best else "")
        if not samples:
            table.add_row(label, "–", f"not measured: {rounds.reasons.get(name, '')}")
            continue
        walls = [sample.wall_s / rounds.clip_s for sample in samples]
        known = [s.known["efficiency"] for s in samples if "efficiency" in s.known]
        table.add_row(
            label,
            f"{median(walls):.3f}",
            f"{min(walls):.3f} … {max(walls):.3f}",
            f"{median(s.cpu_s for s in samples):.1f}",
            f"{median(s.others for s in samples):.2f}",
            f"{median(known):.3f}" if known else "",
            "yes" if name not in differing else "but for " + ", ".join(differing[name]),
        )
    console.print(table)
    console.print()
    table = Table("figure", "median", "min … max", "target", "", box=None)
    notes = []
    for ratio in ratios(rounds):
        limit = f"{ratio.op} {ratio.limit:g}"
        if ratio.value is None:
            table.add_row(ratio.what, "–", "", limit, ratio.status)
            continue
        spread = f"{min(ratio.samples):.3f} … {max(ratio.samples):.3f}" if len(ratio.samples) > 1 else ""
        table.add_row(ratio.what, f"{ratio.value:.3g}", spread, limit, ratio.status)
        notes += [f"{ratio.what}: {ratio.note}"] if ratio.note else []
    console.print(table)
    for note in notes:
        console.print(note, style="dim")


def as_json(rounds: Rounds, differing: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Everything that was measured, and the figures."""
    return {
        "clip_s": rounds.clip_s,
        "environment": environment.describe(),
        "samples": {name: [dataclasses.asdict(s) for s in found] for name, found in rounds.samples.items()},
        "reasons": rounds.reasons,
        "sharing": rounds.sharing if isinstance(rounds.sharing, str) else dataclasses.asdict(rounds.sharing),
        "differing": differing,
        "ratios": [
            {**dataclasses.asdict(ratio), "value": ratio.value, "status": ratio.status}
            for ratio in ratios(rounds)
        ],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.perf.ratios", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="times that each contestant is measured")
    parser.add_argument("--quick", action="store_true", help="one warm-up and two rounds: for a look")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured there")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds takes 1 or more")
    if hasattr(os, "sched_setaffinity"):  # the targets are those of two cores; the lanes inherit it
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    warmup, number = (1, 2) if options.quick else (2, options.rounds)
    console = Console()
    if not console.is_terminal:
        console.width = 140
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    # Drawn between the passes only, so that drawing takes no time from them.
    with Progress(*columns, console=Console(stderr=True), auto_refresh=False, transient=True) as bar:
        rounds, differing = measure(number, warmup, bar)
    show(rounds, differing, console)
    if options.json:
        options.json.write_text(json.dumps(as_json(rounds, differing), indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
