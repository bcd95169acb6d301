"""The twenty analyzers in a hand-written loop: what the harness is compared with to see what it costs.

No executor, no spans, no telemetry, no containment of failures: one decoded clip, `analyze` after `analyze`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from clipbench.analyzers import registry
from clipbench.analyzers.base import Analyzer, ClipView, NothingToAnalyze, Segment
from clipbench.analyzers.threads import limit
from clipbench.bench.clips.decoding import decode
from clipbench.executors.base import now
from clipbench.executors.layout import Task


class Bare:
    """A contestant: `once` returns the seconds that a pass took and what it found."""

    def __init__(self, tasks: Sequence[Task], threads: int) -> None:
        """`tasks` with each after those that it reads."""
        limit(threads)
        self.tasks, self.threads = tasks, threads
        self.analyzers = {task.analyzer: loaded(task) for task in tasks}
        self.needs = [analyzer.needs() for analyzer in self.analyzers.values()]

    def once(self, path: Path) -> tuple[float, dict[str, list[Segment]]]:
        """One pass over the clip at `path`, decoding included."""
        begun = now()
        with decode(path, self.needs, self.threads) as clip:
            results: dict[str, list[Segment]] = {}
            for task in self.tasks:
                upstream = {name: results[name] for name in task.upstream}
                results[task.analyzer] = found(self.analyzers[task.analyzer], clip, upstream)
            return now() - begun, results

    def close(self) -> None:
        """Drop the models."""
        for analyzer in self.analyzers.values():
            analyzer.unload()


def loaded(task: Task) -> Analyzer:
    """The analyzer of `task`, on the CPU."""
    analyzer = registry.create(task.analyzer, task.settings)
    analyzer.load("cpu")
    return analyzer


def found(analyzer: Analyzer, clip: ClipView, upstream: dict[str, list[Segment]]) -> list[Segment]:
    """What `analyzer` finds; no segments where there is nothing to analyze."""
    try:
        return analyzer.analyze(clip, upstream)
    except NothingToAnalyze:
        return []
