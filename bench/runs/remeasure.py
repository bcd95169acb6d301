"""A child run of this process's own command: the same configuration, measured again with nothing kept."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path

from clipbench.bench.invocation import literal
from clipbench.bench.runs import child_run, storage
from clipbench.bench.runs.results import Result

#: A fresh run only measures: what is made of it is up to the one that asked.
ONLY_MEASURE = (
    *("baseline=null", "calibrate=false", "progress=false", "gate.mode=report", "gate.require=[]"),
    *("export.to=[]", "report.frames=false"),
)


class Unmeasured(Exception):
    """The run came to no result: the message says why, and where its output is."""


def measure_again(folder: Path, metrics: Sequence[str], *more: str) -> Result:
    """Run this process's own command again, with `more` overrides, into `folder`, and wait for its result.

    What it prints goes to log.txt there. Raises Unmeasured, also if it measured none of `metrics`.
    """
    arguments = [
        *sys.argv[1:],
        *ONLY_MEASURE,
        *more,
        f"hydra.run.dir={literal(folder)}",
    ]  # the last one counts
    taken = child_run.run_child(arguments, folder, math.inf, metrics)
    if taken.state == "failed":
        raise Unmeasured(f"{taken.reason} (what it printed is in {folder / 'log.txt'})")
    return storage.read_result(folder)


def unfit(result: Result, metric: str) -> str:
    """Why the times of `result`, samples of `metric`, are not those of the whole work, or ""."""
    if result.run.interrupted:
        return "the run was interrupted"
    if result.lost_clips:
        return f"clips were lost: {', '.join(clip.path for clip in result.lost_clips)}"
    if lost := [f"{name} ({a.status})" for name, a in result.analyzers.items() if a.status != "ok"]:
        return f"not every analyzer succeeded: {', '.join(lost)}"
    return result.metric(metric).reason
