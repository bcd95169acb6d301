"""comparison.html, comparison.md and comparison.json: sides held against each other, to decide from.

They show a comparison.Comparison and work nothing out themselves but where things are drawn.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from clipbench.bench.runs.results import TargetResult, write_json
from clipbench.reports import formatting
from clipbench.reports.drawing import timeline_layout
from clipbench.reports.drawing.html_page import environment, timeline_svg
from clipbench.reports.drawing.sample_axis import strips

if TYPE_CHECKING:
    from markupsafe import Markup

    from clipbench.bench.comparing.candidates import Side
    from clipbench.bench.comparing.comparison import Comparison, Moved, Row
    from clipbench.bench.comparing.statistics import Difference

SCHEMA = 1
#: Up to so many sides there is a table of every pair.
ALL_PAIRS = 8
#: Metrics that are times or rates, so that better is faster.
SPEED = ("rtf_warm", "rtf_cold", "throughput", "ready_again_s")
#: Call → the sign that goes with its colour.
SIGNS = {"faster": "▲", "better": "▲", "slower": "▼", "worse": "▼", "same": "=", "undecided": "?"}


def write(comparison: Comparison, folder: Path) -> dict[str, Path]:
    """Write the three files into `folder`; returns their paths by html, md and json. Raises OSError where
    that cannot be done."""
    from clipbench.reports.comparison.markdown import render as markdown

    paths = {kind: folder / f"comparison.{kind}" for kind in ("html", "md", "json")}
    folder.mkdir(parents=True, exist_ok=True)
    write_json(paths["json"], as_json(comparison))
    paths["md"].write_text(markdown(comparison), encoding="utf-8")
    paths["html"].write_text(render(comparison), encoding="utf-8")
    return paths


def render(comparison: Comparison) -> str:
    """The page."""
    return (
        environment()
        .get_template("comparison.html.j2")
        .render(
            c=comparison,
            sides=comparison.sides,
            others=[s for s in comparison.sides if s is not comparison.reference],
            word=word,
            call_signs=SIGNS,
            strips=strips(comparison),
            timelines=timelines(comparison),
            moved={name: split(rows) for name, rows in comparison.moved.items()},
            targets=target_rows(comparison),
            environment=formatting.environment(comparison.reference.first.environment),
            interval=interval,
            change=change,
            covering=covering(comparison),
            lost=[(s.name, name, why) for s in comparison.sides for name, why in s.lost().items()],
            all_pairs=2 < len(comparison.sides) <= ALL_PAIRS,
        )
    )


def word(metric: str, call: str) -> str:
    """A call for a reader: what takes less memory is not faster, but better."""
    return call if metric in SPEED else {"faster": "better", "slower": "worse"}.get(call, call)


def interval(difference: Difference) -> str:
    """The ratio and its interval: "×0.76 (0.74 … 0.79)"; "" where there is no ratio."""
    found = difference.as_json()
    if found["ratio"] is None:
        return ""
    ends = f" ({difference.low:.3g} … {difference.high:.3g})" if found["low"] is not None else ""
    return f"×{difference.ratio:.3g}{ends}"


def covering(comparison: Comparison) -> str:
    """What the intervals are: "90 % interval"."""
    return f"{100 * comparison.confidence:.0f} % interval"


def change(seconds: float) -> str:
    """Seconds more or less: "+2.00 s", "−0.3 ms"."""
    return f"{'−' if seconds < 0 else '+'}{formatting.seconds(abs(seconds))}"


def split(moved: list[Moved]) -> tuple[list[Moved], list[Moved]]:
    """The analyzers that moved beyond noise, and the others."""
    sure = [m for m in moved if m.difference.call in ("faster", "slower")]
    return sure, [m for m in moved if m not in sure]


def timelines(comparison: Comparison) -> list[tuple[Side, str, Markup]]:
    """The pass of median length of each side, all on one time axis: (side, its length, picture)."""
    windows = [(side, *typical(side)) for side in comparison.sides]
    windows = [(side, result, window) for side, result, window in windows if result.spans]
    longest = max((end - start for _, _, (start, end) in windows), default=0.0)
    return [
        (side, formatting.seconds(window[1] - window[0]), timeline_svg(result, window, longest))
        for side, result, window in windows
    ]


def typical(side: Side) -> tuple[Any, tuple[float, float]]:
    """The run of a side whose typical pass is nearest to the median over its runs, and that pass."""
    found = [(run.result, timeline_layout.typical_pass(run.result)) for run in side.runs]
    middle = median(end - start for _, (start, end) in found)
    return min(found, key=lambda one: abs(one[1][1] - one[1][0] - middle))


def target_rows(comparison: Comparison) -> list[tuple[TargetResult, dict[str, TargetResult]]]:
    """Each target with how it stands in each side, those that a side misses first."""
    found: dict[str, dict[str, TargetResult]] = {}
    for name, targets in comparison.targets.items():
        for target in targets:
            found.setdefault(target.metric, {})[name] = target
    rows = [(next(iter(by_side.values())), by_side) for by_side in found.values()]
    return sorted(rows, key=lambda row: all(t.status != "fail" for t in row[1].values()))


def as_json(comparison: Comparison) -> dict[str, Any]:
    """All of the comparison that scripts may want, without the runs themselves."""
    c = comparison
    return {
        "schema": SCHEMA,
        "reference": c.reference.name,
        "metric": c.metric,
        "confidence": c.confidence,
        "recommendation": dataclasses.asdict(c.advice),
        "mismatches": c.mismatches,
        "warnings": c.warnings,
        "sides": [
            {
                "name": side.name,
                "grouping": side.first.run["grouping"],
                "executor": side.first.run["executor"],
                "workers": side.first.run["workers"],
                "threads": side.first.run["threads"],
                "runs": [{"path": str(run.path), "id": run.result.run["id"]} for run in side.runs],
                "verdicts": [run.result.verdict for run in side.runs],
                "failures": side.failures,
                "lost": side.lost(),
                "noise": c.noise[side.name][0],
                "noise_from": c.noise[side.name][1],
                "targets": [dataclasses.asdict(t) for t in c.targets[side.name]],
            }
            for side in c.sides
        ],
        "failed": [{"name": side.name, "failures": side.failures} for side in c.failed],
        "metrics": [row_json(row) for row in c.rows],
        "quality": [row_json(row) for row in c.quality],
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
            for name, rows in c.moved.items()
        },
    }


def row_json(row: Row) -> dict[str, Any]:
    """One metric of all sides."""
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
