"""The tables of some runs: what result.json says of each, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from clipbench.bench.file_names import readable
from clipbench.bench.measuring import metrics
from clipbench.bench.runs.results import AnalyzerResult, MetricValue, PassSummary, TargetResult, quality_of
from clipbench.reports import formatting
from clipbench.reports.export.exporter import ExportedRun
from clipbench.reports.export.rows import (
    AnalyzerPassRow,
    AnalyzerRow,
    MetricRow,
    PassRow,
    RunRow,
    Table,
    TargetRow,
    table,
)
from clipbench.reports.run.analyzer_rows import run_metrics

#: Unit → how it ends a column's name.
SUFFIXES = {"%": "percent", "1/s": "per_s", "GB": "gb", "J": "j"}


def tables(runs: Sequence[ExportedRun]) -> list[Table]:
    """All tables of some runs."""
    return [
        run_table(runs),
        table("metrics", MetricRow, [row for one in runs for row in metric_rows(one)]),
        table("passes", PassRow, [row for one in runs for row in pass_rows(one)]),
        table("analyzers", AnalyzerRow, [row for one in runs for row in analyzer_rows(one)]),
        table("analyzer_passes", AnalyzerPassRow, [row for one in runs for row in analyzer_pass_rows(one)]),
        table("targets", TargetRow, [row for one in runs for row in target_rows(one)]),
    ]


def run_table(runs: Sequence[ExportedRun]) -> Table:
    """A row for each run, with two columns for each metric of a run as a whole: its value, and why not."""
    found = table("runs", RunRow, [run_row(one) for one in runs])
    declared = {column(metric.name, metric.unit) for metric in metrics.METRICS}
    named = {column(m.name, m.unit): m.name for one in runs for m in run_metrics(one.result)}
    for name in sorted(named, key=lambda name: name not in declared):
        found.columns[name] = "float64"
        found.columns[f"{named[name]}_reason"] = "string"
    for one, row in zip(runs, found.rows, strict=True):
        row |= dict.fromkeys(found.columns.keys() - row.keys())
        for metric in run_metrics(one.result):
            row[column(metric.name, metric.unit)] = metric.value
            row[f"{metric.name}_reason"] = readable(metric.reason)
    return found


def column(metric: str, unit: str) -> str:
    """The name of a metric's column, which ends in its unit: rss_peak_gb, success_rate_percent."""
    suffix = SUFFIXES.get(unit, unit)
    return metric if not suffix or metric.endswith(f"_{suffix}") else f"{metric}_{suffix}"


def run_row(one: ExportedRun) -> RunRow:
    """The row of a run, without its metrics."""
    run, place = one.result.run, one.result.environment
    return RunRow(
        run=one.id,
        predicted=one.predicted,
        started_at=run.started_at,
        folder=str(one.folder),
        command=run.command,
        grouping=run.grouping,
        executor=run.executor,
        like=run.simulated.like if run.simulated else None,
        machine=run.simulated.machine.name if run.simulated else None,
        models=run.models,
        scenario=run.scenario.name,
        warmup=run.scenario.warmup,
        repeats=run.scenario.repeats,
        clip=run.clip.path,
        clip_s=run.clip.duration_s,
        threads=run.threads,
        workers=run.workers,
        profile=run.profile,
        interrupted=run.interrupted,
        verdict=one.result.verdict,
        verdict_reason=one.result.verdict_reason,
        cpu=place.cpu,
        cores=place.cores_allowed,
        gpus=", ".join(gpu.name for gpu in place.gpu_list()),
        clipbench=place.clipbench,
        git_commit=place.git_commit,
        git_dirty=place.git_dirty,
        prediction=formatting.prediction(run),
    )


def metric_rows(one: ExportedRun) -> list[MetricRow]:
    """A row for each metric of a run, quality figures included."""
    return [metric_row(one, metric) for metric in one.result.metrics]


def metric_row(one: ExportedRun, metric: MetricValue) -> MetricRow:
    """The row of a metric."""
    analyzer = quality_of(metric.name)
    about = one.result.analyzers.get(analyzer) if analyzer else None
    return MetricRow(
        run=one.id,
        predicted=one.predicted,
        metric=metric.name,
        analyzer=analyzer,
        stand_in=about.stand_in if about else None,
        value=metric.value,
        unit=metric.unit,
        better=metric.better,
        reason=metric.reason,
        failed=metric.failed,
        samples=len(metric.samples),
        lowest=min(metric.samples, default=None),
        highest=max(metric.samples, default=None),
    )


