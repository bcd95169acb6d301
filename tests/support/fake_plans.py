"""Plans of fake analyzers (tests/support/fake_analyzers), and observers that keep what they are told."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clipbench.analyzers import registry
from clipbench.executors import registry as executors
from clipbench.executors.base import Plan
from clipbench.executors.layout import Group, Machine, Task

FOLDER = Path(__file__).resolve().parent / "fake_analyzers"
FAKES = FOLDER / "fakes.py"


def use_fakes(monkeypatch) -> None:
    """Let this process and the workers that it spawns find the fakes."""
    monkeypatch.setenv("CLIPBENCH_PLUGINS", os.pathsep.join(map(str, (FAKES, FOLDER / "mistaken.py"))))
    monkeypatch.syspath_prepend(FAKES.parent)


def task(name: str, among: tuple[str, ...], **settings) -> Task:
    """A task for the fake `name`, reading what it names of the others."""
    cls = registry.discover()[name]
    return Task.of(cls(cls.settings_type(**settings)), tuple(u for u in cls.upstream if u in among))


def plan(*names: str, **options) -> Plan:
    """One group with these fakes."""
    return grouped({"all": names}, **options)


def grouped(
    groups: dict[str, tuple[str, ...]], executor: str = "threads", replicas: int = 1, **options
) -> Plan:
    """These fakes in these groups, as the plan of an executor on two cores; the first has `replicas`.

    `options` are fields of the plan, or settings of the executor, which has one thread per worker.
    """
    among = tuple(name for names in groups.values() for name in names)
    made = [
        Group(name, "cpu", tuple(task(n, among) for n in names), replicas=1 if number else replicas)
        for number, (name, names) in enumerate(groups.items())
    ]
    fields = {f.name for f in dataclasses.fields(Plan)}
    return planned(
        made,
        executor,
        {"threads": 1, **{key: value for key, value in options.items() if key not in fields}},
        **{key: value for key, value in options.items() if key in fields},
    )


def planned(groups: Sequence[Group], executor: str, settings: Mapping[str, Any], **fields) -> Plan:
    """The plan of an executor for these groups on a machine with two cores."""
    cls = executors.strategy(executor)
    chosen = cls.settings_type(**settings)
    return Plan(tuple(groups), cls.layout(groups, Machine(2, (0, 1)), chosen), chosen, **fields)


class Notes:
    """An observer and a progress display that remembers."""

    def __init__(self) -> None:
        self.spans, self.begun, self.done, self.shown = [], [], [], []
        self.clips, self.chunks = [], []

    def began(self, worker, analyzer, phase):
        self.begun.append((analyzer, phase))

    def ended(self, span):
        self.spans.append(span)

    def passes(self, number, of, warmup, analyzers, width=None):
        self.shown.append((number, of, warmup))

    def opened(self, clip, duration_s, chunk_s, chunked):
        self.clips.append((clip, duration_s, chunk_s, tuple(chunked)))

    def fed(self, span):
        self.chunks.append((span.clip, span.analyzer, span.chunk))

    def finished(self, clip, outcome):
        self.done.append(outcome.analyzer)
