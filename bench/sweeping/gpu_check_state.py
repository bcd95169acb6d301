"""gpu-check.json: what is kept of the runs of a GPU check, and how it is written and read back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clipbench.bench.errors import InputError
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import AnalyzerResult, Cleanup, Environment, Result, quality_of
from clipbench.bench.runs.serialization import to_json
from clipbench.bench.runs.storage import read_kept, write_json

SCHEMA = 1
FILE, PAGE = "gpu-check.json", "gpu-check.md"
#: Metadata of a field that is not in the file if it is None.
LEFT_OUT = {"optional": True}


@dataclass(frozen=True)
class CheckedMetric:
    """What is kept of a metric, as in results.MetricValue."""

    value: float | None
    unit: str
    samples: list[float]
    reason: str


@dataclass(frozen=True)
class CheckedAnalyzer:
    """What is kept of an analyzer, as in results.AnalyzerResult."""

    status: str
    device: str
    model: list[str]
    load_s: float | None
    analyze_s: list[float]
    facts: dict[str, Any]
    retried: str
    reason: str


@dataclass(frozen=True)
class Unchanged:
    """The analyzers that were `compared` with the reference, and those of them that found something else.

    Both are None, with the reason, if there is nothing to compare with.
    """

    compared: list[str] | None
    differing: list[str] | None
    reason: str = ""


@dataclass(frozen=True)
class CheckedRun:
    """What is kept of a run; the fields are its keys in gpu-check.json, without those that are None.

    `status` is the run's verdict, or "failed" or "not run" with the reason. `devices` are by group.
    """

    overrides: list[str]
    status: str
    reason: str
    seconds: float | None = field(default=None, metadata=LEFT_OUT)
    metrics: dict[str, CheckedMetric] | None = field(default=None, metadata=LEFT_OUT)
    devices: dict[str, str] | None = field(default=None, metadata=LEFT_OUT)
    cleanup: Cleanup | NotMeasured | None = field(default=None, metadata=LEFT_OUT)
    analyzers: dict[str, CheckedAnalyzer] | None = field(default=None, metadata=LEFT_OUT)
    unchanged: Unchanged | None = field(default=None, metadata=LEFT_OUT)


@dataclass
class GpuCheck:
    """All that gpu-check.json holds; its fields are the file's keys, and `runs` are by title."""

    environment: Environment
    budget_s: float
    started_at: str
    runs: dict[str, CheckedRun] = field(default_factory=dict)
    schema: int = SCHEMA

    @property
    def complete(self) -> bool:
        """Whether every run was made and has a result."""
        return all(run.metrics is not None for run in self.runs.values())


def summary(run: CheckedRun, result: Result) -> CheckedRun:
    """The run, with what is kept of its result."""
    return dataclasses.replace(
        run,
        status=result.verdict,
        reason=result.verdict_reason,
        metrics={
            m.name: CheckedMetric(m.value, m.unit, m.samples, m.reason)
            for m in result.metrics
            if quality_of(m.name) is None
        },
        devices={group.name: group.device for group in result.run.groups},
        cleanup=result.run.cleanup,
        analyzers={name: checked_analyzer(found) for name, found in result.analyzers.items()},
    )


def checked_analyzer(found: AnalyzerResult) -> CheckedAnalyzer:
    """What is kept of an analyzer's result."""
    kept = {f.name: getattr(found, f.name) for f in dataclasses.fields(CheckedAnalyzer)}
    return CheckedAnalyzer(**kept)


def segments_in(place: Path) -> dict[str, Any]:
    """Analyzer → its segments, as a run has written them."""
    files = (place / "segments").glob("*.json")
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


def unchanged(
    reference: Mapping[str, Any] | None, found: Mapping[str, Any], names: Iterable[str]
) -> Unchanged:
    """Which analyzers among `names` were compared with the reference, and which found something else."""
    if reference is None:
        return Unchanged(None, None, "the embedded run has no result")
    compared = sorted(name for name in names if name in reference and name in found)
    return Unchanged(compared, [name for name in compared if found[name] != reference[name]])


def write(check: GpuCheck, folder: Path) -> None:
    """Write gpu-check.json into `folder`: whole, or not at all."""
    write_json(folder / FILE, to_json(check))


def read(folder: Path) -> GpuCheck:
    """The check in `folder`; raises InputError if there is none."""
    path = folder / FILE
    try:
        return read_kept(GpuCheck, path, SCHEMA)
    except ValueError as error:
        raise InputError(f"{path} is not a GPU check ({error}); run gpu_check.py anew") from error
