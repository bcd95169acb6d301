"""What a worker does on a device, and with what fails there: no GPU is needed."""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace

import pytest

from clipbench.analyzers import registry
from clipbench.analyzers.base import NothingToAnalyze
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


def test_cleanup_goes_on_where_the_allocator_believes_that_a_recording_is_under_way(monkeypatch, caplog):
    """PyTorch up to 2.11 believes so for ever after a recording that failed."""

    def refuse():
        raise RuntimeError('captures_underway.empty() INTERNAL ASSERT FAILED at "CUDACachingAllocator.cpp"')

    monkeypatch.setattr("torch.cuda.empty_cache", refuse)
    monkeypatch.setattr(devices, "marked", lambda device, text: contextlib.nullcontext())
    one = worker("steady", device="cuda", place="gpu:0")
    one.load(task("steady", ()))
    one.offload()
    one.close()
    assert one.loaded == {} and one.cleanup_failures == {}
    assert "gives no memory back" in caplog.text


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


@pytest.mark.parametrize(
    ("method", "says", "reason"),
    [
        ("facts", None, "facts is of type NoneType, not a dictionary"),
        ("facts", [1], "facts is of type list, not a dictionary"),
        ("facts", {"rate": math.inf}, "facts.rate is inf"),
        ("facts", {1: 2}, "facts has the key 1"),
        ("headline", None, "headline is of type NoneType, not text"),
        ("headline", 7, "headline is of type int, not text"),
        ("headline", "half of \udc80", "headline has half of a character, U+DC80"),
    ],
)
def test_rubbish_that_an_analyzer_says_of_itself_fails_it(method, says, reason, monkeypatch):
    outcome = taken(monkeypatch, **{method: lambda *_: says})
    assert outcome.status == "failed" and reason in outcome.reason and outcome.segments == []


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Unspeakable(), "Unspeakable: its message cannot be read (RuntimeError)"),
        (FileNotFoundError("no \udce9.onnx\nhere"), "FileNotFoundError: no \\udce9.onnx"),
        (ValueError("\n\nlate"), "ValueError: late"),
        (NothingToAnalyze("no \udce9"), "no \\udce9"),
    ],
)
def test_whatever_an_error_says_can_be_written(error, reason, monkeypatch):
    def failing(*_: object) -> None:
        raise error

    outcome = taken(monkeypatch, analyze=failing)
    assert outcome.reason == reason
    (outcome.reason + outcome.error).encode()


@pytest.mark.parametrize("facts", [None, {"batch": "many"}, {"batch": math.nan}, {3: 4}])
def test_rubbish_of_an_analyzer_without_memory_costs_it_alone(facts, monkeypatch):
    def starved(*_: object) -> None:
        raise MemoryError("too much")

    outcome = taken(monkeypatch, "sleeper", analyze=starved, facts=lambda _: facts)
    assert (outcome.status, outcome.retried) == ("oom", "batch 8 → 4")


def taken(monkeypatch, name: str = "steady", **methods):
    """The outcome of an analyzer some of whose methods are replaced."""
    for method, does in methods.items():
        monkeypatch.setattr(type(registry.create(name)), method, does)
    one, planned = worker(name), task(name, ())
    one.load(planned)
    return one.take(planned, Whole(), CLIP, {})


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
