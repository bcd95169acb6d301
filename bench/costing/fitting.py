"""From what was measured to costs: how seconds grow, what threads are worth, and what analyzers share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import mean, median

from clipbench.bench.costing import company
from clipbench.bench.costing.decoding_fit import decoding_cost
from clipbench.bench.costing.observed import (
    EMPTY,
    SAME_PART,
    SAME_S,
    SHARED,
    UNENDED,
    WITHOUT,
    Observed,
    StepKind,
    Timing,
)
from clipbench.executors.costs import AnalyzerCost, Costs, Growth, Work

#: Two sharers take the same part of what they share also where they differ by less than this fraction of all
#: that they take, since it is known as a difference of that.
NOISE = 0.1
#: Work of fewer seconds is too short to say what threads are worth.
LEAST_S = 0.002


def costs_of(found: Observed, base: Costs) -> Costs:
    """`base`, which names the machine, with the costs that were measured."""
    shared = found.shared_memos()
    names = [name for name in found.loadings if name not in found.failures]
    fitted = company.fit(found.pairs)
    levels = [level for memo in shared_names(shared) for level in levels_of(found, memo, shared)]
    derivations = {
        level.name: on_its_gpu(with_company(level.work, level.sharers, fitted), level.sharers, found)
        for level in levels
    }
    analyzers = {}
    for name in names:
        memo = SHARED if shared.get(name) else EMPTY
        work, windowed, window_s = chunk_work(found, name, memo)
        work = work or work_of(found, name, ("whole",), EMPTY) or Work()
        loading = found.loadings[name]
        analyzers[name] = AnalyzerCost(
            on_its_gpu(with_company(work, [name], fitted), [name], found),
            tuple(level.name for level in levels if name in level.sharers),
            with_company(work_of(found, name, ("finish",), EMPTY) or Work(), [name], fitted),
            loading.seconds,
            grown(loading.before_gb, loading.after_gb),
            peak_gb(found, name),
            loading.gpu_gb,
            windowed=on_its_gpu(with_company(windowed, [name], fitted), [name], found),
            window_s=window_s,
        )
    return replace(
        base,
        analyzers=analyzers,
        derivations=derivations,
        decoding=replace(
            decoding_cost(found.decoded),
            pressure=fitted.pressure.get(company.DECODING, 0.0),
            sensitivity=fitted.sensitivity.get(company.DECODING, 0.0),
        ),
        overheads=dict(found.overheads),
        spread=spread(found.timings),
        residual=fitted.residual,
        holdout=fitted.holdout,
        unknown=base.unknown | found.unknown | unknown(found),
    )


def unknown(found: Observed) -> dict[str, str]:
    """The fields that were not measured, and why."""
    reasons: dict[str, str] = {}
    if not any(pair.one == company.DECODING for pair in found.pairs):
        alone = "decoding was not measured in company"
        reasons |= {"decoding.pressure": alone, "decoding.sensitivity": alone}
    if not found.pairs:
        reason = "nothing ran side by side: that takes two cores"
        reasons |= {"pressure": reason, "sensitivity": reason}
    if not any(timing.threads > 1 for timing in found.timings):
        reasons["parallel"] = "nothing ran with two threads: that takes two cores"
    if all(timing.peak_gb is None for timing in found.timings):
        reasons["peak_gb"] = "the kernel does not let /proc/self/clear_refs be written"
    return reasons


def growth(timings: Sequence[Timing]) -> Growth:
    """Seconds by the length of a piece: what each piece takes, from the beginning of a clip in short pieces.

    The first long piece has the same content as the short ones: where these take longer together, it is for
    their number.
    """
    if not timings:
        return Growth()
    long_s = max(timing.chunk_s for timing in timings)
    long = [timing for timing in timings if timing.chunk_s == long_s]
    short = [timing for timing in timings if timing.chunk_s < long_s]
    mean_s, span_s = mean(t.typical_s for t in long), mean(t.span_s for t in long)
    fixed_s = 0.0
    covered = sum(t.span_s for t in short) / long[0].span_s
    if short and len(short) > covered:
        fixed_s = (sum(t.typical_s for t in short) - covered * long[0].typical_s) / (len(short) - covered)
    fixed_s = min(max(0.0, fixed_s), mean_s)
    return Growth(fixed_s, (mean_s - fixed_s) / span_s)


def parallel(one: Sequence[Timing], two: Sequence[Timing]) -> float:
    """The fraction of work that threads share, from the same pieces at one thread and at two."""
    at_two = {timing.piece: timing.typical_s for timing in two}
    both = [(timing.typical_s, at_two[timing.piece]) for timing in one if timing.piece in at_two]
    before_s, after_s = sum(a for a, _ in both), sum(b for _, b in both)
    if before_s < LEAST_S * len(both) or not both:
        return 0.0
    return min(1.0, max(0.0, 2 * (1 - after_s / before_s)))


def work_of(found: Observed, name: str, steps: Iterable[StepKind], memo: str) -> Work | None:
    """The work of an analyzer's steps with this memo; None where there are none."""
    steps = tuple(steps)
    one, two = (found.timings_of(name, steps, memo, threads) for threads in (1, 2))
    return Work(growth(one), parallel(one, two)) if one else None


