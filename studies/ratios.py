"""python -m studies.ratios: the executors against each other and against what one would write instead.

The contestants take turns in one run (A B C … A B C …), warm, on the reference clip and on two cores. A ratio
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

from clipbench.analyzers.threads import cores_allowed
from clipbench.bench.clips.decoding import probe
from clipbench.bench.probes import environment
from clipbench.bench.runs.serialization import to_json
from studies.contestants import LANES, MEANING, PROJECT, Lane, Unmeasured
from studies.ratio_targets import BEST, RIVALS, Rounds, differences, ratios

CLIP = PROJECT / "clips" / "reference.mp4"
CORES = 2


class Turns:
    """The contestants' turns, one after another, round by round, with a bar that shows how far they are."""

    def __init__(self, bar: Progress, total: int) -> None:
        self.bar, self.task = bar, bar.add_task("starting", total=total)
        self.lanes = {name: Lane(name, CLIP) for name in LANES}
        self.lane_of = {one: self.lanes[lane] for lane, names in LANES.items() for one in names}
        self.rounds = Rounds(probe(CLIP).duration_s, {}, {}, "it was not run")
        self.found: dict[str, Any] = {}

    def heat(self, names: Mapping[str, str], warmup: int, number: int) -> None:
        """Warm up and go round; `names` maps what the samples are kept under to the contestant."""
        samples, reasons = self.rounds.samples, self.rounds.reasons
        samples |= {name: [] for name in names}
        for turn in range(-warmup, number):
            kind = f"round {turn + 1} of {number}" if turn >= 0 else "warm-up"
            for name, contestant in names.items():
                self.bar.update(self.task, description=f"{kind}: {name}", refresh=True)
                if name not in reasons:
                    try:
                        sample = self.ask("once", contestant)
                    except Unmeasured as why:
                        reasons[name], samples[name] = str(why), []
                    else:
                        samples[name] += [sample] if turn >= 0 else []
                self.bar.update(self.task, advance=1, refresh=True)
        self.found |= {name: self.ask("found", names[name]) for name in names if samples[name]}

    def ask(self, what: str, contestant: str) -> Any:
        """A question to the contestant's lane; raises Unmeasured where there is no answer."""
        return self.lane_of[contestant].ask(what, contestant)

    def close(self, but: str | None = None) -> None:
        """End all lanes but one."""
        for name, lane in self.lanes.items():
            if name != but:
                lane.close()


def measure(number: int, warmup: int, bar: Progress) -> tuple[Rounds, dict[str, dict[str, str]]]:
    """All rounds; also contestant → analyzer whose labels are not sequential's.

    There are two heats, since all models of all contestants take 17 GB: the executors among each other, then
    the best of them against its rivals.
    """
    ours = {name: name for name in MEANING if name not in RIVALS and name != BEST}
    turns = Turns(bar, (len(MEANING) - 1) * (warmup + number) + number)
    rounds = turns.rounds
    try:
        turns.heat(ours, warmup, number)
        try:
            rounds.sharing = turns.ask("sharing", "gpu_pinned")
        except Unmeasured as why:
            rounds.sharing = str(why)
        best = rounds.best()
        turns.close(but=best)
        for name in RIVALS:  # one that has no models yet is warmed up first
            turns.heat({name: name}, warmup, 0)
        turns.heat({**({BEST: best} if best else {}), **{name: name for name in RIVALS}}, 0, number)
        return rounds, differences(turns.found)
    finally:
        turns.close()


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
        "environment": to_json(environment.describe()),
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
    parser = argparse.ArgumentParser(prog="python -m studies.ratios", description=__doc__)
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
