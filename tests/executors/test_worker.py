"""What a worker does on a device, and with what fails there: no GPU is needed."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from clipbench.analyzers import registry
from clipbench.analyzers.base import Segment
from clipbench.bench.errors import Interrupted
from clipbench.executors import devices
from clipbench.executors import registry as executors
from clipbench.executors.layout import Group, WorkerPlan
from clipbench.executors.protocol import WorkerSpec
from clipbench.executors.steps import Whole
from clipbench.executors.worker import Worker
from tests.support.clip_views import ArrayClip
from tests.support.fake_plans import Notes, grouped, plan, task, use_fakes

CLIP = ArrayClip(duration_s=1.0)


@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    use_fakes(monkeypatch)


def worker(*names: str, device: str = "cpu", place: str = "cpu") -> Worker:
    planned = WorkerPlan("main", place, plan(*names).layout[0].tasks)
    return Worker(WorkerSpec(planned), device, Notes())


@pytest.mark.parametrize(("gpu", "loaded", "reported"), [(True, "cuda", "gpu:5"), (False, "cpu", "cpu")])
def test_only_who_uses_a_gpu_is_loaded_onto_it_and_reported_there(monkeypatch, gpu, loaded, reported):
    monkeypatch.setattr(devices, "marked", lambda device, text: contextlib.nullcontext())
    one = worker("where", device="cuda", place="gpu:5")
    where = replace(task("where", ("where",)), gpu=gpu)
    one.load(where)
    outcome = one.take(where, Whole(), CLIP, {})
    assert (outcome.facts["device"], outcome.device) == (loaded, reported)
    assert Group("a", "gpu:5", (where,)).device_of("where") == reported


def test_nothing_is_kept_of_what_could_not_be_loaded():
    one, half = worker("half_built"), task("half_built", ())
    weights = type(registry.create("half_built")).load.__globals__["Weights"]
    one.load(half)
    assert weights.alive == 0
    first, second = one.take(half, Whole(), CLIP, {}), one.take(half, Whole(), CLIP, {})
    assert first == second and first is not second
    assert first.reason == "cannot be loaded: MemoryError: a planted lack of memory"
    assert first.status == "oom" and "Traceback" in first.error


def test_the_batch_that_ran_is_halved_not_the_one_that_was_set():
    one, adaptive = worker("adaptive"), task("adaptive", ())
    one.load(adaptive)
    outcome = one.take(adaptive, Whole(), CLIP, {})
    assert (outcome.status, outcome.retried) == ("ok", "batch 4 → 2")


@pytest.mark.parametrize("name", ["gpu_pinned", "threads", "sequential"])
def test_a_lost_gpu_costs_one_analyzer_and_its_worker(name):
    notes = Notes()
    executor = executors.create(name, observer=notes)
    try:
        groups = {"a": ("poisoned", "poisoned_early", "steady"), "b": ("deaf",)}
        executor.start(grouped(groups, executor=name))
        found = {o.analyzer: o for o in executor.run(CLIP)}
    finally:
        executor.close()
    text = "AcceleratorError: CUDA error: an illegal memory access was encountered"
    text += "; with that, this process has lost its GPU"
    assert (found["poisoned"].status, found["poisoned"].reason) == ("failed", text)
    assert found["poisoned_early"].reason == f"cannot be loaded: {text}"
    assert found["steady"].status == found["deaf"].status == "ok"
    started = sum(span.phase == "spawn" for span in notes.spans)
    # In a process of its own, a worker has a successor for each of the two; in a shared one that is no help.
    assert started == {"gpu_pinned": 4, "threads": 2, "sequential": 0}[name]


@pytest.mark.parametrize("found", [None, ["cut"], ({"start_s": 0},)])
def test_what_is_no_list_of_segments_fails_its_analyzer(found, monkeypatch):
    steady = task("steady", ())
    monkeypatch.setattr(type(registry.create("steady")), "analyze", lambda *_: found)
    one = worker("steady")
    one.load(steady)
    outcome = one.take(steady, Whole(), CLIP, {})
    assert outcome.status == "failed" and "analyze must return a list of Segment" in outcome.reason


@pytest.mark.parametrize(
    ("segment", "reason"),
    [
        (Segment(0, 1, "x", data={"score": math.nan}), "segment 0: data.score is nan"),
        (Segment(0, 1, "x", data={"boxes": [[0, np.float32("inf")]]}), "segment 0: data.boxes[0][1] is inf"),
        (Segment(0, math.nan, "x"), "segment 0: end_s is nan"),
        (Segment(0, 1, "x", confidence="high"), "segment 0: confidence is 'high', which is not a number"),
        (Segment(0, 1, "x", data={"when": object()}), "segment 0: data.when is a object, which JSON"),
    ],
)
def test_what_cannot_be_written_fails_its_analyzer(segment, reason, monkeypatch):
    steady = task("steady", ())
    monkeypatch.setattr(type(registry.create("steady")), "analyze", lambda *_: [segment])
    one = worker("steady")
    one.load(steady)
    outcome = one.take(steady, Whole(), CLIP, {})
    assert outcome.status == "failed" and reason in outcome.reason


def test_numbers_of_numpy_become_plain_ones(monkeypatch):
    steady = task("steady", ())
    found = Segment(np.float64(0), np.float32(0.5), "x", np.float64(1), {"n": np.int64(3), "a": np.arange(2)})
    monkeypatch.setattr(type(registry.create("steady")), "analyze", lambda *_: [found])
    one = worker("steady")
    one.load(steady)
    outcome = one.take(steady, Whole(), CLIP, {})
    assert json.dumps(dataclasses.asdict(outcome.segments[0])) == (
        '{"start_s": 0.0, "end_s": 0.5, "label": "x", "confidence": 1.0, "data": {"n": 3, "a": [0, 1]}}'
    )


@pytest.mark.parametrize("method", ["facts", "headline"])
def test_what_an_analyzer_cannot_say_of_itself_fails_it(method, monkeypatch):
    def broken(*_: object) -> None:
        raise RuntimeError("no words")

    steady = task("steady", ())
    monkeypatch.setattr(type(registry.create("steady")), method, broken)
    one = worker("steady")
    one.load(steady)
    outcome = one.take(steady, Whole(), CLIP, {})
    assert (outcome.status, outcome.reason) == ("failed", "RuntimeError: no words")


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, lambda: Interrupted(143)])
@pytest.mark.parametrize("method", ["load", "analyze", "facts", "headline"])
def test_an_interrupt_is_the_users_and_no_failure(interrupt, method, monkeypatch):
    def interrupted(*_: object) -> None:
        raise interrupt()

    steady = task("steady", ())
    monkeypatch.setattr(type(registry.create("steady")), method, interrupted)
    one = worker("steady")
    with pytest.raises(KeyboardInterrupt):
        one.load(steady)
        one.take(steady, Whole(), CLIP, {})
