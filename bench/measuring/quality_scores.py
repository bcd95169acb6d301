"""The quality figures of a run: scored for each clip that has a ground truth, and averaged over the clips."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path

from clipbench.bench import quality
from clipbench.bench.clips.clip_info import sha256
from clipbench.bench.errors import InputError
from clipbench.bench.measuring.record import Record
from clipbench.bench.quality.truth import is_odd
from clipbench.bench.runs.results import MetricValue
from clipbench.executors.base import Plan


@dataclass(frozen=True)
class QualityScores:
    """Every quality figure. `reason` says why there is no truth, or is "" where there is one."""

    figures: list[MetricValue]
    reason: str

    @property
    def unexpected(self) -> bool:
        """Whether a truth that was there could not be used, of which the user should be warned."""
        return self.reason not in ("", *quality.EXPECTED)


def score(record: Record, truth: str | None) -> QualityScores:
    """The figures of a run: for each the mean over the clips on which it was measured.

    `truth` is the file of the ground truth; None looks for one beside each clip.
    """
    settings = {task.analyzer: task.settings for task in record.plan.tasks()}
    meaningless = meaningless_results(record.plan)
    scored: list[list[MetricValue]] = []
    reason = quality.NO_PASS
    named, keys = Path(truth) if truth else None, quality.keys_of_plugins()
    for one in {p.clip.path: p for p in record.completed()}.values():
        labels, reason = quality.load_truth(Path(one.clip.path), named, one.clip.sha256, keys)
        if labels is not None:
            found = {name: list(o.segments) for name, o in one.outcomes.items() if o.status == "ok"}
            scored.append(quality.score(found, settings, labels, "", one.clip.duration_s, meaningless))
    if not scored:
        return QualityScores(quality.score({}, settings, None, reason, 0.0), reason)
    return QualityScores([mean(same) for same in zip(*scored, strict=True)], "")


def mean(figures: tuple[MetricValue, ...]) -> MetricValue:
    """One figure over several clips: the mean of those that were measured."""
    values = [m.value for m in figures if m.value is not None]
    if not values:
        return figures[0]
    return dataclasses.replace(figures[0], value=sum(values) / len(values), reason="")


def meaningless_results(plan: Plan) -> dict[str, str]:
    """Analyzer → why its results mean nothing: those of random weights, and those made from them."""
    reasons: dict[str, str] = {}
    for task in plan.tasks():
        of_random = [name for name in task.upstream if name in reasons]
        if task.random:
            reasons[task.analyzer] = "its weights are random"
        elif of_random:
            reasons[task.analyzer] = f"it reads {of_random[0]}, whose results mean nothing: random weights"
    return reasons


def check_found(clips: list[Path]) -> None:
    """Raise InputError, before anything is measured, for a clip whose own truth file has odd labels.

    A file of the same name that is for something else is left alone.
    """
    keys = quality.keys_of_plugins()
    for clip in clips:
        truth = clip.with_suffix(".json")
        if os.path.isfile(clip) and is_odd(truth, keys):
            digest = sha256(clip)
            if json.loads(truth.read_text(encoding="utf-8"))["clip"].get("sha256") == digest:
                quality.load_truth(clip, truth, digest, keys)


def check_truth(truth: Path, clips: list[Path]) -> None:
    """Raise InputError, before anything is measured, for a ground truth that is not that of the clip."""
    if not truth.exists():
        raise InputError(f"clip.truth: there is no file {truth}")
    if len(clips) > 1:
        raise InputError(
            f"clip.truth: {truth} is for one clip, and there are {len(clips)}; a .json of the same name "
            "beside each is found by itself"
        )
    if os.path.isfile(clips[0]):  # one that cannot be read is refused where it is opened
        quality.load_truth(clips[0], truth, sha256(clips[0]), quality.keys_of_plugins())
