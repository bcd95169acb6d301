"""Results of runs that never were, for tests of the reports: their numbers mean nothing."""

from __future__ import annotations

import dataclasses
import math

from clipbench.bench.runs.baseline_outcome import Compared
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import (
    AnalyzerResult,
    Cleanup,
    ClipSummary,
    Environment,
    GpuSummary,
    GroupSummary,
    MetricValue,
    PassSummary,
    Result,
    RunSummary,
    TargetResult,
)
from clipbench.bench.runs.serving import ScenarioSummary
from clipbench.bench.runs.telemetry import GpuSeries, GpusTelemetry, GpuTelemetry, SamplerCost, Telemetry
from clipbench.executors.base import Span
from clipbench.reports.drawing.colours import COLOURS

NAMES = sorted(COLOURS)
#: Text as a video, a file name or a configuration may hold it.
HOSTILE = (
    '<script>alert(1)</script><img src=x onerror=alert(2)> "quo\'tes" ]]> a|b `c` *d* [e](f)\n'
    "# g\x00\x1b[31m\u202eh\ud800</textarea></style></svg>&lt;{{ 7 * 7 }}"
)
LONG = "very long " * 2000


def worked(workers: int, repeats: int) -> tuple[list[Span], list[PassSummary], float]:
    """The spans and passes of a run on so many workers, and when its cleanup began."""
    spans, passes, t = [], [], 0.0
    for number in range(repeats + 1):
        ends = []
        spans.append(Span("decoder", "", "decode", t, t + 0.4, number))
        for w in range(workers):
            at = t + (0.3 if number else 2.0)
            if not number:
                spans += [Span(f"w{w}", "", "spawn", 0, 0.5, 0), Span(f"w{w}", "", "import", 0.5, 1.5, 0)]
                spans.append(Span(f"w{w}", NAMES[w], "load", 1.5, 2.0, 0))
            for i, name in enumerate(NAMES[w::workers]):
                took = 0.002 if i == 3 else 0.05 + 0.1 * (i % 5) + 0.01 * math.sin(number)
                spans.append(Span(f"w{w}", name, "analyze", at, at + took, number))
                at += took + 0.001
            ends.append(at)
        passes.append(PassSummary(number == 0, t, max(ends), "a.mp4"))
        t = max(ends) + 0.02
    spans.append(Span("w0", "", "cleanup", t, t + 0.1, repeats))
    return spans, passes, t


def a_run(workers: int = 2, repeats: int = 5, gpus: int = 0) -> Result:
    """The twenty analyzers on so many workers: a warm-up, then so many repeats; sampled on so many GPUs."""
    spans, passes, t = worked(workers, repeats)
    samples = [(p.end_s - p.start_s) / 2 for p in passes[1:]]
    figures = {name: MetricValue(f"quality.{name}.f1", 0.9, "", "higher") for name in NAMES}
    return Result(
        run=RunSummary(
            id="5fe19769756e", started_at="2026-11-22T16:50:09+00:00",
            command="python run.py grouping=staged", grouping="staged", executor="gpu_pinned",
            threads=2, workers=workers, models="embedded", seed=0, passes=passes,
            groups=[GroupSummary(f"w{w}", "cpu", [w], NAMES[w::workers]) for w in range(workers)],
            scenario=ScenarioSummary("single_stream", 1, repeats),
            clip=ClipSummary("a.mp4", "ab" * 32, 2.0, 720, 1280, 30.0, has_audio=True),
            cleanup=Cleanup(
                mode="exit", workers={"w0": "gone"}, cleaned_s=t, observed_until_s=t, ready_again_s=0.1
            ),
        ),
        environment=Environment(
            machine="x86_64", cpu="AMD EPYC", cores=8, cores_allowed=2, memory_gb=25.3,
            gpus=[GpuSummary(name="NVIDIA H100", memory_gb=80.0, driver="580.1")] * gpus
            or NotMeasured("no NVIDIA driver"),
            os="Linux", python="3.11.7", packages={"torch": "2.13.0"}, git_commit="0f" * 20, git_dirty=True,
        ),
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
                [s.end_s - s.start_s for s in spans if s.analyzer == name and s.clip],
                3, "person ×2, cup", {"f1": 0.9},
            )
            for i, name in enumerate(NAMES)
        },
        spans=spans,
        telemetry=telemetry(t + 0.7, gpus),
    )  # fmt: skip


