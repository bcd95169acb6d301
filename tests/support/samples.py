"""Results of runs that never were, for tests of the reports: their numbers mean nothing."""

from __future__ import annotations

import math

from clipbench.bench.runs.results import AnalyzerResult, MetricValue, Result, TargetResult
from clipbench.reports.drawing.colours import COLOURS

NAMES = sorted(COLOURS)
#: Text as a video, a file name or a configuration may hold it.
HOSTILE = (
    '<script>alert(1)</script><img src=x onerror=alert(2)> "quo\'tes" ]]> a|b `c` *d* [e](f)\n'
    "# g\x00\x1b[31m\u202eh\ud800</textarea></style></svg>&lt;{{ 7 * 7 }}"
)
LONG = "very long " * 2000


def a_run(workers: int = 2, repeats: int = 5, gpus: int = 0) -> Result:
    """The twenty analyzers on so many workers: a warm-up, then so many repeats; sampled on so many GPUs."""
    spans, passes, t = [], [], 0.0
    for number in range(repeats + 1):
        ends = []
        spans.append(span("decoder", "", "decode", t, t + 0.4, number))
        for w in range(workers):
            at = t + (0.3 if number else 2.0)
            if not number:
                spans += [span(f"w{w}", "", "spawn", 0, 0.5, 0), span(f"w{w}", "", "import", 0.5, 1.5, 0)]
                spans.append(span(f"w{w}", NAMES[w], "load", 1.5, 2.0, 0))
            for i, name in enumerate(NAMES[w::workers]):
                took = 0.002 if i == 3 else 0.05 + 0.1 * (i % 5) + 0.01 * math.sin(number)
                spans.append(span(f"w{w}", name, "analyze", at, at + took, number))
                at += took + 0.001
            ends.append(at)
        passes.append({"warmup": number == 0, "clip": "a.mp4", "start_s": t, "end_s": max(ends)})
        t = max(ends) + 0.02
    spans.append(span("w0", "", "cleanup", t, t + 0.1, None))
    samples = [(p["end_s"] - p["start_s"]) / 2 for p in passes[1:]]
    figures = {name: MetricValue(f"quality.{name}.f1", 0.9, "", "higher") for name in NAMES}
    return Result(
        run={
            "id": "5fe19769756e", "started_at": "2026-11-22T16:50:09+00:00", "interrupted": False,
            "command": "python run.py grouping=staged", "grouping": "staged", "executor": "gpu_pinned",
            "threads": 2, "workers": workers, "models": "embedded", "seed": 0, "passes": passes,
            "groups": [
                {"name": f"w{w}", "device": "cpu", "cpus": [w], "analyzers": NAMES[w::workers]}
                for w in range(workers)
            ],
            "scenario": {"name": "single_stream", "warmup": 1, "repeats": repeats, "in_flight": 1},
            "clip": {
                "path": "a.mp4", "sha256": "ab" * 32, "duration_s": 2.0, "width": 720, "height": 1280,
                "fps": 30.0, "has_audio": True,
            },
            "cleanup": {"mode": "exit", "workers": {"w0": "gone"}},
        },
        environment={
            "machine": "x86_64", "cpu": "AMD EPYC", "cores": 8, "cores_allowed": 2, "memory_gb": 25.3,
            "gpus": [{"name": "NVIDIA H100", "memory_gb": 80.0, "driver": "580.1"}] * gpus
            or {"reason": "no NVIDIA driver"},
            "os": "Linux", "python": "3.11.7", "packages": {"torch": "2.13.0"}, "git_commit": "0f" * 20,
            "git_dirty": True,
        },
        metrics=[
            MetricValue("rtf_warm", sorted(samples)[len(samples) // 2], "", "lower", samples),
            MetricValue("success_rate", 100.0, "%", "higher", [100.0] * repeats),
            MetricValue("gpu_utilization", None, "%", "higher", [], "no worker of this run was on a GPU"),
            *figures.values(),
        ],
        targets=[
            TargetResult("rtf_warm", "<", 3.0, samples[0], "", "pass"),
            TargetResult("gpu_utilization", "between", [85.0, 95.0], None, "%", "not_measured", "no GPU"),
            *(TargetResult(f.name, ">=", 0.5, 0.9, "", "pass") for f in figures.values()),
        ],
        verdict="pass",
        verdict_reason="21 of 22 targets are met, 1 was not measured",
        analyzers={
            name: AnalyzerResult(
                "ok", ["net"], {}, None, f"w{i % workers}", f"w{i % workers}", "cpu", 0.1,
                [s["end_s"] - s["start_s"] for s in spans if s["analyzer"] == name and s["clip"]],
                3, "person ×2, cup", {"f1": 0.9},
            )
            for i, name in enumerate(NAMES)
        },
        spans=spans,
        telemetry=telemetry(t + 0.7, gpus),
    )  # fmt: skip


def span(worker: str, analyzer: str, phase: str, start: float, end: float, clip: int | None) -> dict:
    return {
        "worker": worker,
        "analyzer": analyzer,
        "phase": phase,
        "start_s": start,
        "end_s": end,
        "clip": clip,
    }


def telemetry(until: float, gpus: int) -> dict:
    """As the sampler leaves it: five samples a second, of GPUs one a second, the last without SM activity."""
    times = [round(0.2 * n, 3) for n in range(1, int(until / 0.2))]
    slow = times[::5]
    memory = [4e10 + 1e9 * (n % 7) for n, _ in enumerate(times)]
    devices = [
        {
            "ordinal": n, "index": n, "mig": False, "name": "NVIDIA H100",
            "figures": {
                "utilization_percent": {"times_s": slow, "values": [None, *[90.0 - 9 * n] * (len(slow) - 1)]},
                "memory_used_bytes": {"times_s": times, "values": memory},
                "power_w": {"times_s": slow, "values": [300 + 50 * math.sin(t) for t in slow]},
            },
            "reasons": {"sm_activity_percent": "NVML: Not Supported"},
        }
        for n in range(gpus)
    ]  # fmt: skip
    return {
        "times_s": times,
        "cpu_percent": [100 + 80 * math.sin(t) for t in times],
        "rss_bytes": [2e9 * (1 - math.exp(-t)) for t in times],
        "gpu": {"devices": devices} if gpus else {"reason": "no NVIDIA driver"},
        "sampler": {"interval_s": 0.2, "cpu_percent": 0.5},
    }


def all_red(run: Result) -> Result:
    """The same with every target missed."""
    for t in run.targets:
        t.status, t.observed, t.reason = "fail", 4.0 if t.op == "<" else 0.1, ""
    run.verdict, run.verdict_reason = "fail", f"missed: {', '.join(t.metric for t in run.targets)}"
    return run


def hostile(run: Result, text: str = HOSTILE) -> Result:
    """The same with `text` wherever text comes from outside."""
    run.run |= {"command": text, "grouping": text, "executor": text, "models": text}
    run.run["clip"] = run.run["clip"] | {"path": text}
    run.run["groups"] = [{"name": text, "device": text, "cpus": [], "analyzers": [text]}]
    run.run["cleanup"] = {"mode": text, "workers": {text: text}}
    run.run["baseline"] = {"mode": "compare", "call": text, "path": text, "runs": 5, "reason": text}
    run.environment |= {"cpu": text, "os": text, "packages": {text: text}, "gpus": {"reason": text}}
    run.warnings = [text]
    run.verdict_reason = text
    for metric in run.metrics:
        metric.reason = text
    for target in run.targets:
        target.reason = text
    for a in run.analyzers.values():
        a.headline = a.reason = a.error = a.worker = a.retried = a.stand_in = text
        a.model = [text]
    lost = run.analyzers[NAMES[0]]
    lost.status = "failed"
    run.analyzers[text] = lost
    for one in run.spans:
        one["worker"] = text
        one["analyzer"] = text if one["analyzer"] == NAMES[1] else one["analyzer"]
    run.telemetry["gpu"] = {"reason": text}
    return run
