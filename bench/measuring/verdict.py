"""The verdict of a run: pass, fail, incomplete where a promise was not measured, invalid for too little."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from clipbench.bench.errors import Exit
from clipbench.bench.file_names import readable
from clipbench.bench.measuring.gpu_metrics import Window, merged
from clipbench.bench.measuring.record import Record
from clipbench.bench.measuring.targets import not_allowed, unmeasured
from clipbench.bench.planning.config import GateConfig, MinimumConfig
from clipbench.bench.runs.results import Result, TargetResult, Verdict

#: How many analyzers, or lost clips, a verdict lists by name.
NAMED = 5


@dataclass(frozen=True)
class Decision:
    """A verdict, and the reason for it."""

    verdict: Verdict
    reason: str


def decide(
    record: Record,
    targets: Sequence[TargetResult],
    minimum: MinimumConfig,
    required: Collection[str] = (),
    not_covered: Collection[str] = (),
    interrupted: bool = False,
) -> Decision:
    """The verdict on a run.

    `required` are metrics that the gate requires and that were not measured: each is a missed target.
    A run passes if every target was measured and met. It is incomplete with a target that was not measured,
    or a clip that was lost, and also without analyzers that the grouping or the targets name, `not_covered`,
    unless `minimum` says how many are enough.
    """
    clips = lost_clips(record)
    if reason := why_invalid(record, minimum, interrupted):
        return Decision("invalid", "; ".join(filter(None, (reason, clips))))
    lost = sorted({o.analyzer for p in record.measured() for o in p.outcomes.values() if o.status != "ok"})
    without = f"; without {', '.join(lost)}" if lost else ""
    if missed := why_failed(targets, required):
        return Decision("fail", "; ".join(filter(None, (missed + without, clips))))
    if not any(t.status == "pass" for t in targets):
        return Decision("invalid", "no target was measured")
    unknown = unmeasured(targets)
    met = f"{len(targets) - len(unknown)} of {len(targets)} targets are met" + without
    covers = coverage(record, not_covered) if not_covered and minimum.analyzers is None else ""
    open_ = f"not measured: {', '.join(unknown)}" if unknown else ""
    quality = "quality is not predicted" if record.plan.pretended is not None else ""
    reason = "; ".join(filter(None, (clips, covers, met, open_, quality)))
    return Decision("incomplete" if covers or clips or unknown else "pass", reason)


def lost_clips(record: Record) -> str:
    """Which clips were lost, for people: "lost 1 of 10 clips (b.mp4)"; "" for none."""
    lost = [Path(clip.path).name for clip in record.lost]
    if not lost:
        return ""
    more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
    clips = len({readable(p.clip.path) for p in record.passes}.union(clip.path for clip in record.lost))
    return f"lost {len(lost)} of {clips} clips ({', '.join(lost[:NAMED])}{more})"


def coverage(record: Record, not_covered: Collection[str]) -> str:
    """What a run covers, for people: "covers 2 of 20 analyzers (color_analysis, cut_analysis)"."""
    names, missing = [task.analyzer for task in record.plan.tasks()], list(not_covered)
    shorter, word = (names, "") if len(names) <= len(missing) else (missing, "without ")
    more = f" and {len(shorter) - NAMED} more" if len(shorter) > NAMED else ""
    listed = f"{word}{', '.join(sorted(shorter)[:NAMED])}{more}"
    return f"covers {len(names)} of {len(names) + len(missing)} analyzers ({listed})"


def why_invalid(record: Record, minimum: MinimumConfig, interrupted: bool) -> str:
    """Why the run measured nothing that a verdict could be on, or ""."""
    if interrupted:
        return "the run was interrupted"
    if record.plan.profile[0]:
        return "a profiler was attached: its times are no measurement"
    if record.lost and not record.passes:
        return "no clip could be read"
    counted = record.measured() or record.completed()
    if not any(o.status == "ok" for p in counted for o in p.outcomes.values()):
        return "no analyzer succeeded"
    passes = [(p.start_s, p.end_s) for p in record.measured()]
    if short := shortfalls(len(record.plan.tasks()), [passes], minimum):
        done = "measured" if record.plan.pretended is None else "simulated"
        return f"too little was {done}: {', '.join(short)}"
    return ""


def why_failed(targets: Sequence[TargetResult], required: Collection[str]) -> str:
    """Which targets were missed, and which metrics were required but not measured, or ""."""
    failed = [t.metric for t in targets if t.status == "fail"]
    missed = [f"missed: {', '.join(failed)}"] if failed else []
    missed += [f"required, but not measured: {', '.join(sorted(required))}"] if required else []
    return "; ".join(missed)


def shortfalls(analyzers: int, runs: Sequence[Sequence[Window]], minimum: MinimumConfig) -> list[str]:
    """What there is less of than `minimum` requires, such as "2 of 5 repeats".

    `runs` has for each run the start and end of its measured passes, in seconds on a clock of its own.
    """
    repeats = sum(map(len, runs))
    seconds = round(sum(end - start for passes in runs for start, end in merged(passes)), 1)
    rows = (
        (analyzers, minimum.analyzers, "analyzers"),
        (repeats, minimum.repeats, "repeats"),
        (seconds, minimum.seconds, "seconds"),
    )
    return [f"{found:g} of {least:g} {what}" for found, least, what in rows if found < (least or 0)]


def exit_code(result: Result, gate: GateConfig) -> Exit:
    """What the run exits with by its verdict: with gate=report 0, unless nothing valid was measured.

    With gate=enforce, an incomplete run is as good as one that passed where the gate allows for all that was
    not measured. With gate=off it is 0 in any case.
    """
    if gate.mode == "off":
        return Exit.OK
    if gate.mode == "report":
        return Exit.NOTHING_VALID if result.verdict == "invalid" and measured_nothing(result) else Exit.OK
    if result.verdict == "invalid":
        return Exit.NOTHING_VALID
    if result.verdict == "fail":
        return Exit.TARGET_MISSED
    if not_allowed(result.targets, gate.allow_unmeasured):
        return Exit.NOTHING_VALID
    return Exit.OK


def measured_nothing(result: Result) -> bool:
    """Whether there is no pass to go by, or none of its analyzers succeeded."""
    counted = any(not each.warmup for each in result.run.passes)
    return not counted or all(each.status != "ok" for each in result.analyzers.values())


def exit_code_of_clips(result: Result, gate: GateConfig) -> Exit:
    """What a run exits with by the clips that it lost.

    With an enforced gate, each is the bad input that it would be alone. If all are lost, the gate decides
    nothing.
    """
    if not result.lost_clips:
        return Exit.OK
    if not result.run.clips:
        return Exit.NOTHING_VALID
    return Exit.BAD_INPUT if gate.mode == "enforce" else Exit.OK
