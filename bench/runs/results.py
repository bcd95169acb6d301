"""result.json: its shape, and how it is written (atomically) and read back."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from clipbench.analyzers.base import Segment
from clipbench.bench.errors import InputError

SCHEMA = 1


@dataclass
class MetricValue:
    """A measured number, or None with the reason why there is none. `samples` are raw, one per repeat."""

    name: str
    value: float | None
    unit: str
    better: Literal["lower", "higher"]
    samples: list[float] = field(default_factory=list)
    reason: str = ""


@dataclass
class TargetResult:
    """A limit and how the run stands to it. `limit` is a number, or [low, high] for `between`."""

    metric: str
    op: str
    limit: float | list[float]
    observed: float | None
    unit: str
    status: Literal["pass", "fail", "not_measured"]
    reason: str = ""


@dataclass
class AnalyzerResult:
    """One analyzer over all measured passes; `analyze_s` has one value per pass, in seconds."""

    status: str
    model: list[str]
    weights: dict[str, str]
    stand_in: str | None
    group: str
    worker: str
    device: str
    load_s: float | None
    analyze_s: list[float]
    segments: int
    headline: str
    quality: dict[str, float | None] = field(default_factory=dict)
    reason: str = ""
    error: str = ""
    retried: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass
class Result:
    """Everything that a run leaves; the fields are the top-level keys of result.json."""

    run: dict[str, Any]
    environment: dict[str, Any]
    metrics: list[MetricValue]
    targets: list[TargetResult]
    verdict: Literal["pass", "fail", "invalid"]
    verdict_reason: str
    analyzers: dict[str, AnalyzerResult]
    spans: list[dict[str, Any]]
    telemetry: dict[str, Any]
    warnings: list[str] = field(default_factory=list)
    schema: int = SCHEMA

    def metric(self, name: str) -> MetricValue:
        """The metric called `name`; KeyError where the run has none of that name."""
        for metric in self.metrics:
            if metric.name == name:
                return metric
        raise KeyError(name)


def write(result: Result, segments: dict[str, list[Segment]], folder: Path) -> Path:
    """Write result.json and segments/*.json into `folder`; returns the path of result.json.

    Each file is there whole or not at all. Raises InputError where the folder cannot take them.
    """
    try:
        (folder / "segments").mkdir(parents=True, exist_ok=True)
        for name, found in segments.items():
            path = folder / "segments" / f"{name}.json"
            path.parent.mkdir(exist_ok=True)
            write_json(path, [dataclasses.asdict(s) for s in found])
        path = folder / "result.json"
        write_json(path, dataclasses.asdict(result))
    except OSError as error:
        raise InputError(f"the output folder {folder} cannot take the results: {error.strerror}") from error
    return path


def write_json(path: Path, value: Any) -> None:
    """Write `value` to a temporary file beside `path`, then move it there."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        # A name that is not UTF-8 has its bytes as lone surrogates, which become JSON's escapes.
        with partial.open("w", encoding="utf-8", errors="backslashreplace") as file:
            json.dump(value, file, indent=1, allow_nan=False, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read(path: Path) -> Result:
    """The result in `path` (result.json, or its folder); raises InputError where it is not one."""
    path = path / "result.json" if path.is_dir() else path
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no result of a run: {error}") from error
    if not isinstance(raw, dict) or raw.get("schema") != SCHEMA:
        raise InputError(f"{path} is not of schema {SCHEMA}, which this version of clipbench reads")
    raw["metrics"] = [MetricValue(**m) for m in raw["metrics"]]
    raw["targets"] = [TargetResult(**t) for t in raw["targets"]]
    raw["analyzers"] = {name: AnalyzerResult(**a) for name, a in raw["analyzers"].items()}
    return Result(**raw)


def link_latest(folder: Path, outputs: Path) -> None:
    """Point `outputs/latest` at `folder`, where `folder` is one of the project's own output folders."""
    folder = folder.resolve()
    if outputs.resolve() not in folder.parents:
        return
    link = outputs / f".latest-{os.getpid()}"
    with contextlib.suppress(OSError):  # a convenience, which no run is to fail for
        link.unlink(missing_ok=True)
        link.symlink_to(folder.relative_to(outputs.resolve()), target_is_directory=True)
        link.replace(outputs / "latest")


def check_folder(folder: Path) -> None:
    """Raise InputError now where `folder` could not take the results later."""
    probe = folder / ".clipbench-probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"\0" * 65536)
    except OSError as error:
        raise InputError(
            f"hydra.run.dir: {folder} cannot be written to ({error.strerror}); name another folder"
        ) from error
    finally:
        with contextlib.suppress(OSError):  # the folder itself is not there: said above
            probe.unlink(missing_ok=True)
