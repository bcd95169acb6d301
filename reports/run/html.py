"""report.html: a run to show to others, in one file that loads nothing from elsewhere.

`python -m clipbench.reports.run.html RUN` makes it again from the result of a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from clipbench.bench.measuring import metrics
from clipbench.bench.runs.results import MetricValue, Result
from clipbench.reports import formatting, load, repeats
from clipbench.reports.drawing import charts, timeline_svg
from clipbench.reports.drawing.html_page import template_environment
from clipbench.reports.drawing.over_time import over_time
from clipbench.reports.rerender import rerender
from clipbench.reports.run import clip_rows, prediction_rows, shot_frames
from clipbench.reports.run.analyzer_rows import AnalyzerRow, analyzer_rows, run_metrics
from clipbench.reports.run.busy_line import busy_line
from clipbench.reports.run.helping import HOW, helping
from clipbench.reports.run.meanings import explained, meanings

#: A strip of latencies has at most this many dots.
MAX_DOTS = 500
#: And the table of clips at most this many rows.
MAX_CLIPS = 500


@dataclass(frozen=True)
class HtmlRow:
    """One analyzer, with a bar for each repeat where there are several.

    `segments` is the link to what it found, "" where that is not one file of its own; `profiles` are the
    links to its profiles, each with its label.
    """

    analyzer: AnalyzerRow
    repeats: list[charts.RepeatBar]
    segments: str
    profiles: list[tuple[str, str]]


def write(result: Result, folder: Path, run: Path | None = None) -> Path:
    """Write report.html of `result` into `folder`; returns its path. Raises OSError if it cannot.

    What lies beside the result, as frames and segments do, is read in the folder `run` (None: the same one).
    """
    path = folder / "report.html"
    path.write_text(render(result, run or folder), encoding="utf-8")
    return path


def render(result: Result, run: Path | None = None) -> str:
    """The page, with the frames that are in the folder `run`, if one is given."""
    targets, measured = formatting.missed_first(result.targets), not result.run.simulated
    windows = timeline_svg.named_windows(result) if result.spans else []
    rtf = next((m for m in result.metrics if m.name == "rtf_warm"), None)
    clips = clip_rows.clip_rows(result)
    template = template_environment().get_template("report.html.j2")
    return template.render(
        result=result,
        run=result.run,
        load=load.of_run(result),
        repeats=repeats.line(result.run.scenario),
        tiles=tiles(result.metrics),
        targets=result.targets,
        prominent=[(t, charts.meter(t)) for t in targets if formatting.is_prominent(t)],
        others=formatting.alike([t for t in targets if not formatting.is_prominent(t)]),
        baseline=formatting.baseline_sentences(result.run.baseline),
        timelines=[(name, timeline_svg.timeline_svg(result, window)) for name, window in windows],
        prediction_title=prediction_rows.title(measured),
        prediction_heads=prediction_rows.heads(measured),
        prediction_rows=[
            row.cells(measured)
            for row in (prediction_rows.prediction_rows(result.prediction) if result.prediction else [])
        ],
        prediction_sentences=prediction_rows.sentences(result.prediction) if result.prediction else [],
        phases=phases_seen(result),
        zooms=timeline_svg.ZOOMS,
        over_time=over_time(result),
        stills=shot_frames.stills(result, run),
        rows=html_rows(result),
        rtf=rtf,
        strip=strip(result, "rtf_warm", rtf.samples if rtf else [], "repeat"),
        latency_strip=strip(result, f"latency_p{result.run.scenario.percentile}", latencies(result), "clip"),
        clips=clips,
        clip_heads=clip_rows.HEADS,
        about_clips=clip_rows.about(result, clips, MAX_CLIPS),
        most_clips=MAX_CLIPS,
        metrics=run_metrics(result),
        meanings=meanings(result),
        helping=helping(result),
        how_helping=HOW,
        explained=explained,
        busy=busy_line(result.run.utilization),
        environment=formatting.environment_rows(result.environment),
    )


def tiles(values: Sequence[MetricValue]) -> list[MetricValue]:
    """The metrics that are shown large, those that were measured; the first of them in any case."""
    places = {metric.name: metric.tile for metric in metrics.discover() if metric.tile is not None}
    first = min(places, key=places.__getitem__)
    found = [m for m in values if m.name in places and (m.value is not None or m.name == first)]
    return sorted(found, key=lambda m: places[m.name])


def strip(result: Result, metric: str, values: Sequence[float], what: str) -> charts.RepeatStrip | None:
    """A dot for each of the values of a metric, with the limits on it; None for fewer than two."""
    target = next((t for t in result.targets if t.metric == metric), None)
    unit = next((m.unit for m in result.metrics if m.name == metric), "")
    return charts.repeat_strip(values, target, what, unit) if len(values) > 1 else None


def latencies(result: Result) -> list[float]:
    """The latency of each clip, in the order of arrival; of many clips the highest of each few."""
    passes = [(p.arrived_s, p.end_s) for p in result.run.passes if p.arrived_s is not None]
    found = [end_s - arrived_s for arrived_s, end_s in sorted(passes)]
    return [max(part) for part in charts.evenly_split(found, MAX_DOTS)]


def phases_seen(result: Result) -> list[str]:
    """The phases that are not analysis, in the order in which they came."""
    return [p for p in dict.fromkeys(s.phase for s in result.spans) if p != "analyze"]


def html_rows(result: Result) -> list[HtmlRow]:
    """The analyzers: those that failed first, then by the seconds they took."""
    rows = sorted(analyzer_rows(result), key=lambda row: (row.ok, -(row.seconds or 0.0)))
    return [
        HtmlRow(
            row,
            charts.repeat_bars(row.outcome.analyze_s) if len(row.outcome.analyze_s) > 1 else [],
            "" if row.simulated or len(result.run.clips) != 1 else quote(f"segments/{row.name}.json"),
            [(quote(p), Path(p).suffix) for p in result.run.profiles.get(row.name, [])],
        )
        for row in rows
    ]


if __name__ == "__main__":
    rerender("report.html", write)
