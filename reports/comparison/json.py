"""comparison.json: all of a comparison that a script may need, without the runs themselves."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clipbench.bench.comparing.candidates import CandidateRun
    from clipbench.bench.comparing.comparison import Comparison, MetricComparison
    from clipbench.bench.comparing.pareto import Front

SCHEMA = 1


def as_json(comparison: Comparison) -> dict[str, Any]:
    """The content of comparison.json."""
    c = comparison
    return {
        "schema": SCHEMA,
        "reference": c.reference.name,
        "metric": c.metric,
        "confidence": c.confidence,
        "recommendation": dataclasses.asdict(c.recommendation),
        "mismatches": c.mismatches,
        "warnings": c.warnings,
        "sides": [
            {
                "name": candidate.name,
                "grouping": candidate.first.run.grouping,
                "executor": candidate.first.run.executor,
                "workers": candidate.first.run.workers,
                "threads": candidate.first.run.threads,
                "predicted": candidate.first.run.simulated is not None,
                "runs": [run_json(run) for run in candidate.runs],
                "verdicts": [run.result.verdict for run in candidate.runs],
                "failures": candidate.failures,
                "lost": candidate.lost(),
                "noise": c.noise[candidate.name].value,
                "noise_from": c.noise[candidate.name].source,
                "targets": [dataclasses.asdict(t) for t in c.targets[candidate.name]],
            }
            for candidate in c.candidates
        ],
        "failed": [{"name": candidate.name, "failures": candidate.failures} for candidate in c.failed],
        "metrics": [row_json(row) for row in c.metrics],
        "quality": [row_json(row) for row in c.quality],
        "front": None if c.front is None else front_json(c.front),
        "pairs": [{"reference": a, "other": b, **d.as_json()} for (a, b), d in c.pairs.items()],
        "analyzers": {
            name: [
                {
                    "analyzer": m.analyzer,
                    "reference_s": m.reference_s,
                    "other_s": m.other_s,
                    "change_s": m.change_s,
                    **m.difference.as_json(),
                }
                for m in rows
            ]
            for name, rows in c.analyzers.items()
        },
    }


def front_json(front: Front) -> dict[str, Any]:
    """Latency against cost, all of it predicted."""
    points = [{**dataclasses.asdict(point), "best": not point.beaten_by} for point in front.points]
    return {"predicted": True, **dataclasses.asdict(front), "points": points}


def run_json(run: CandidateRun) -> dict[str, Any]:
    """Which run it is, and how many cores other work took during it."""
    found = run.result.run
    return {"path": str(run.path), "id": found.id, "other_cores": found.other_cores}


def row_json(row: MetricComparison) -> dict[str, Any]:
    """One metric with its value in each candidate."""
    return {
        "metric": row.metric,
        "unit": row.unit,
        "better": row.better,
        "sides": {
            name: {
                "value": value.value,
                "samples": value.samples,
                "reason": value.reason,
                "difference": row.differences[name].as_json() if name in row.differences else None,
            }
            for name, value in row.values.items()
        },
    }