def chunk_work(found: Observed, name: str, memo: str) -> tuple[Work | None, Work, float]:
    """The work of an analyzer's chunks, None where there are none, that of its windows, and their length.

    How long the windows are is not known where none is complete within the clip: they are as long as it is.
    """
    (chunks, windows), (chunks_2, windows_2) = (parted(found, name, memo, threads) for threads in (1, 2))
    if not chunks:
        return None, Work(), 0.0
    work = Work(growth(chunks), parallel(chunks, chunks_2))
    if not windows:
        return work, Work(), 0.0
    return work, Work(growth(windows), parallel(windows, windows_2)), windows[0].span_s


def parted(found: Observed, name: str, memo: str, threads: int) -> tuple[list[Timing], list[Timing]]:
    """The times of an analyzer's chunks while its clip goes on, and what the end of the clip adds to them."""
    feeds = found.timings_of(name, ("feed",), memo, threads)
    unended = {timing.piece: timing for timing in found.timings_of(name, ("unended",), memo, threads)}
    longest_s = max((timing.chunk_s for timing in feeds), default=0.0)
    clip_s = sum(timing.span_s for timing in feeds if timing.chunk_s == longest_s)
    chunks: list[Timing] = []
    windows: list[Timing] = []
    ends = found.ends(name)
    for timing in feeds:
        before = unended.get(timing.piece + UNENDED) if timing.piece in ends else None
        chunks.append(replace(before, piece=timing.piece) if before else timing)
        if before:
            more_s = max(0.0, timing.typical_s - before.typical_s)
            windows.append(replace(timing, span_s=clip_s, chunk_s=clip_s, seconds=[more_s]))
    return chunks, windows


def less(more: Sequence[Timing], base: Sequence[Timing]) -> list[Timing]:
    """By how much each piece takes longer than in `base`, as timings."""
    there = {(t.piece, t.chunk_s): t.typical_s for t in base}
    return [
        replace(t, seconds=[max(0.0, t.typical_s - there[t.piece, t.chunk_s])])
        for t in more
        if (t.piece, t.chunk_s) in there
    ]


def of_memo(found: Observed, name: str, memo: str, only: bool, threads: int) -> list[Timing]:
    """What an analyzer takes in each piece for something that it shares; `only` if it shares nothing else."""
    without = EMPTY if only else f"{WITHOUT}{memo}"
    feeds: tuple[StepKind, ...] = ("feed",)
    return less(
        found.timings_of(name, feeds, without, threads), found.timings_of(name, feeds, SHARED, threads)
    )


