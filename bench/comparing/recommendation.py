"""One sentence from a comparison: which grouping and executor to use, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from clipbench.bench.comparing.candidates import Side
from clipbench.bench.comparing.statistics import CONFIDENCE, MIN_PAIRS, MIN_SAMPLES, Difference
from clipbench.bench.runs.results import TargetResult

#: Memory that differs by less than this factor is no reason to prefer one side.
SAME_MEMORY = 1.05
#: Things that a sentence names one by one; with more, it counts the rest.
MOST = 5


@dataclass(frozen=True)
class Advice:
    """`use` is the name of a side, None where none can be recommended; `sentence` says why, and `left_out`
    why which sides could not be chosen."""

    use: str | None
    sentence: str
    left_out: dict[str, str]


def advise(
    sides: Sequence[Side],
    metric: str,
    targets: Mapping[str, Sequence[TargetResult]],
    decide: Callable[[Side, Side], Difference],
) -> Advice:
    """Recommend one of `sides`, or none.

    Only a side that lost no run and no analyzer, and none of whose targets is missed, can be chosen. Of
    these it is the one with the best `metric`; where others are not told apart from it, that of them which
    takes the fewest workers, then the least memory. `targets` are by the side's name; `decide(reference,
    other)` is the difference in `metric`, asked for only where both have it.
    """
    left_out = {side.name: why for side in sides if (why := unfit(side, metric, targets.get(side.name, ())))}
    fit = [side for side in sides if side.name not in left_out]
    if not fit:
        why = listed([f"{name} {reason}" for name, reason in left_out.items()])
        return Advice(None, f"None can be recommended: {why}.", left_out)
    best = leading(fit, metric)
    kept = keeps(targets.get(best.name, ()))
    if len(sides) == 1:
        return Advice(None, f"Nothing to choose from: {called(best)} was compared with no other.", left_out)
    if len(fit) == 1:
        alone = f"it is the only one of {len(sides)} that can be chosen"
        return Advice(best.name, f"Use {called(best)}: {alone}; {kept}.", left_out)
    most = "highest" if best.metric(metric).better == "higher" else "lowest"
    calls = {side.name: decide(best, side) for side in fit if side is not best}
    if short := [few for d in calls.values() if (few := too_few(d))]:
        have, needed = min(short)
        return Advice(
            None,
            f"Nothing can be recommended yet: with {have} {'sample' if have == 1 else 'samples'} a side of "
            f"{metric} nothing is told apart (repeats={needed} or more); {called(best)} has the {most} so "
            f"far, {value(best, metric)}, which may be chance.",
            left_out,
        )
    close = [side for side in fit if side is not best and calls[side.name].call != "slower"]
    if not close:
        second = leading([side for side in fit if side is not best], metric)
        d = calls[second.name]
        return Advice(
            best.name,
            f"Use {called(best)}: its {metric} of {value(best, metric)} is the {most}; that of the "
            f"next, {called(second)}, is {d.ratio:.3g} times it ({100 * CONFIDENCE:.0f} % interval "
            f"{d.low:.3g} … {d.high:.3g}); {kept}.",
            left_out,
        )
    chosen, reason = thriftiest([best, *close], metric)
    others = listed([f"{called(side)} ({calls[side.name].call})" for side in close])
    more = "; more repeats may tell them apart" if any(d.call == "undecided" for d in calls.values()) else ""
    subject, it = (called(best), called(chosen)) if chosen is not best else ("it", "it")
    return Advice(
        chosen.name,
        f"Use {called(chosen)}: {subject} has the {most} {metric}, {value(best, metric)}, but is not told "
        f"apart from {others}, and of these {it} {reason}; {keeps(targets.get(chosen.name, ()))}{more}.",
        left_out,
    )


def unfit(side: Side, metric: str, targets: Sequence[TargetResult]) -> str:
    """Why this side cannot be recommended, or ""."""
    if not side.runs:
        return f"left no result ({side.failures[0] if side.failures else 'no run'})"
    if side.failures:
        return f"failed ({'; '.join(side.failures)})"
    if lost := side.lost():
        return f"lost {listed([f'{name} ({why})' for name, why in lost.items()])}"
    if missed := [t.metric for t in targets if t.status == "fail"]:
        return f"misses {listed(missed)}"
    if side.metric(metric).value is None:
        return f"has no {metric} ({side.metric(metric).reason})"
    return ""


def too_few(difference: Difference) -> tuple[int, int] | None:
    """How many samples there are and it takes, where a difference is undecided for want of them."""
    have, needed = min(difference.samples), MIN_PAIRS if difference.paired else MIN_SAMPLES
    return (have, needed) if difference.call == "undecided" and have < needed else None


def leading(sides: Sequence[Side], metric: str) -> Side:
    """The side with the best `metric`; the first of them where several have it."""
    sign = -1 if sides[0].metric(metric).better == "higher" else 1
    return min(sides, key=lambda side: sign * side.metric(metric).value)


def thriftiest(sides: Sequence[Side], metric: str) -> tuple[Side, str]:
    """The side with the fewest workers, then the least memory, then the best metric; and what decided."""
    workers = {side.name: side.first.run.workers for side in sides}
    few = [side for side in sides if workers[side.name] == min(workers.values())]
    if len(few) == 1:
        return few[0], f"takes the fewest workers ({min(workers.values())})"
    also = "" if len(few) == len(sides) else f"takes no more workers than any ({min(workers.values())}) and "
    for memory in ("gpu_memory_peak", "rss_peak"):
        figures = {side.name: side.metric(memory).value for side in few}
        if None in figures.values():
            continue
        least = min(figures.values())
        small = [side for side in few if figures[side.name] <= least * SAME_MEMORY]
        if len(small) == 1:
            return small[0], f"{also}takes the least memory ({memory} {value(small[0], memory)})"
        few = small
    alike = "" if also else ", workers and memory being alike"
    return leading(few, metric), f"{also}has the best {metric}{alike}"


def keeps(targets: Sequence[TargetResult]) -> str:
    """How a side that misses no target stands to its targets."""
    measured = sum(t.status == "pass" for t in targets)
    if not measured:
        return "none of its targets was measured" if targets else "no targets were set"
    absent = len(targets) - measured
    unknown = f" ({absent} {'was' if absent == 1 else 'were'} not measured)" if absent else ""
    return f"its {measured} measured {'target holds' if measured == 1 else 'targets hold'}{unknown}"


def called(side: Side) -> str:
    """What one would write to run this configuration, and the side's name where that says more."""
    run = side.first.run
    words = [f"grouping={run.grouping}", f"executor={run.executor}"]
    more = "" if set(side.name.split(",")) <= set(words) else side.name
    more = more.removeprefix(f"{','.join(words)} (").removesuffix(")")
    return " ".join(words) + (f" ({more})" if more else "")


def value(side: Side, metric: str) -> str:
    """A side's figure with its unit."""
    figure = side.metric(metric)
    return f"{figure.value:.3g} {figure.unit}".rstrip()


def listed(words: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c", "a, b, c and 7 more"."""
    if len(words) > MOST:
        words = [*words[: MOST - 1], f"{len(words) - MOST + 1} more"]
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
