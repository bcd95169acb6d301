"""Runs for baselines and calibrations, made up: known seconds of each analyzer, beside known other work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clipbench.bench.runs.results import MetricValue, Result, TargetResult
from tests.support.stored_results import a_result


def a_saved_result(
    rtf: Sequence[float] = (1.0, 1.01, 0.99, 1.005, 0.995),
    number: int = 1,
    other_cores: float | None = 0.0,
    interrupted: bool = False,
    cores: int = 2,
    quality: float | None = 0.9,
    **seconds: float | None,
) -> Result:
    """A run with these samples of rtf_warm; analyzers by name with their seconds, None if it failed."""
    times: dict[str, float | None] = {"steady": 1.0, "sleeper": 2.0, **seconds}
    result = a_result(
        list(rtf),
        run={
            "id": f"run{number}",
            "started_at": f"2026-01-{number:02d}T00:00:00+00:00",
            "interrupted": interrupted,
            "other_cores": other_cores,
            "other_cores_reason": "" if other_cores is not None else "no core counts",
        },
        environment={"cores_allowed": cores},
    )
    like = result.analyzers["text"]
    return replace(
        result,
        analyzers={
            name: replace(like, status="ok" if s else "timeout", analyze_s=[s or 0.0] * len(rtf))
            for name, s in times.items()
        },
        metrics=[
            result.metric("rtf_warm"),
            MetricValue("quality.steady.f1", quality, "", "higher", [], "" if quality else "no truth"),
        ],
        targets=[TargetResult("quality.steady.f1", ">=", 0.8, quality, "", "pass")],
    )
