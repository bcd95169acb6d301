"""Lower bounds of schedules made by hand, whose best possible time is known."""

from __future__ import annotations

from graphlib import CycleError

import pytest

from clipbench.bench.measuring.bounds import lower_bound
from clipbench.executors.base import Span


def analyses(*rows: tuple[str, str, float, float]) -> list[Span]:
    """Spans from (worker, analyzer, start, end); the analyzer "" is decoding."""
    return [Span(w, a, "analyze" if a else "decode", start, end) for w, a, start, end in rows]


def test_where_the_critical_path_dominates():
    spans = analyses(
        ("w0", "", 0, 1), ("w0", "detect", 1, 4), ("w0", "describe", 4, 6), ("w1", "cuts", 1, 2)
    )  # fmt: skip
    bound = lower_bound(spans, {"describe": ("detect",)}, workers=2)
    assert bound.critical_path_s == 6 and bound.critical_path == ("decode", "detect", "describe")
    assert bound.busy_s == 7 and bound.lower_bound_s == 6  # 7 s of work on two workers would be 3.5 s
    assert bound.makespan_s == 6 and bound.efficiency == 1


def test_where_the_work_dominates():
    spans = analyses(("w0", "a", 0, 2), ("w0", "b", 2, 4), ("w1", "c", 0, 2), ("w1", "d", 3, 5))
    bound = lower_bound(spans, {"d": ("c",)}, workers=2)
    assert bound.critical_path_s == 4 and bound.critical_path == ("c", "d")
    assert bound.busy_s == 8 and bound.lower_bound_s == 4
    assert bound.makespan_s == 5 and bound.efficiency == pytest.approx(0.8)


def test_a_wait_costs_efficiency_and_nothing_else():
    tight = lower_bound(analyses(("w0", "a", 0, 2), ("w0", "b", 2, 3)), {}, 1)
    loose = lower_bound(analyses(("w0", "a", 0, 2), ("w0", "b", 5, 6)), {}, 1)
    assert tight.lower_bound_s == loose.lower_bound_s == 3
    assert (tight.efficiency, loose.efficiency) == (1, 0.5)


def test_only_readers_of_frames_wait_for_the_decoding():
    spans = analyses(("w0", "", 0, 5), ("w1", "speech", 0, 4), ("w0", "cuts", 5, 6))
    assert lower_bound(spans, {}, 2).critical_path == ("decode", "speech")
    some = lower_bound(spans, {}, 2, frame_readers={"cuts"})
    assert some.critical_path == ("decode", "cuts") and some.critical_path_s == 6
    assert lower_bound(spans, {}, 2, frame_readers=()).critical_path == ("decode",)


def test_decoding_is_work_and_fills_the_place_of_a_worker_that_waits_for_it():
    waits = analyses(("decoder", "", 0, 2), ("w1", "speech", 0, 4), ("w0", "cuts", 2, 4))
    bound = lower_bound(waits, {}, 2, frame_readers={"cuts"})
    assert bound.busy_s == 8 and bound.machines == 2 and bound.efficiency == 1


def test_decoding_beside_all_workers_is_one_machine_more():
    beside = analyses(("decoder", "", 0, 3), ("w0", "speech", 0, 3), ("w1", "sound", 0, 3))
    bound = lower_bound(beside, {}, 2, frame_readers=())
    assert bound.busy_s == 9 and bound.machines == 3 and bound.efficiency == 1


def test_decoding_beside_short_analyses_takes_nothing_from_what_the_workers_did():
    spans = analyses(("decoder", "", 0, 1), ("w0", "a", 0, 4), ("w1", "b", 0, 4))
    bound = lower_bound(spans, {}, 2, frame_readers=())
    assert (
        bound.busy_s / bound.machines == 3 and bound.analyzing_s / bound.workers == bound.lower_bound_s == 4
    )


def test_work_that_follows_on_other_work_is_not_beside_it():
    spans = analyses(("decoder", "", 0, 1), ("w0", "a", 1, 2), ("w0", "b", 2, 3))
    assert lower_bound(spans, {}, 1).machines == 1


def test_what_did_not_run_is_still_waited_through():
    spans = analyses(("w0", "first", 0, 2), ("w0", "last", 2, 3))
    bound = lower_bound(spans, {"middle": ("first",), "last": ("middle",)}, 1)
    assert bound.critical_path == ("first", "last") and bound.critical_path_s == 3


def test_chunks_are_read_beside_the_analyzers_that_the_end_waits_for():
    spans = [
        Span("w0", "speech", "analyze", 0, 3, chunk=0), Span("w0", "speech", "analyze", 3, 6, chunk=1),
        Span("w1", "flow", "analyze", 0, 2, chunk=0), Span("w1", "flow", "analyze", 3, 5, chunk=1),
        Span("w0", "speech", "analyze", 6, 7), Span("w1", "flow", "analyze", 7, 8),
    ]  # fmt: skip
    bound = lower_bound(spans, {"flow": ("speech",)}, 2)
    assert bound.critical_path == ("speech, chunks", "speech", "flow")
    assert bound.critical_path_s == bound.makespan_s == 8 and bound.efficiency == 1


def test_loading_in_a_pass_is_not_work():
    spans = [*analyses(("w0", "a", 0, 1), ("w0", "b", 3, 4)), Span("w0", "b", "load", 1, 3)]
    assert lower_bound(spans, {}, 1).efficiency == 0.5


def test_a_queue_of_clips_has_a_critical_path_each():
    queue = [Span(f"w{i % 2}", "a", "analyze", i // 2, i // 2 + 1, clip=i) for i in range(4)]
    bound = lower_bound(queue, {}, workers=2)
    assert bound.critical_path_s == 1 and bound.busy_s == 4 and bound.lower_bound_s == 2
    assert bound.efficiency == 1


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="nothing to bound"):
        lower_bound([Span("w0", "a", "load", 0, 1)], {}, 1)
    with pytest.raises(ValueError, match="1 or more workers"):
        lower_bound(analyses(("w0", "a", 0, 1)), {}, 0)
    with pytest.raises(CycleError):
        lower_bound(analyses(("w0", "a", 0, 1)), {"a": ("b",), "b": ("a",)}, 1)