def pass_rows(one: ExportedRun) -> list[PassRow]:
    """A row for each pass of a run."""
    return [pass_row(one, number, each) for number, each in enumerate(one.result.run.passes)]


def pass_row(one: ExportedRun, number: int, each: PassSummary) -> PassRow:
    """The row of a pass; one that was interrupted has no end."""
    over = each.end_s > each.start_s
    arrived = each.arrived_s
    return PassRow(
        run=one.id,
        predicted=one.predicted,
        number=number,
        warmup=each.warmup,
        clip=each.clip,
        start_s=each.start_s,
        end_s=each.end_s if over else None,
        wall_s=each.end_s - each.start_s if over else None,
        arrived_s=arrived,
        latency_s=each.end_s - arrived if over and arrived is not None else None,
        failed=", ".join(f"{name}: {status}" for name, status in each.failed.items()),
        reason="" if over else "the run ended before this pass did",
    )


def analyzer_rows(one: ExportedRun) -> list[AnalyzerRow]:
    """A row for each analyzer of a run."""
    return [analyzer_row(one, name, found) for name, found in one.result.analyzers.items()]


def analyzer_row(one: ExportedRun, name: str, found: AnalyzerResult) -> AnalyzerRow:
    """The row of an analyzer."""
    taken = found.analyze_s
    unmeasured = "" if taken else "none of its passes was timed"
    return AnalyzerRow(
        run=one.id,
        predicted=one.predicted,
        analyzer=name,
        status=found.status,
        model=", ".join(found.model),
        stand_in=found.stand_in,
        group=found.group,
        worker=found.worker,
        device=found.device,
        load_s=found.load_s,
        load_reason="" if found.load_s is not None else "no loading of it was timed",
        passes=len(taken),
        analyze_s=median(taken) if taken else None,
        lowest_s=min(taken, default=None),
        highest_s=max(taken, default=None),
        segments=found.segments,
        found=found.headline,
        reason=found.reason or unmeasured,
        error=found.error,
    )


def analyzer_pass_rows(one: ExportedRun) -> list[AnalyzerPassRow]:
    """A row for each analyzer in each pass of a run."""
    seconds: dict[tuple[int, str], float] = {}
    chunks: dict[tuple[int, str], int] = {}
    for span in one.result.spans:
        if span.phase == "analyze":
            key = span.clip, span.analyzer
            seconds[key] = seconds.get(key, 0.0) + span.end_s - span.start_s
            chunks[key] = chunks.get(key, 0) + (0 if span.chunk is None else span.count)
    rows = []
    for number, each in enumerate(one.result.run.passes):
        for name in one.result.analyzers:
            status = each.failed.get(name, "ok")
            timed = (number, name) in seconds
            rows.append(
                AnalyzerPassRow(
                    run=one.id,
                    predicted=one.predicted,
                    analyzer=name,
                    number=number,
                    warmup=each.warmup,
                    clip=each.clip,
                    status=status,
                    analyze_s=seconds.get((number, name)),
                    chunks=chunks.get((number, name), 0),
                    reason="" if timed else "it was not timed in this pass",
                )
            )
    return rows


def target_rows(one: ExportedRun) -> list[TargetRow]:
    """A row for each target of a run."""
    return [target_row(one, target) for target in one.result.targets]


def target_row(one: ExportedRun, target: TargetResult) -> TargetRow:
    """The row of a target."""
    low, high = ends(target)
    return TargetRow(
        run=one.id,
        predicted=one.predicted,
        metric=target.metric,
        op=target.op,
        low=low,
        high=high,
        value=target.observed,
        unit=target.unit,
        status=target.status,
        reason=target.reason,
    )


def ends(target: TargetResult) -> tuple[float | None, float | None]:
    """The lowest and the highest value that a target allows; None where there is no such end."""
    if isinstance(target.limit, list):
        return target.limit[0], target.limit[1]
    return (target.limit, None) if target.op.startswith(">") else (None, target.limit)
