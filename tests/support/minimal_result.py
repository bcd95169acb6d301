"""The smallest result that a run can leave."""

from __future__ import annotations

from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import (
    AnalyzerResult,
    ClipSummary,
    Environment,
    MetricValue,
    Result,
    RunSummary,
    TargetResult,
)
from clipbench.bench.runs.serving import ScenarioSummary


def a_result() -> Result:
    return Result(
        run=RunSummary(
            id="1",
            started_at="2026-01-31T12:00:00+00:00",
            command="python run.py",
            grouping="g",
            executor="e",
            threads=1,
            workers=1,
            models="m",
            scenario=ScenarioSummary("single_stream", 1, 2),
            clip=ClipSummary("a.mp4"),
        ),
        environment=Environment(machine="x86_64", cores_allowed=2),
        metrics=[MetricValue("rtf_warm", 1.5, "", "lower", [1.4, 1.6])],
        targets=[TargetResult("rtf_warm", "<", 3.0, 1.5, "", "pass")],
        verdict="pass",
        verdict_reason="",
        analyzers={
            "a": AnalyzerResult("ok", [], {}, None, "g", "main", "cpu", 0.1, [0.2], 1, "found", {"f1": None})
        },
        spans=[],
        telemetry=NotMeasured("the sampler was not run"),
    )
