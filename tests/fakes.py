"""Analyzers that do what a test tells them, and observers that keep what they are told."""

from __future__ import annotations

from analyzers.base import Analyzer, NothingToAnalyze, Segment
from executors.base import Group, Plan, Task


class Steady(Analyzer):
    """One segment over the whole clip, naming the upstream results it was given."""

    name = "steady"

    def analyze(self, clip, upstream):
        return [Segment(0.0, clip.duration_s, self.name, 1.0, {"read": sorted(upstream)})]


class Reader(Steady):
    name = "reader"
    upstream = ("steady", "raising")


class Raising(Steady):
    name = "raising"

    def analyze(self, clip, upstream):
        raise RuntimeError("a planted fault\nwith a second line")


class Hungry(Steady):
    name = "hungry"

    def analyze(self, clip, upstream):
        raise MemoryError("a planted lack of memory")


class Unloadable(Steady):
    name = "unloadable"

    def load(self, device="cpu"):
        raise FileNotFoundError("a planted missing file")


class Deaf(Steady):
    name = "deaf"

    def analyze(self, clip, upstream):
        raise NothingToAnalyze("the clip has no audio track")


KNOWN = {cls.name: cls for cls in (Steady, Reader, Raising, Hungry, Unloadable, Deaf)}


def plan(*names: str) -> Plan:
    """One group with these fakes, each reading what it names of the others."""
    tasks = [
        Task(n, KNOWN[n].settings_type(), tuple(u for u in KNOWN[n].upstream if u in names)) for n in names
    ]
    return Plan((Group("all", "cpu", tuple(tasks)),), threads=1)


class Notes:
    """An observer and a progress display that remembers."""

    def __init__(self) -> None:
        self.spans, self.begun, self.done, self.shown = [], [], [], []

    def began(self, worker, analyzer, phase):
        self.begun.append((analyzer, phase))

    def ended(self, span):
        self.spans.append(span)

    def passes(self, number, of, warmup, analyzers):
        self.shown.append((number, of, warmup))

    def finished(self, outcome):
        self.done.append(outcome.analyzer)
