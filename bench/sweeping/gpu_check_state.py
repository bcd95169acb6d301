"""gpu-check.json: what is kept of the runs of a GPU check, and how it is written and read back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clipbench.bench.errors import InputError
from clipbench.bench.runs.results import Environment, Result
from clipbench.bench.runs.serialization import from_json, to_json
from clipbench.bench.runs.storage import write_json

SCHEMA = 1
FILE, PAGE = "gpu-check.json", "gpu-check.md"
#: Metrics of a run that are kept.
METRICS = (
    "rtf_cold", "rtf_warm", "throughput", "efficiency", "gpu_utilization", "sm_activity", "gpu_memory_peak",
    "gpu_memory_residue", "ready_again_s", "energy_per_clip", "success_rate", "rss_peak",
)  # fmt: skip
#: What is kept of an analyzer's result.
ANALYZER = ("status", "device", "model", "load_s", "analyze_s", "facts", "retried", "reason")


#: Of a field that is not in the file if it is None.
LEFT_OUT = {"optional": True}


@dataclass(frozen=True)
class CheckedRun:
    """What is kept of a run; the fields are its keys in gpu-check.json, without those that are None.

    `status` is the run's verdict, or "failed" or "not run" with the reason. `unchanged` says which analyzers
    were compared with the reference, and which found something else.
    """

    overrides: list[str]
    status: str
    reason: str
    seconds: float | None = field(default=None, metadata=LEFT_OUT)
    metrics: dict[str, Any] | None = field(default=None, metadata=LEFT_OUT)
    devices: dict[str, str] | None = field(default=None, metadata=LEFT_OUT)
    cleanup: dict[str, Any] | None = field(default=None, metadata=LEFT_OUT)
    analyzers: dict[str, Any] | None = field(default=None, metadata=LEFT_OUT)
    unchanged: dict[str, Any] | None = field(default=None, metadata=LEFT_OUT)


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
        """Whether every run was made and has told something."""
        return all(run.metrics is not None for run in self.runs.values())


def summary(run: CheckedRun, result: Result) -> CheckedRun:
    """The run, with what is kept of its result."""
    metrics = {m.name: m for m in result.metrics}
    return dataclasses.replace(
        run,
        status=result.verdict,
        reason=result.verdict_reason,
        metrics={
            name: {key: getattr(metrics[name], key) for key in ("value", "unit", "samples", "reason")}
            for name in METRICS
        },
        devices={group.name: group.device for group in result.run.groups},
        cleanup=to_json(result.run.cleanup),
        analyzers={name: {key: getattr(a, key) for key in ANALYZER} for name, a in result.analyzers.items()},
    )


def segments_in(place: Path) -> dict[str, Any]:
    """Analyzer → its segments, as a run has written them."""
    files = (place / "segments").glob("*.json")
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


def unchanged(
    reference: Mapping[str, Any] | None, found: Mapping[str, Any], names: Iterable[str]
) -> dict[str, Any]:
    """Which analyzers among `names` were compared with the reference, and which found something else."""
    if reference is None:
        return {"compared": None, "differing": None, "reason": "the embedded run has no result"}
    compared = sorted(name for name in names if name in reference and name in found)
    return {
        "compared": compared,
        "differing": [n for n in compared if found[n] != reference[n]],
        "reason": "",
    }


def write(check: GpuCheck, folder: Path) -> None:
    """Write gpu-check.json into `folder`: whole, or not at all."""
    write_json(folder / FILE, to_json(check))


def read(folder: Path) -> GpuCheck:
    """The check in `folder`; raises InputError if there is none."""
    path = folder / FILE
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["schema"] != SCHEMA:
            raise ValueError(f"it is of schema {raw['schema']}, this version of clipbench reads {SCHEMA}")
        return from_json(GpuCheck, raw)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a GPU check ({error}); run gpu_check.py anew") from error