@dataclass(frozen=True)
class Level:
    """A part of something shared that these analyzers need: those who need more need it too."""

    name: str
    sharers: list[str]
    work: Work


def levels_of(found: Observed, memo: str, shared: dict[str, list[str]]) -> list[Level]:
    """What is shared under this name, in parts: some sharers need more of it, such as more frames a second.

    Who needs less needs a part of what others need.
    """
    sharers = [name for name, memos in shared.items() if memo in memos and name not in found.failures]
    each = {
        name: [of_memo(found, name, memo, len(shared[name]) == 1, threads) for threads in (1, 2)]
        for name in sharers
    }
    works = {name: Work(growth(one), parallel(one, two)) for name, (one, two) in each.items()}
    taken_s = {name: sum(t.typical_s for t in one) for name, (one, _) in each.items()}
    alone_s = {
        name: sum(t.typical_s for t in found.timings_of(name, ("feed",), EMPTY, 1)) for name in sharers
    }
    ordered = sorted(sharers, key=lambda name: taken_s[name])
    levels: list[Level] = []
    below, below_s = Work(), 0.0
    while ordered:
        first_s = taken_s[ordered[0]]
        same = [
            name
            for name in ordered
            if taken_s[name] - first_s <= max(SAME_S, SAME_PART * first_s, NOISE * alone_s[name])
        ]
        middle = min(same, key=lambda name: alone_s[name])  # of whom it is the largest part: known best
        if taken_s[middle] - below_s > SAME_S:
            number = f" ({len(levels) + 1})" if levels else ""
            levels.append(Level(memo + number, list(ordered), above(works[middle], below)))
            below, below_s = works[middle], taken_s[middle]
        ordered = ordered[len(same) :]
    return levels


def above(work: Work, below: Work) -> Work:
    """What a work takes more than another one."""
    more, less_ = work.host, below.host
    host = Growth(max(0.0, more.fixed_s - less_.fixed_s), max(0.0, more.per_s - less_.per_s))
    return replace(work, host=host)


def shared_names(shared: dict[str, list[str]]) -> list[str]:
    """All that is shared, each once."""
    return list(dict.fromkeys(name for memos in shared.values() for name in memos))


def with_company(work: Work, analyzers: Sequence[str], fitted: company.Company) -> Work:
    """A work with what its analyzers are as company: the mean of those that have run beside others."""
    known = [name for name in analyzers if name in fitted.pressure]
    if not known:
        return work
    return replace(
        work,
        pressure=mean(fitted.pressure[name] for name in known),
        sensitivity=mean(fitted.sensitivity[name] for name in known),
    )


def on_its_gpu(work: Work, analyzers: Sequence[str], found: Observed) -> Work:
    """A work with the part of its seconds in which a GPU executes something taken from those of the host.

    That part is the same for all that an analyzer does; of what several share, it is the mean.
    """
    uses = [found.gpu[name] for name in analyzers if name in found.gpu]
    if not uses or found.unknown.get("gpu"):
        return work
    busy, share = mean(use.busy for use in uses), mean(use.share for use in uses)
    return replace(
        work, host=work.host.times(1 - busy), gpu=work.host.times(busy), gpu_share=share if busy else 1.0
    )


def grown(before: float | None, after: float | None) -> float | None:
    """By how much memory grew, at least 0; None where it is not known."""
    return None if before is None or after is None else max(0.0, after - before)


def peak_gb(found: Observed, name: str) -> float | None:
    """The most that a step took on top."""
    peaks = [t.peak_gb for t in found.timings if t.analyzer == name and t.peak_gb is not None]
    return max(peaks, default=None)


def spread(timings: Sequence[Timing]) -> float | None:
    """How far repeats are from their middle, as a fraction: the median over those of some length."""
    each = [
        median(abs(seconds / timing.typical_s - 1) for seconds in timing.seconds)
        for timing in timings
        if len(timing.seconds) > 1 and timing.typical_s >= LEAST_S
    ]
    return median(each) if each else None
