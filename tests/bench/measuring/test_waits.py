"""Which piece of work waits for which, on passes small enough to see it."""

from __future__ import annotations

from clipbench.bench.measuring.waits import waits
from clipbench.executors.base import Span
from tests.support.minimal_result import a_result


def analyzers(**waiting):
    """Analyzers by name → those that each waits for; "decode" among them: it reads whole clips."""
    found = {}
    for name, others in waiting.items():
        found[name] = a_result().analyzers["a"]
        found[name].waits_for = [other for other in others if other != "decode"]
        found[name].whole_frames = "decode" in others
    return found


def named(pairs):
    return {tuple((s.analyzer or s.phase, s.chunk) for s in pair) for pair in pairs}


def test_chunks_wait_for_their_decoding_ends_for_chunks_and_readers_for_ends():
    spans = [
        Span("main", "", "decode", 0, 1, chunk=0),
        Span("main", "", "decode", 1, 2, chunk=1),
        Span("w", "cuts", "load", 0, 1),
        Span("w", "cuts", "analyze", 1, 2, chunk=0),
        Span("w", "cuts", "analyze", 2, 3, chunk=1),
        Span("w", "cuts", "analyze", 3, 4),
        Span("x", "whole", "analyze", 2, 3),
        Span("x", "late", "analyze", 4, 5),
    ]
    found = waits(spans, analyzers(cuts=[], whole=["decode"], late=["cuts", "never_ran"]))
    assert named(found) == {
        (("decode", 0), ("cuts", 0)),
        (("decode", 1), ("cuts", 1)),
        (("cuts", 0), ("cuts", 1)),
        (("cuts", 1), ("cuts", None)),
        (("decode", 1), ("whole", None)),
        (("cuts", None), ("late", None)),
    }


def test_clips_do_not_wait_for_each_other_and_merged_chunks_are_found():
    spans = [
        Span("main", "", "decode", 0, 1, 0, chunk=0, count=4),
        Span("main", "", "decode", 1, 2, 1, chunk=0),
        Span("w", "cuts", "analyze", 1, 2, 0, chunk=2, count=2),
        Span("w", "late", "analyze", 2, 3, 1),
    ]
    assert named(waits(spans, analyzers(late=["cuts"]))) == {(("decode", 0), ("cuts", 2))}
