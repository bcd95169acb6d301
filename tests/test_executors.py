"""The executor contract: every task has an outcome, and a failing analyzer costs only itself."""

from __future__ import annotations

import pytest

import analyzers
import executors
from tests.fakes import KNOWN, Notes, plan
from tests.support import ArrayClip


@pytest.fixture(autouse=True)
def only_fakes(monkeypatch):
    monkeypatch.setattr(analyzers, "discover", lambda: KNOWN)


@pytest.fixture(params=executors.names())
def executor(request):
    made = executors.create(request.param, observer=Notes())
    yield made
    made.close()


def outcomes(executor, *names):
    executor.start(plan(*names))
    return {o.analyzer: o for o in executor.run(ArrayClip(duration_s=1.0))}


def test_every_analyzer_has_an_outcome_and_its_spans(executor):
    found = outcomes(executor, "steady", "deaf")
    assert [o.status for o in found.values()] == ["ok", "ok"]
    assert found["steady"].segments[0].label == "steady" and found["steady"].headline == "steady"
    assert found["steady"].analyze_s >= 0
    spans = {(s.analyzer, s.phase) for s in executor.observer.spans}
    assert {("steady", "load"), ("steady", "analyze"), ("deaf", "load"), ("deaf", "analyze")} <= spans
    assert all(s.end_s >= s.start_s for s in executor.observer.spans)


def test_nothing_to_analyze_is_an_empty_result_with_a_reason(executor):
    deaf = outcomes(executor, "deaf")["deaf"]
    assert (deaf.status, deaf.segments, deaf.reason) == ("ok", [], "the clip has no audio track")


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("raising", "failed", "RuntimeError: a planted fault"),
        ("hungry", "oom", "MemoryError: a planted lack of memory"),
        ("unloadable", "failed", "cannot be loaded: FileNotFoundError: a planted missing file"),
    ],
)
def test_a_failure_costs_only_itself(executor, name, status, reason):
    found = outcomes(executor, "steady", name, "deaf")
    assert (found[name].status, found[name].reason) == (status, reason)
    assert "Traceback" in found[name].error and found[name].segments == []
    assert found["steady"].status == found["deaf"].status == "ok"


def test_readers_get_the_results_they_read_and_not_those_of_what_failed(executor):
    found = outcomes(executor, "reader", "raising", "steady")
    assert found["reader"].segments[0].data == {"read": ["steady"]}


def test_a_second_clip_needs_no_second_load(executor):
    outcomes(executor, "steady")
    again = list(executor.run(ArrayClip(duration_s=2.0)))
    assert again[0].segments[0].end_s == 2.0
    assert sum(s.phase == "load" for s in executor.observer.spans) == 1


def test_cleanup_and_close_may_come_at_any_point(executor):
    executor.close()
    outcomes(executor, "steady")
    executor.cleanup()
    executor.close()
