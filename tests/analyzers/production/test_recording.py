"""Recordings that fail, and memory that is given back meanwhile, on a stand-in for PyTorch's allocator."""

from __future__ import annotations

import contextlib
import logging
import threading

import pytest
import torch

from clipbench.analyzers.production import recording, torch_device

ASSERTION = 'captures_underway.empty() INTERNAL ASSERT FAILED at "CUDACachingAllocator.cpp":3941'
POOL = 7
FAILURE = "operation failed due to a previous error during capture\nat"


class Graph:
    """Stands for a CUDAGraph, which gives its pool of memory up itself once it is one."""

    def __init__(self, cuda: Cuda) -> None:
        self.cuda, self.ended = cuda, False

    def pool(self) -> int:
        if not self.ended:
            raise RuntimeError("Called CUDAGraph::pool() without a preceding successful capture.")
        return POOL

    def reset(self) -> None:
        if self.ended:
            self.cuda.release(0, POOL)


class Stream:
    def __init__(self, name: str) -> None:
        self.name = name

    def wait_stream(self, other: object) -> None: ...


class Cuda:
    """Stands for torch.cuda and its allocator.

    `fails` is where a recording does: "in" it, so that it stays under way, as up to PyTorch 2.11; "closed",
    as later; "after" it, when it becomes a graph.
    """

    def __init__(self, fails: str = "") -> None:
        self.fails, self.under_way, self.pools = fails, set(), set()
        self.worker, self.side = Stream("the worker's"), Stream("the recording's")
        self.current, self.emptied, self.graphs = self.worker, 0, []

    def made(self) -> Graph:
        self.graphs.append(Graph(self))
        return self.graphs[-1]

    @contextlib.contextmanager
    def graph(self, graph, pool, stream, capture_error_mode):
        assert capture_error_mode == "thread_local" and stream is self.side
        self.under_way.add(pool)
        self.pools.add(pool)
        self.set_stream(stream)
        try:
            yield
        finally:
            self.end_capture(graph, pool)
        self.set_stream(self.worker)

    def end_capture(self, graph, pool) -> None:
        if self.fails == "in":
            raise RuntimeError(FAILURE)
        self.under_way.remove(pool)
        if self.fails == "closed":
            raise RuntimeError(FAILURE)
        graph.ended = True
        if self.fails == "after":
            raise RuntimeError(FAILURE)

    def end(self, index: int, pool: int) -> None:
        if pool not in self.under_way:
            raise RuntimeError("endAllocatePool: not currently recording to mempool_id")
        self.under_way.remove(pool)

    def release(self, index: int, pool: int) -> None:
        if pool not in self.pools:
            raise RuntimeError("INTERNAL ASSERT FAILED")
        self.pools.remove(pool)

    def empty_cache(self) -> None:
        if self.under_way:
            raise RuntimeError(ASSERTION)
        self.emptied += 1

    def set_stream(self, stream: Stream) -> None:
        self.current = stream


@pytest.fixture
def cuda(monkeypatch, request) -> Cuda:
    fake = Cuda(getattr(request, "param", ""))
    monkeypatch.setattr(recording, "recording_stream", lambda device: fake.side)
    monkeypatch.setattr(recording, "_failed", [])
    for name, value in {
        "CUDAGraph": fake.made,
        "graph": fake.graph,
        "graph_pool_handle": lambda: POOL,
        "current_stream": lambda device: fake.current,
        "current_device": lambda: 0,
        "set_stream": fake.set_stream,
        "stream": contextlib.nullcontext,
        "empty_cache": fake.empty_cache,
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
    monkeypatch.setattr(torch._C, "_cuda_endAllocateToPool", fake.end, raising=False)
    monkeypatch.setattr(torch._C, "_cuda_releasePool", fake.release, raising=False)
    return fake


class Owner:
    pass


def test_work_is_recorded_after_it_has_run_twice(cuda):
    done, owner = [], Owner()
    graph, why = recording.attempt(lambda: done.append(cuda.current.name), "cuda", owner)
    assert graph is cuda.graphs[0] and why == ""
    assert done == ["the worker's", "the worker's", "the recording's"]
    assert cuda.current is cuda.worker and owner in recording.recorders


@pytest.mark.parametrize("cuda", ["in", "closed", "after"], indirect=True)
def test_after_a_recording_that_fails_memory_can_be_given_back(cuda):
    owner = Owner()
    graph, why = recording.attempt(lambda: None, "cuda:0", owner)
    assert graph is None and why == "operation failed due to a previous error during capture"
    assert cuda.current is cuda.worker and owner not in recording.recorders
    assert not cuda.under_way and not cuda.pools
    assert recording._failed == cuda.graphs  # the allocator may still ask it
    torch_device.release("cuda")
    assert cuda.emptied == 1


@pytest.mark.parametrize("when", [1, 3])
def test_out_of_memory_is_raised_and_leaves_nothing_open(cuda, when):
    runs = []

    def work():
        runs.append(1)
        if len(runs) == when:
            raise torch.OutOfMemoryError("out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        recording.attempt(work, "cuda", Owner())
    assert cuda.current is cuda.worker
    assert not cuda.under_way and not cuda.pools


@pytest.mark.parametrize("cuda", ["in"], indirect=True)
def test_where_it_cannot_be_closed_cleanup_goes_on_and_says_so(cuda, monkeypatch, caplog):
    monkeypatch.delattr(torch._C, "_cuda_endAllocateToPool")
    recording.attempt(lambda: None, "cuda", Owner())
    assert cuda.under_way
    with caplog.at_level(logging.WARNING):
        torch_device.release("cuda")
        torch_device.release_all("cuda")
    assert "gives no memory back" in caplog.text and cuda.emptied == 0


def test_other_errors_of_giving_memory_back_are_raised(cuda, monkeypatch):
    def lost():
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(torch.cuda, "empty_cache", lost)
    with pytest.raises(RuntimeError, match="illegal memory access"):
        recording.empty_cache()


class Asked:
    """The turn, which tells that somebody asks for it."""

    def __init__(self) -> None:
        self.lock, self.asked = threading.RLock(), threading.Event()

    def __enter__(self):
        self.asked.set()
        return self.lock.__enter__()

    def __exit__(self, *args):
        return self.lock.__exit__(*args)


@pytest.mark.parametrize("give_back", [torch_device.release, torch_device.release_all])
def test_memory_is_given_back_before_or_after_a_recording_but_not_meanwhile(cuda, monkeypatch, give_back):
    turn = Asked()
    monkeypatch.setattr(recording, "turn", turn)
    other = threading.Thread(target=give_back, args=["cuda"])

    def work():
        if cuda.under_way:
            turn.asked.clear()
            other.start()
            assert turn.asked.wait(60)
            assert cuda.emptied == 0

    graph, why = recording.attempt(work, "cuda", Owner())
    other.join()
    assert graph is not None, why
    assert cuda.emptied >= 1
