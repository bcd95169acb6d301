"""What a result says of each analyzer: its model, its times, what it found, how right that was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from clipbench.analyzers import weights
from clipbench.bench.clips.clip_info import sha256
from clipbench.bench.measuring.record import Record
from clipbench.bench.runs.results import AnalyzerResult, MetricValue
from clipbench.executors.base import Outcome
from clipbench.executors.layout import Task


def analyzer_results(record: Record, figures: Sequence[MetricValue]) -> dict[str, AnalyzerResult]:
    """Each analyzer over all measured passes; `figures` are the quality figures of the run."""
    return {task.analyzer: analyzer_result(task, record, figures) for task in record.plan.tasks()}


def analyzer_result(task: Task, record: Record, figures: Sequence[MetricValue]) -> AnalyzerResult:
    """One analyzer: every measured pass's time, and the findings of the worst pass, else of the last."""
    name = task.analyzer
    group = record.plan.group_of(name)
    device = group.device_of(name)
    passes = record.measured() or record.completed() or record.passes
    outcomes = [p.outcomes[name] for p in passes if name in p.outcomes]
    if not outcomes:
        reason = "no clip could be read" if record.lost else "the run was interrupted"
        outcomes = [Outcome(name, "skipped", group.name, device, reason=reason)]
    worst = next((o for o in outcomes if o.status != "ok"), outcomes[-1])
    loads = [s.end_s - s.start_s for s in record.spans if s.analyzer == name and s.phase == "load"]
    prefix = f"quality.{name}."
    return AnalyzerResult(
        status=worst.status,
        model=list(task.models),
        weights={model: digest for model in task.models if (digest := weights_digest(model))},
        stand_in=task.stand_in,
        group=group.name,
        worker=worst.worker,
        device=worst.device or device,
        load_s=loads[0] if loads else None,
        analyze_s=[o.analyze_s for o in outcomes if o.analyze_s is not None],
        segments=len(worst.segments) if record.plan.pretended is None else None,
        headline=worst.headline,
        quality={m.name.removeprefix(prefix): m.value for m in figures if m.name.startswith(prefix)},
        reason=worst.reason,
        error=worst.error,
        retried=worst.retried,
        facts=worst.facts,
        waits_for=[*task.upstream, *task.after],
        whole_frames=waits_for_all_frames(task),
    )


def waits_for_all_frames(task: Task) -> bool:
    """Whether an analyzer cannot begin before all frames of a clip are decoded."""
    return task.frames and not task.chunked


def weights_digest(model: str) -> str | None:
    """The SHA-256 on the model's card, or of a file of the user's own; None for what is not a file."""
    if weights.is_path(model):
        return own_file_digest(model)
    try:
        return weights.card(model).sha256
    except weights.ModelError:
        return None


def own_file_digest(model: str) -> str | None:
    """The SHA-256 of a model file of the user's own as it is now; None if it is not there."""
    path = Path(model).expanduser()
    return sha256(path) if path.is_file() else None
