"""Results as runs leave them, made up: for what reads results and runs nothing."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clipbench.bench.runs import storage
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import (
    AnalyzerResult,
    Environment,
    MetricValue,
    Result,
    RunSummary,
    TargetResult,
)
from clipbench.bench.runs.serialization import from_json, to_json
from clipbench.executors.base import Span

CLIP = {
    "path": "clips/a.mp4", "sha256": "ab" * 32, "duration_s": 10.0, "width": 720, "height": 1280,
    "fps": 30.0, "has_audio": True,
}  # fmt: skip
ENVIRONMENT = {
    "machine": "x86_64", "cpu": "AMD EPYC", "cores": 2, "cores_allowed": 2, "memory_gb": 25.3,
    "gpus": {"reason": "NVML: none"}, "os": "Linux", "python": "3.11.7",
    "packages": {"torch": "2.13.0", "numpy": "2.4.6"}, "git_commit": "f" * 40, "git_dirty": False,
}  # fmt: skip
#: Nine repeats of something that takes a second and varies by about one percent.
STEADY = (1.0, 1.006, 0.995, 1.011, 0.99, 1.003, 0.998, 1.008, 0.993)
NUMBERS = itertools.count(1)


def times(factor: float, samples: Sequence[float] = STEADY) -> list[float]:
    """The samples of something that takes `factor` times as long."""
    return [round(factor * x, 6) for x in samples]


def timed(samples: Sequence[float]) -> tuple[list[dict[str, Any]], list[Span]]:
    """The passes and the spans of a run with these real-time factors, after a warm-up."""
    passes: list[dict[str, Any]] = []
    spans, start = [], 0.0
    for n, rtf in enumerate([1.5, *samples]):
        passes.append({"warmup": n == 0, "clip": CLIP["path"], "start_s": start, "end_s": start + 10 * rtf})
        for k, name in enumerate(("text", "cuts")):
            begin = start + 5 * rtf * k
            spans.append(Span("main", name, "analyze", begin, begin + 5 * rtf, n))
        start += 10 * rtf + 0.01
    return passes, spans


def summary(grouping: str, executor: str, repeats: int, passes: list[dict[str, Any]]) -> RunSummary:
    """What the result says of the run; each has a number and a start of its own."""
    number = next(NUMBERS)
    raw = {
        "id": f"id{number}",
        "started_at": f"2026-01-31T12:{number // 60 % 60:02}:{number % 60:02}+00:00",
        "interrupted": False,
        "command": f"python run.py grouping={grouping} executor={executor}",
        "grouping": grouping,
        "executor": executor,
        "threads": 2,
        "workers": 1,
        "models": "embedded",
        "scenario": {"name": "single_stream", "warmup": 1, "repeats": repeats, "in_flight": 1},
        "faults": [],
        "profile": None,
        "seed": 0,
        "settings": {"text": {"fps": 2.0}, "cuts": {"fps": 10.0}},
        "clip": CLIP,
        "clips": [CLIP],
        "passes": passes,
    }
    return from_json(RunSummary, raw)


def a_result(
    samples: Sequence[float] = STEADY,
    *,
    grouping: str = "sequential",
    executor: str = "sequential",
    **changes: Any,
) -> Result:
    """A run whose `rtf_warm` has these samples, on a clip of 10 s, with two analyzers: `text` takes half of
    every pass, `cuts` the rest. `changes` are merged into it as it stands in result.json, key by key."""
    passes, spans = timed(samples)
    middle = sorted(samples)[len(samples) // 2] if samples else None
    analyzer = AnalyzerResult(
        "ok", ["net"], {"net": "cd" * 32}, None, "all", "main", "cpu", 0.1, times(5, samples), 3, "found"
    )
    result = Result(
        run=summary(grouping, executor, len(samples), passes),
        environment=from_json(Environment, ENVIRONMENT),
        metrics=[
            MetricValue("rtf_warm", middle, "", "lower", list(samples), "" if samples else "no repeats"),
            MetricValue("throughput", None, "", "higher", [], "one clip at a time"),
            MetricValue("success_rate", 100.0, "%", "higher", [100.0] * len(samples)),
            MetricValue("rss_peak", 2.0, "GB", "lower"),
            MetricValue("quality.text.recall", 0.9, "", "higher"),
        ],
        targets=[
            TargetResult("rtf_warm", "<", 3.0, middle, "", "pass"),
            TargetResult("throughput", ">", 1.0, None, "", "not_measured", "one clip at a time"),
        ],
        verdict="pass",
        verdict_reason="1 of 2 targets are met",
        analyzers={"text": analyzer, "cuts": dataclasses.replace(analyzer)},
        spans=spans,
        telemetry=NotMeasured("the sampler was not run"),
    )
    return from_json(Result, merged(to_json(result), to_json(changes)))


def merged(before: dict, after: dict) -> dict:
    """`before` with what `after` has, and so in the dictionaries in them."""
    inner = {
        k: merged(before[k], v)
        for k, v in after.items()
        if isinstance(v, dict) and isinstance(before.get(k), dict)
    }
    return {**before, **after, **inner}


def without(result: Result, analyzer: str, status: str = "crashed", reason: str = "by SIGSEGV") -> Result:
    """The run, in which `analyzer` gave nothing."""
    lost = dataclasses.replace(result.analyzers[analyzer], status=status, reason=reason, analyze_s=[])
    return dataclasses.replace(result, analyzers={**result.analyzers, analyzer: lost})


def missing_target(result: Result, metric: str = "rtf_warm") -> Result:
    """The run, under a target that it misses."""
    value = result.metric(metric).value
    return dataclasses.replace(result, targets=[TargetResult(metric, "<", value / 2, value, "", "fail")])


def written(result: Result, folder: Path) -> Path:
    """The folder of the run, written."""
    storage.write_result(result, {}, folder)
    return folder


def a_sweep(folder: Path, jobs: dict[str, list[Result | str]], **state: Any) -> Path:
    """The folder of a sweep: for each job its rounds, a result each or the reason why there is none."""
    turns = []
    for name, rounds in jobs.items():
        for number, one in enumerate(rounds, start=1):
            failed = isinstance(one, str)
            turns.append(
                {"job": name, "round": number, "state": "failed" if failed else "done"}
                | {"reason": one if failed else "", "code": 1 if failed else 0}
            )
            if not failed:
                written(one, folder / name / str(number))
    state = {"rounds": max(map(len, jobs.values())), **state}
    listed = [{"name": name, "given_up": ""} for name in jobs]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sweep.json").write_text(json.dumps({"schema": 1, "jobs": listed, "turns": turns} | state))
    return folder
