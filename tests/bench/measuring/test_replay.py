"""Passes that are replayed without one of their analyzers, small enough to follow by hand."""

from __future__ import annotations

import pytest

from clipbench.bench.measuring.replay import bound_of_pass, replayed, savings
from clipbench.executors.base import Span
from tests.support import report_results
from tests.support.minimal_result import a_result


@pytest.fixture
def result():
    """Two workers: `long` and then `after` on one of them, `short` and then `late`, which reads `long`."""
    made = a_result()
    made.analyzers = {name: a_result().analyzers["a"] for name in ("long", "after", "short", "late")}
    made.analyzers["late"].waits_for = ["long"]
    made.run.workers = 2
    made.spans = [
        Span("decoder", "", "decode", 10.0, 10.5, clip=1),
        Span("w0", "long", "analyze", 10.5, 14.5, clip=1),
        Span("w0", "after", "analyze", 14.6, 15.6, clip=1),
        Span("w1", "short", "analyze", 10.5, 11.0, clip=1),
        Span("w1", "late", "analyze", 14.7, 16.7, clip=1),
        Span("w1", "late", "analyze", 0.0, 9.0, clip=0),
    ]
    return made


def test_with_every_analyzer_the_replay_is_the_measured_pass(result):
    work = [s for s in result.spans if s.clip == 1]
    assert replayed(work, result.analyzers) == pytest.approx(6.7)
    run = report_results.a_run(workers=3)
    for number, one in enumerate(run.run.passes):
        own = [s for s in run.spans if s.clip == number and s.phase in ("decode", "analyze")]
        length = max(s.end_s for s in own) - min(s.start_s for s in own)
        assert replayed(own, run.analyzers) == pytest.approx(length), one


def test_without_the_one_that_binds_what_waits_for_it_moves_up(result):
    found = {one.analyzer: one for one in savings(result, [1])}
    # Without `long`, `late` follows `short` at 11.0 s, 0.2 s later as before, and ends at 13.2 s: 3.2 s.
    assert found["long"].saved_s == pytest.approx(6.7 - 3.2) and found["long"].own_s == 4.0
    # Without `late`, `after` is the last to end, at 15.6 s.
    assert found["late"].saved_s == pytest.approx(1.1)
    assert found["short"].saved_s == found["after"].saved_s == 0.0
    assert [one.analyzer for one in savings(result, [1])][:2] == ["long", "late"]


def test_one_left_out_no_longer_keeps_its_worker_waiting_for_what_it_read(result):
    result.spans.append(Span("w1", "next", "analyze", 16.7, 17.7, clip=1))
    result.analyzers["next"] = a_result().analyzers["a"]
    work = [s for s in result.spans if s.clip == 1]
    # `next` follows `short` at once, at 11.0 s; `after` ends at 15.6 s, the last.
    assert replayed(work, result.analyzers, without="late") == pytest.approx(5.6)


def test_of_a_pass_without_work_there_is_nothing_to_say(result):
    assert savings(result, [7]) == [] and bound_of_pass(result, []) is None


def test_the_bound_of_a_pass_names_its_critical_path(result):
    own = [s for s in result.spans if s.clip == 1]
    bound = bound_of_pass(result, own)
    assert bound.critical_path == ("long", "late") and bound.critical_path_s == pytest.approx(6.0)
    result.analyzers["long"].waits_for = ["late"]
    assert bound_of_pass(result, own) is None
