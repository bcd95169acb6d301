"""Whatever an analyzer raises or returns, wherever: it fails with a reason, and what is left can be sent."""

from __future__ import annotations

import importlib
import json
import pickle

import pytest

from clipbench.analyzers import registry
from clipbench.bench.measuring.record import Pass, Record
from clipbench.bench.planning.plan import task_of
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.serialization import to_json
from clipbench.executors.base import Outcome, Plan
from clipbench.executors.layout import WorkerPlan
from clipbench.executors.protocol import WorkerSpec
from clipbench.executors.steps import Fed, Feed, Finish, Whole
from clipbench.executors.worker import Worker
from tests.support.clip_views import ArrayClip
from tests.support.fake_plans import FOLDER, Notes
from tests.support.wild_kinds import ERRORS, GOOD, RIGHT_SOMEWHERE, VALUES

CLIP = ArrayClip(duration_s=1.0)
#: Place → the analyzers that have it.
CALLED = {
    "init": "wild_whole", "needs": "wild_fed", "models": "wild_whole", "random": "wild_fed",
    "load": "wild_whole", "begin": "wild_fed", "feed": "wild_fed", "finish": "wild_fed",
    "analyze": "wild_whole", "facts": "wild_fed", "headline": "wild_whole",
}  # fmt: skip


@pytest.fixture(autouse=True)
def wild(monkeypatch):
    """The wild analyzers, and handlers of our own, as a run has them: no KeyboardInterrupt is the user's."""
    import signal

    monkeypatch.setenv("CLIPBENCH_PLUGINS", str(FOLDER / "wild.py"))
    monkeypatch.syspath_prepend(FOLDER)
    before = signal.signal(signal.SIGINT, lambda *_: None)
    yield importlib.import_module("wild")
    signal.signal(signal.SIGINT, before)


def outcome_of(name: str, **settings: object) -> tuple[Outcome, Worker]:
    """An analyzer planned, loaded and taken through a clip of one chunk, as an executor does it."""
    task = task_of(name, registry.discover()[name].settings_type(**settings), (), ())
    worker = Worker(WorkerSpec(WorkerPlan("w", "cpu", (task,))), "cpu", Notes())
    worker.load(task)
    answer = worker.take(task, Feed(0, None) if task.chunked else Whole(), CLIP, {})
    if isinstance(answer, Fed):
        answer = worker.take(task, Finish([answer.found], answer.state), CLIP, {})
    assert isinstance(answer, Outcome)
    return answer, worker


def is_fit_to_send(outcome: Outcome) -> bool:
    """Whether it goes through a pipe and into a file."""
    pickle.loads(pickle.dumps(outcome))
    json.dumps(to_json(outcome), allow_nan=False).encode()
    return True


def test_no_kind_is_left_out(wild):
    assert [set(ERRORS), set(VALUES), set(GOOD)] == [set(wild.ERRORS), set(wild.VALUES), set(wild.GOOD)]
    assert set(RIGHT_SOMEWHERE) < set(VALUES)
    assert {*CALLED, "unload", "offload", "wake"} == set(wild.PLACES)


@pytest.mark.parametrize("what", ERRORS)
@pytest.mark.parametrize("where", CALLED)
def test_what_is_raised_anywhere_costs_the_analyzer_alone(where, what):
    outcome, _ = outcome_of(CALLED[where], where=where, what=what)
    assert outcome.status == ("oom" if what == "memory" else "failed") or (
        where in ("init", "needs", "models", "random") and outcome.status == "failed"
    )
    assert outcome.reason and "\n" not in outcome.reason
    assert is_fit_to_send(outcome)


@pytest.mark.parametrize("what", VALUES)
@pytest.mark.parametrize("where", ["needs", "models", "feed", "finish", "analyze", "facts", "headline"])
def test_what_is_returned_in_place_of_the_right_thing_costs_the_analyzer_alone(where, what):
    if (where, what) in (("headline", "text"), ("facts", "dict")):
        return  # these are right
    outcome, _ = outcome_of(CALLED[where], where=where, what=what)
    assert (outcome.status, outcome.segments) == ("failed", [])
    assert outcome.reason and "\n" not in outcome.reason
    assert is_fit_to_send(outcome)


@pytest.mark.parametrize("what", GOOD)
def test_what_is_odd_and_right_costs_nothing(what):
    outcome, _ = outcome_of("wild_whole", where="analyze", what=what)
    assert outcome.status == "ok" and is_fit_to_send(outcome)


@pytest.mark.parametrize("what", ERRORS)
@pytest.mark.parametrize("where", ["unload", "offload", "wake"])
def test_what_is_raised_while_cleaning_up_fails_the_last_pass(where, what):
    outcome, worker = outcome_of("wild_whole", where=where, what=what)
    assert outcome.status == "ok"
    worker.offload()
    worker.wake(worker.spec.worker.tasks)
    worker.close()
    assert worker.cleanup_failures.keys() == {"wild_whole"}
    record = Record(Plan((), ()), 0.0, NotMeasured("no sampler"))
    record.passes = [Pass(None, False, 0.0, 0.0, 1.0, outcomes={"wild_whole": outcome})]
    record.spoil(worker.cleanup_failures)
    assert outcome.status == "failed" and is_fit_to_send(outcome)
    assert outcome.reason.startswith(("cannot be unloaded: ", "cannot be parked: ", "does not wake: "))
