"""Which piece of work waited for which: what the arrows of a trace and a replay of a pass are made from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from clipbench.bench.runs.results import AnalyzerResult
from clipbench.executors.base import Span


def waits(spans: Iterable[Span], analyzers: Mapping[str, AnalyzerResult]) -> list[tuple[Span, Span]]:
    """Pairs of pieces of work on the same clip: the second could not begin before the first had ended.

    A chunk waits for its decoding, and for the chunk before it; the end of an analyzer that is fed chunks
    for the last of them; an analyzer for those whose results it reads (`AnalyzerResult.waits_for`), and one
    that reads whole clips for all decoding (`whole_frames`). Of work that is not on record, such as that of
    an analyzer which failed to start, nobody waits.
    """
    clips: dict[int, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=lambda s: s.start_s):
        if span.phase in ("decode", "analyze"):
            clips[span.clip].append(span)
    return [pair for work in clips.values() for pair in waits_of_clip(work, analyzers)]


def waits_of_clip(work: list[Span], analyzers: Mapping[str, AnalyzerResult]) -> list[tuple[Span, Span]]:
    """The pairs of one clip, whose decoding and analyses are in order of their start."""
    decoding = [span for span in work if span.phase == "decode"]
    by_chunk = {
        number: span
        for span in decoding
        if span.chunk is not None
        for number in range(span.chunk, span.chunk + span.count)
    }
    last_end: dict[str, Span] = {}
    chunks: dict[str, Span] = {}
    ends: list[Span] = []
    pairs: list[tuple[Span, Span]] = []
    for span in work:
        if span.phase != "analyze":
            continue
        if span.chunk is None:
            ends.append(span)
            last_end[span.analyzer] = max(last_end.get(span.analyzer, span), span, key=lambda s: s.end_s)
            continue
        pairs += [(o, span) for o in (by_chunk.get(span.chunk), chunks.get(span.analyzer)) if o]
        chunks[span.analyzer] = span
    for span in ends:
        about = analyzers.get(span.analyzer)
        before = [chunks.get(span.analyzer), *(last_end.get(o) for o in (about.waits_for if about else []))]
        if about and about.whole_frames:
            before += decoding[-1:]
        pairs += [(other, span) for other in before if other]
    return pairs
