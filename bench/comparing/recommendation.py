"""One sentence from a comparison: which grouping and executor to use, and why."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from clipbench.bench.comparing.candidates import Candidate
from clipbench.bench.comparing.doubts import doubts, next_run
from clipbench.bench.comparing.statistics import Difference
from clipbench.bench.enough import enough
from clipbench.bench.measuring import metrics
from clipbench.bench.resampling import CONFIDENCE
from clipbench.bench.runs.results import MetricValue, TargetResult

#: Memory that differs by less than this factor is no reason to prefer one candidate.
SAME_MEMORY = 1.05
#: Things that a sentence names one by one; with more, it counts the rest.
MOST = 5

#: The difference in the main metric, given (reference, other); None if either has no value.
DifferenceOf = Callable[[Candidate, Candidate], Difference | None]


@dataclass(frozen=True)
class Recommendation:
    """Which candidate to use: its name, or None if none can be recommended; why, in a sentence.

    `left_out` says of the candidates that could not be chosen why.
    """

    use: str | None
    sentence: str
    left_out: dict[str, str]


def recommend(
    candidates: Sequence[Candidate],
    metric: str,
    targets: Mapping[str, Sequence[TargetResult]],
    difference: DifferenceOf,
    reference: Candidate | None = None,
) -> Recommendation:
    """Recommend one of `candidates`, or none.

    Only a candidate that lost no run and no analyzer and misses no target can be chosen: of these the one
    with the best `metric`. If others are the same, it is the one of them with the fewest workers, then the
    least memory. Where it is undecided whether they are, or the best, the chosen or the `reference` rests on
    too few samples or on a busy machine, none is, and the sentence says what to run next. `targets` are by
    the candidate's name; `difference` is asked for only between candidates that have a value.
    """
    left_out = {one.name: why for one in candidates if (why := unfit(one, metric, targets.get(one.name, ())))}
    fit = [one for one in candidates if one.name not in left_out]
    if not fit:
        why = enumerated([f"{name} {reason}" for name, reason in left_out.items()])
        return Recommendation(None, f"None can be recommended: {why}.", left_out)
    best = with_best(fit, metric)
    if len(candidates) == 1:
        sentence = f"Nothing to choose from: {named(best)} was compared with no other."
        return Recommendation(None, sentence, left_out)
    others = [one for one in fit if one is not best]
    if others:
        found = {one.name: d for one in others if (d := difference(best, one)) is not None}
        use, sentence = among(best, others, metric, found, targets)
    else:
        alone = f"it is the only one of {len(candidates)} that can be chosen"
        use = best.name
        sentence = f"Use {named(best)}: {alone}; {targets_kept(best, targets.get(best.name, ()))}."
    chosen = next((one for one in fit if one.name == use), None)
    if chosen is not None and (why := unsettled([best, chosen], reference, metric)):
        compared = [one for one in candidates if one.runs]
        return Recommendation(None, f"Nothing can be recommended yet: {why}; {next_run(compared)}.", left_out)
    return Recommendation(use, sentence, left_out)


def unsettled(chosen: Sequence[Candidate], reference: Candidate | None, metric: str) -> str:
    """Which of the chosen and the reference rest on too little to go by, and on what; "" if none does.

    A reference that lost runs or analyzers cannot be chosen however often it is measured.
    """
    asked = {
        f"{named(one)}, which would be chosen,": one for one in {one.name: one for one in chosen}.values()
    }
    names = [one.name for one in chosen]
    if reference and reference.name not in names and not reference.failures and not reference.lost():
        asked[f"{named(reference)}, the reference,"] = reference
    return "; ".join(f"{who} {why}" for who, one in asked.items() if (why := doubts(one, metric)))


def among(
    best: Candidate,
    others: Sequence[Candidate],
    metric: str,
    differences: Mapping[str, Difference],
    targets: Mapping[str, Sequence[TargetResult]],
) -> tuple[str | None, str]:
    """Which of several candidates to use, and the sentence; `best` has the best `metric` of them.

    `differences` are those of `others` from `best`, by name.
    """
    most = "highest" if best.metric(metric).better == "higher" else "lowest"
    so_far = f"{named(best)} has the {most} so far, {figure_text(best, metric)}, which may be chance"
    if short := [few for d in differences.values() if (few := too_few(d))]:
        have, needed = min(short)
        return None, (
            f"Nothing can be recommended yet: with {have} {'sample' if have == 1 else 'samples'} each of "
            f"{metric} no difference can be told, which takes {needed}; {so_far}; "
            f"{next_run([best, *others])}."
        )
    unclear = [one for one in others if is_open(differences[one.name])]
    if unclear:
        listed = "; ".join(f"{named(one)} ({differences[one.name].reason})" for one in unclear[:MOST])
        return None, (
            f"Nothing can be recommended yet: {so_far}, since it is undecided whether it is better than "
            f"{listed}; {next_run([best, *unclear])}."
        )
    close = [one for one in others if differences[one.name].call != "slower"]
    if not close:
        second = with_best(others, metric)
        d = differences[second.name]
        width = "error of the costs:" if d.predicted else f"{100 * CONFIDENCE:.0f} % interval"
        return best.name, (
            f"Use {named(best)}: its {metric} of {figure_text(best, metric)} is the {most}; that of the "
            f"next, {named(second)}, is {d.ratio:.3g} times it ({width} "
            f"{d.low:.3g} … {d.high:.3g}); {targets_kept(best, targets.get(best.name, ()))}."
        )
    chosen, reason = most_economical([best, *close], metric)
    alike = enumerated([f"{named(one)} ({differences[one.name].call})" for one in close])
    subject, it = (named(best), named(chosen)) if chosen is not best else ("it", "it")
    return chosen.name, (
        f"Use {named(chosen)}: {subject} has the {most} {metric}, {figure_text(best, metric)}, but cannot "
        f"be told apart from {alike}, and of these {it} {reason}; "
        f"{targets_kept(chosen, targets.get(chosen.name, ()))}."
    )


def is_open(difference: Difference) -> bool:
    """Whether more samples could tell what is undecided: not of predictions, nor of a ratio to 0."""
    return difference.call == "undecided" and not difference.predicted and not math.isinf(difference.low)


def unfit(candidate: Candidate, metric: str, targets: Sequence[TargetResult]) -> str:
    """Why this candidate cannot be recommended, or ""."""
    if not candidate.runs:
        return f"left no result ({candidate.failures[0] if candidate.failures else 'no run'})"
    if candidate.failures:
        return f"failed ({'; '.join(candidate.failures)})"
    if lost := candidate.lost():
        return f"lost {enumerated([f'{name} ({why})' for name, why in lost.items()])}"
    if missed := [t.metric for t in targets if t.status == "fail"]:
        return f"misses {enumerated(missed)}"
    if candidate.metric(metric).value is None:
        return f"has no {metric} ({candidate.metric(metric).reason})"
    return ""


def too_few(difference: Difference) -> tuple[int, int] | None:
    """How many samples there are and are needed, if a difference is undecided for lack of them."""
    have, needed = min(difference.samples), enough(difference.paired)
    if difference.predicted:
        return None  # more of them would be the same
    return (have, needed) if difference.call == "undecided" and have < needed else None


def value_of(found: MetricValue) -> float:
    """The value of a metric that is known to have one."""
    if found.value is None:
        raise ValueError(f"{found.name} was not measured: {found.reason}")
    return found.value


def with_best(candidates: Sequence[Candidate], metric: str) -> Candidate:
    """The candidate with the best `metric`; the first of them if several have it."""
    sign = -1 if candidates[0].metric(metric).better == "higher" else 1
    return min(candidates, key=lambda one: sign * value_of(one.metric(metric)))


def most_economical(candidates: Sequence[Candidate], metric: str) -> tuple[Candidate, str]:
    """The candidate with the fewest workers, the least memory, the best metric; and what decided."""
    workers = {one.name: one.first.run.workers for one in candidates}
    fewest = min(workers.values())
    left = [one for one in candidates if workers[one.name] == fewest]
    if len(left) == 1:
        return left[0], f"uses the fewest workers ({fewest})"
    also = "" if len(left) == len(candidates) else f"uses no more workers than any ({fewest}) and "
    for memory in metrics.memory_metrics():
        used = {one.name: v for one in left if (v := one.metric(memory).value) is not None}
        if len(used) < len(left):
            continue
        small = [one for one in left if used[one.name] <= min(used.values()) * SAME_MEMORY]
        if len(small) == 1:
            return small[0], f"{also}uses the least memory ({memory} {figure_text(small[0], memory)})"
        left = small
    alike = "" if also else ", workers and memory being alike"
    return with_best(left, metric), f"{also}has the best {metric}{alike}"


def targets_kept(candidate: Candidate, targets: Sequence[TargetResult]) -> str:
    """How a candidate that misses no target stands to its targets."""
    done = "predicted" if candidate.first.run.simulated else "measured"
    kept = sum(t.status == "pass" for t in targets)
    if not kept:
        return "none of its targets was measured" if targets else "no targets were set"
    absent = len(targets) - kept
    unknown = f" ({absent} {'was' if absent == 1 else 'were'} not measured)" if absent else ""
    return f"its {kept} {done} {'target holds' if kept == 1 else 'targets hold'}{unknown}"


def named(candidate: Candidate) -> str:
    """What one would write to run this configuration, and the candidate's name if that says more."""
    run = candidate.first.run
    words = [f"grouping={run.grouping}", f"executor={run.executor}"]
    more = "" if set(candidate.name.split(",")) <= set(words) else candidate.name
    more = more.removeprefix(f"{','.join(words)} (").removesuffix(")")
    return " ".join(words) + (f" ({more})" if more else "")


def figure_text(candidate: Candidate, metric: str) -> str:
    """A candidate's figure with its unit."""
    figure = candidate.metric(metric)
    return f"{value_of(figure):.3g} {figure.unit}".rstrip()


def enumerated(words: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c", "a, b, c and 7 more"."""
    if len(words) > MOST:
        words = [*words[: MOST - 1], f"{len(words) - MOST + 1} more"]
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