def telemetry(until: float, gpus: int) -> Telemetry:
    """As the sampler leaves it: five samples a second, of GPUs one a second, the last without SM activity."""
    times = [round(0.2 * n, 3) for n in range(1, int(until / 0.2))]
    slow = times[::5]
    memory = [4e10 + 1e9 * (n % 7) for n, _ in enumerate(times)]
    devices = [
        GpuTelemetry(
            ordinal=n, index=n, mig=False, name="NVIDIA H100",
            figures={
                "utilization_percent": GpuSeries(slow, [None, *[90.0 - 9 * n] * (len(slow) - 1)]),
                "memory_used_bytes": GpuSeries(times, memory),
                "power_w": GpuSeries(slow, [300 + 50 * math.sin(t) for t in slow]),
            },
            reasons={"sm_activity_percent": "NVML: Not Supported"},
        )
        for n in range(gpus)
    ]  # fmt: skip
    return Telemetry(
        times_s=times,
        cpu_percent=[100 + 80 * math.sin(t) for t in times],
        rss_bytes=[int(2e9 * (1 - math.exp(-t))) for t in times],
        gpu=GpusTelemetry(devices=devices) if gpus else NotMeasured("no NVIDIA driver"),
        sampler=SamplerCost(interval_s=0.2, cpu_percent=0.5),
    )


def all_red(run: Result) -> Result:
    """The same with every target missed."""
    for t in run.targets:
        t.status, t.observed, t.reason = "fail", 4.0 if t.op == "<" else 0.1, ""
    run.verdict, run.verdict_reason = "fail", f"missed: {', '.join(t.metric for t in run.targets)}"
    return run


def hostile(run: Result, text: str = HOSTILE) -> Result:
    """The same with `text` wherever text comes from outside."""
    about, place = run.run, run.environment
    about.command = about.grouping = about.executor = about.models = about.clip.path = text
    about.groups = [GroupSummary(text, text, [], [text])]
    about.cleanup = Cleanup(
        mode=text, workers={text: text}, cleaned_s=1.0, observed_until_s=2.0, ready_again_s=0.1
    )
    about.baseline = Compared(call=text, path=text, runs=5, reason=text)
    place.cpu = place.os = text
    place.packages, place.gpus = {text: text}, NotMeasured(text)
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
    run.spans = [
        dataclasses.replace(s, worker=text, analyzer=text if s.analyzer == NAMES[1] else s.analyzer)
        for s in run.spans
    ]
    run.telemetry.gpu = NotMeasured(text)
    return run


def interrupted() -> Result:
    """A run that was stopped in its first pass."""
    run = a_run()
    run.run.interrupted, run.run.passes, run.run.cleanup = True, [], NotMeasured("it was interrupted")
    run.spans = [s for s in run.spans if s.end_s < 2.5]
    run.metrics[0].value, run.metrics[0].samples, run.metrics[0].reason = None, [], "no repeat was run"
    run.verdict, run.verdict_reason = "invalid", "the run was interrupted"
    return run


def unsampled() -> Result:
    """A run whose sampler failed."""
    run = a_run()
    run.telemetry = NotMeasured("the sampler failed: no answer")
    return run


def offline() -> Result:
    """A run in which clips were processed at the same time."""
    run = a_run(repeats=3)
    for one in run.run.passes[2:]:
        one.start_s -= 0.5
    run.run.scenario = ScenarioSummary("offline", 1, 3, in_flight=2)
    return run
