"""The quality figures of a run: scored for each clip that has a ground truth, and averaged over the clips."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clipbench.analyzers.base import Segment
from clipbench.bench import quality
from clipbench.bench.clips.clip_info import sha256
from clipbench.bench.errors import InputError
from clipbench.bench.measuring.pretending import NOTHING_RAN
from clipbench.bench.measuring.record import Record
from clipbench.bench.quality.truth import is_odd
from clipbench.bench.runs.results import MetricValue, quality_of
from clipbench.executors.base import Plan


@dataclass(frozen=True)
class QualityScores:
    """Every quality figure. `reason` says why there is no truth, or is "" where there is one.

    `silent` are the analyzers that found nothing in a clip though its truth has something: (path, analyzer).
    """

    figures: list[MetricValue]
    reason: str
    silent: frozenset[tuple[str, str]] = frozenset()

    @property
    def unexpected(self) -> bool:
        """Whether a truth that was there could not be used, of which the user should be warned."""
        return self.reason not in ("", *quality.EXPECTED)


@dataclass(frozen=True)
class OneClip:
    """What a run made of one clip: its length, the last segments by analyzer, and why others gave none."""

    path: str
    duration_s: float
    found: dict[str, list[Segment]] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)


def score(record: Record, truth: str | None) -> QualityScores:
    """The figures of a run: for each the mean over the clips that have a truth for it.

    A clip on which the analyzer failed, or which could not be read, counts as 0 where higher is better, and
    otherwise leaves the figure without a value. `truth` is the file of the ground truth; None looks for one
    beside each clip.
    """
    settings = {task.analyzer: task.settings for task in record.plan.tasks()}
    if record.plan.pretended is not None:
        return QualityScores(quality.score({}, settings, None, NOTHING_RAN.reason, 0.0, {}, {}), "")
    meaningless = meaningless_results(record.plan)
    scored: list[list[MetricValue]] = []
    silent: set[tuple[str, str]] = set()
    lost: dict[str, str] = {}
    reason = quality.NO_PASS
    named, keys = Path(truth) if truth else None, quality.keys_of_plugins()
    for one, checksum in clips(record):
        labels, reason = quality.load_truth(Path(one.path), named, checksum, keys)
        lost |= one.lost
        if labels is not None:
            scored.append(
                quality.score(one.found, settings, labels, "", one.duration_s, meaningless, one.lost)
            )
            empty = [name for name, found in one.found.items() if not found and name not in meaningless]
            silent |= {
                (one.path, name)
                for name in empty
                if quality.is_missed(name, settings[name], labels, one.duration_s)
            }
    for gone in record.lost:
        if beside := quality.labels_beside(Path(gone.path)):
            unread = dict.fromkeys(settings, f"{Path(gone.path).name} could not be read")
            scored.append(quality.score({}, settings, beside[0], "", beside[1], meaningless, unread))
    if not scored:
        return QualityScores(quality.score({}, settings, None, reason, 0.0, meaningless, lost), reason)
    figures = [over_clips(same) for same in zip(*scored, strict=True)]
    return QualityScores([promised(f, lost, meaningless) for f in figures], "", frozenset(silent))


def clips(record: Record) -> Iterator[tuple[OneClip, str]]:
    """What the run made of each clip, with the clip's SHA-256. One failure in any pass is a failure."""
    counted = record.measured() or record.completed()
    for path, last in {p.clip.path: p for p in record.completed()}.items():
        of_clip = [p for p in counted if p.clip.path == path] or [last]
        outcomes = [o for p in of_clip for o in p.outcomes.values()]
        lost = {o.analyzer: f"{o.analyzer} {o.status}: {o.reason}" for o in outcomes if o.status != "ok"}
        found = {name: list(o.segments) for name, o in last.outcomes.items() if name not in lost}
        yield OneClip(path, last.clip.duration_s, found, lost), last.clip.sha256


def over_clips(figures: Sequence[MetricValue]) -> MetricValue:
    """One figure over several clips: the mean over those that have a truth for it."""
    values = [m.value for m in figures if m.value is not None]
    failed = [m for m in figures if m.failed]
    if not values:
        return failed[0] if failed else figures[0]
    if not failed:
        return dataclasses.replace(figures[0], value=sum(values) / len(values), reason="", failed=False)
    labelled = len(values) + len(failed)
    told = f"on {len(failed)} of {labelled} labelled clips: {failed[0].reason}"
    if figures[0].better == "lower":
        return dataclasses.replace(failed[0], reason=f"nothing to measure {told}")
    return dataclasses.replace(figures[0], value=sum(values) / labelled, reason=f"0 {told}", failed=False)


def promised(figure: MetricValue, lost: Mapping[str, str], meaningless: Mapping[str, str]) -> MetricValue:
    """A figure without a value is failed where its analyzer was: a target on it is missed."""
    analyzer = quality_of(figure.name) or ""
    if figure.value is not None or figure.failed or analyzer not in lost or analyzer in meaningless:
        return figure
    return dataclasses.replace(figure, failed=True, reason=lost[analyzer])


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
        if os.path.isfile(clip) and is_odd(truth := clip.with_suffix(".json"), keys):
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
