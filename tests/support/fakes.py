"""Plans of fake analyzers (tests/support/fake_analyzers), and observers that keep what they are told."""

from __future__ import annotations

from pathlib import Path

from clipbench.analyzers import registry
from clipbench.executors.base import Group, Plan, Task

FAKES = Path(__file__).resolve().parent / "fake_analyzers" / "fakes.py"


def use_fakes(monkeypatch) -> None:
    """Let this process and the workers that it spawns find the fakes."""
    monkeypatch.setenv("CLIPBENCH_PLUGINS", str(FAKES))
    monkeypatch.syspath_prepend(FAKES.parent)


def task(name: str, among: tuple[str, ...], **settings) -> Task:
    """A task for the fake `name`, reading what it names of the others."""
    cls = registry.discover()[name]
    return Task(name, cls.settings_type(**settings), tuple(u for u in cls.upstream if u in among))


def plan(*names: str, **options) -> Plan:
    """One group with these fakes."""
    return grouped({"all": names}, **options)


def grouped(groups: dict[str, tuple[str, ...]], **options) -> Plan:
    """These fakes in these groups."""
    among = tuple(name for names in groups.values() for name in names)
    made = [Group(g, "cpu", tuple(task(n, among) for n in names)) for g, names in groups.items()]
    return Plan(tuple(made), **{"threads": 1, "workers": len(made), **options})


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
