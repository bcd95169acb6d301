"""report.html: a run to show to others, in one file that fetches nothing.

`python -m clipbench.reports.run.html RUN` makes it again from the result of a run.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

from clipbench.bench.runs.results import AnalyzerResult, MetricValue, Result, TargetResult
from clipbench.reports import formatting
from clipbench.reports.drawing import charts, timeline_layout
from clipbench.reports.drawing.html_page import environment, timeline_svg
from clipbench.reports.rerender import make_again

#: The metrics that are shown large.
KEY = ("rtf_warm", "throughput", "rtf_cold", "gpu_utilization", "efficiency", "success_rate", "rss_peak")


def write(result: Result, folder: Path) -> Path:
    """Write report.html of `result` into `folder`; returns its path. Raises OSError where it cannot."""
    path = folder / "report.html"
    path.write_text(render(result), encoding="utf-8")
    return path


def render(result: Result) -> str:
    """The page."""
    targets = formatting.in_order(result.targets)
    parts = [
        (name, timeline_svg(result, window))
        for name, window in timeline_layout.windows(result)
        if result.spans
    ]
    rtf = next((m for m in result.metrics if m.name == "rtf_warm"), None)
    target = next((t for t in result.targets if t.metric == "rtf_warm"), None)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            result=result,
            run=defaultdict(lambda: None, result.run),
            tiles=tiles(result.metrics),
            targets=result.targets,
            promises=[(t, charts.meter(t)) for t in targets if formatting.prominent(t)],
            others=[t for t in targets if not formatting.prominent(t)],
            baseline=formatting.baseline(result.run.get("baseline")),
            timelines=parts,
            phases=phases_seen(result),
            zooms=timeline_layout.ZOOMS,
            over_time=charts.over_time(result),
            rows=rows(result),
            rtf=rtf,
            strip=charts.strip(rtf.samples, target) if rtf and len(rtf.samples) > 1 else None,
            metrics=[m for m in result.metrics if not m.name.startswith("quality.")],
            environment=formatting.environment(result.environment),
        )
    )


def tiles(metrics: list[MetricValue]) -> list[MetricValue]:
    """The metrics of KEY that were measured; the first of them in any case."""
    found = {m.name: m for m in metrics if m.value is not None or m.name == KEY[0]}
    return [found[name] for name in KEY if name in found]


def phases_seen(result: Result) -> list[str]:
    """The phases that are no analysis, in the order in which they came."""
    return [p for p in dict.fromkeys(s["phase"] for s in result.spans) if p != "analyze"]


def rows(result: Result) -> list[dict[str, Any]]:
    """The analyzers: those that went wrong first, then by what they took."""
    targets = {t.metric: t for t in result.targets}
    times = {name: median(a.analyze_s) if a.analyze_s else None for name, a in result.analyzers.items()}
    total = sum(t for t in times.values() if t) or 1.0

    def place(item: tuple[str, AnalyzerResult]) -> tuple[bool, float]:
        return item[1].status == "ok", -(times[item[0]] or 0.0)

    return [
        {
            "name": name,
            "outcome": a,
            "seconds": times[name],
            "share": 100 * (times[name] or 0.0) / total,
            "repeats": charts.columns(a.analyze_s) if len(a.analyze_s) > 1 else [],
            "quality": [
                (label, m, judged(targets.get(m.name)))
                for label, m in formatting.quality(name, result.metrics)
            ],
        }
        for name, a in sorted(result.analyzers.items(), key=place)
    ]


def judged(target: TargetResult | None) -> str:
    """The status of a quality figure's target; "" where it has none."""
    return target.status if target else ""


if __name__ == "__main__":
    make_again("report.html", write)
