"""The rows that the tables of an export have, and their columns.

Every row has the `run` that it is of, and whether that is `predicted`. What was not measured is None, with
its reason in a column of its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from clipbench.bench.file_names import readable

Cell = str | float | int | bool | None


@dataclass(frozen=True, kw_only=True)
class Row:
    """What every row begins with."""

    run: str
    predicted: bool


@dataclass(frozen=True, kw_only=True)
class RunRow(Row):
    """One run; columns for its metrics follow. `like` and `machine` are what a simulated one pretends."""

    started_at: str
    folder: str
    command: str
    grouping: str
    executor: str
    like: str | None
    machine: str | None
    models: str
    scenario: str
    warmup: int
    repeats: int
    clip: str
    clip_s: float | None
    threads: int
    workers: int
    profile: str | None
    interrupted: bool
    verdict: str
    verdict_reason: str
    cpu: str | None
    cores: int
    gpus: str
    clipbench: str | None
    git_commit: str | None
    git_dirty: bool | None
    prediction: str


@dataclass(frozen=True, kw_only=True)
class MetricRow(Row):
    """One metric of a run. A quality figure has its `analyzer`, and what that is a `stand_in` for, if it is
    one. `samples` is how many there are."""

    metric: str
    analyzer: str | None
    stand_in: str | None
    value: float | None
    unit: str
    better: str
    reason: str
    failed: bool
    samples: int
    lowest: float | None
    highest: float | None


@dataclass(frozen=True, kw_only=True)
class PassRow(Row):
    """One pass of a run, in seconds from the run's start; `latency_s` of a clip that arrived."""

    number: int
    warmup: bool
    clip: str
    start_s: float
    end_s: float | None
    wall_s: float | None
    arrived_s: float | None
    latency_s: float | None
    failed: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class AnalyzerRow(Row):
    """One analyzer of a run; `analyze_s` is the median of its measured passes."""

    analyzer: str
    status: str
    model: str
    stand_in: str | None
    group: str
    worker: str
    device: str
    load_s: float | None
    load_reason: str
    passes: int
    analyze_s: float | None
    lowest_s: float | None
    highest_s: float | None
    segments: int | None
    found: str
    reason: str
    error: str


@dataclass(frozen=True, kw_only=True)
class AnalyzerPassRow(Row):
    """One analyzer in one pass: the seconds of its spans, from `chunks` of the clip (0: from the whole)."""

    analyzer: str
    number: int
    warmup: bool
    clip: str
    status: str
    analyze_s: float | None
    chunks: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class TargetRow(Row):
    """One target. `low` and `high` are the ends of what is allowed; `op` says whether they are included."""

    metric: str
    op: str
    low: float | None
    high: float | None
    value: float | None
    unit: str
    status: str
    reason: str


#: Annotation of a field → the type of its column.
TYPES = {"str": "string", "float": "float64", "int": "Int64", "bool": "boolean"}


@dataclass(frozen=True)
class Table:
    """A table: its name, the type of each column in order (as pandas calls it), and its rows."""

    name: str
    columns: dict[str, str]
    rows: list[dict[str, Cell]]


def table(name: str, kind: type[Row], rows: Sequence[Row]) -> Table:
    """The table of rows of one kind."""
    return Table(name, columns_of(kind), [cells_of(row) for row in rows])


def columns_of(kind: type[Row]) -> dict[str, str]:
    """The columns of a kind of row, with their types."""
    return {f.name: TYPES[str(f.type).removesuffix(" | None")] for f in dataclasses.fields(kind)}


def cells_of(row: Row) -> dict[str, Cell]:
    """The cells of a row; all text can be written as UTF-8."""
    cells = {f.name: getattr(row, f.name) for f in dataclasses.fields(row)}
    return {name: readable(value) if isinstance(value, str) else value for name, value in cells.items()}
