"""Going through a clip chunk by chunk: what may come next, what is given back, and what is lost."""

from __future__ import annotations

import pytest

from clipbench.analyzers.base import FrameRequest, Needs, Settings
from clipbench.executors.base import ClipLost, Outcome
from clipbench.executors.chunks import TemporaryJournal
from clipbench.executors.flight import Flight
from clipbench.executors.graph import Graph
from clipbench.executors.layout import Task
from clipbench.executors.scheduling import Scheduler
from clipbench.executors.steps import Fed, Feed, Finish, Whole, chunk_name

FRAMES = Needs((FrameRequest(1, 64),))


class Piece:
    def __init__(self, name: str) -> None:
        self.name, self.span_s = name, 1.0


class Clip:
    """A clip of so many chunks, of which the first `decoded` are there."""

    def __init__(self, chunks: int, decoded: int | None = None) -> None:
        self.chunks, self.journal = chunks, TemporaryJournal()
        self.decoded = chunks if decoded is None else decoded
        self.released, self.broken = 0, ""

    def chunk(self, number, needs):
        if self.broken:
            raise ClipLost(self.broken)
        assert number >= self.released, "it was given back"
        return Piece(chunk_name(number)) if number < self.decoded else None

    def whole(self, needs):
        if not needs.frames:
            return Piece("facts")
        return Piece("whole") if self.decoded == self.chunks else None

    def release(self, until):
        self.released = until


def task(name: str, *upstream: str, after: tuple[str, ...] = (), chunked: bool = True) -> Task:
    return Task(name, Settings(), upstream, after, FRAMES, chunked=chunked)


def fed(name: str, chunk: int) -> Fed:
    return Fed(name, chunk, f"found in {chunk}".encode(), f"after {chunk}".encode(), 0.5)


def ready(flight: Flight) -> dict[str, str]:
    return {each.task.analyzer: each.piece.name for each in flight.ready()}


def test_chunks_come_in_turn_and_then_the_finish():
    clip = Clip(2)
    flight = Flight.of(0, clip, Graph([task("a")]))
    assert ready(flight) == {"a": "chunk 0"}
    assert flight.take(task("a")) == Feed(0, None)
    assert ready(flight) == {}  # its next chunk needs the state after this one
    flight.fed(fed("a", 0))
    assert flight.take(task("a")) == Feed(1, b"after 0")
    flight.fed(fed("a", 1))
    assert ready(flight) == {"a": "facts"}
    assert flight.take(task("a")) == Finish((b"found in 0", b"found in 1"), b"after 1")
    outcome = Outcome("a", "ok", "w", "cpu", analyze_s=0.25)
    flight.record(outcome)
    assert flight.finished and outcome.analyze_s == 1.25  # with its chunks


def test_what_is_not_decoded_is_waited_for():
    clip = Clip(3, decoded=1)
    flight = Flight.of(0, clip, Graph([task("a"), task("all", chunked=False)]))
    assert ready(flight) == {"a": "chunk 0"}
    flight.fed(fed("a", 0))
    assert ready(flight) == {}
    clip.decoded = 3
    assert ready(flight) == {"a": "chunk 1", "all": "whole"}
    assert flight.take(task("all", chunked=False)) == Whole()


def test_a_chunk_is_given_back_when_the_slowest_has_read_it():
    clip = Clip(2)
    flight = Flight.of(0, clip, Graph([task("fast"), task("slow")]))
    flight.fed(fed("fast", 0))
    flight.fed(fed("fast", 1))
    assert clip.released == 0
    flight.fed(fed("slow", 0))
    assert clip.released == 1 and flight.forgettable() == ["sound 0", "chunk 0"]
    assert flight.forgettable() == []
    flight.record(Outcome("slow", "failed", "w", "cpu"))  # it will not read the last one
    assert clip.released == 2


def test_a_clip_that_nobody_reads_in_chunks_keeps_none():
    clip = Clip(4)
    Flight.of(0, clip, Graph([task("all", chunked=False)]))
    assert clip.released == 4


def test_what_comes_after_another_follows_it_chunk_by_chunk():
    """It would wait for chunks that are not decoded before the first ones are given back."""
    flight = Flight.of(0, Clip(2), Graph([task("first"), task("second", after=("first",))]))
    assert ready(flight) == {"first": "chunk 0"}
    flight.fed(fed("first", 0))
    assert ready(flight) == {"first": "chunk 1", "second": "chunk 0"}
    flight.fed(fed("first", 1))
    flight.fed(fed("second", 0))
    flight.fed(fed("second", 1))
    assert ready(flight) == {"first": "facts"}  # the finish waits for the finish


def test_results_are_only_waited_for_at_the_end():
    flight = Flight.of(0, Clip(1), Graph([task("read"), task("reader", "read")]))
    assert set(ready(flight)) == {"read", "reader"}
    flight.fed(fed("reader", 0))
    assert set(ready(flight)) == {"read"}
    flight.record(Outcome("read", "ok", "w", "cpu"))
    assert set(ready(flight)) == {"reader"}
    assert flight.results_for(task("reader", "read")) == {"read": []}


def test_a_journal_is_gone_on_with():
    clip = Clip(3)
    clip.journal.fed(fed("a", 0))
    clip.journal.fed(fed("a", 1))
    clip.journal.fed(fed("b", 0))
    flight = Flight.of(0, clip, Graph([task("a"), task("b")]))
    assert ready(flight) == {"a": "chunk 2", "b": "chunk 1"}
    assert clip.released == 1
    assert flight.take(task("a")) == Feed(2, b"after 1")


def test_a_clip_that_is_lost_on_the_way_costs_its_own_analyzers_alone():
    scheduler = Scheduler([task("a"), task("b")])
    broken, sound = Clip(3, decoded=1), Clip(1)
    scheduler.admit(0, broken)
    scheduler.admit(1, sound)
    (running,) = scheduler.assign(["w"], lambda worker, analyzer: analyzer == "a")
    assert (running.clip, running.piece.name) == (0, "chunk 0")
    broken.broken = "the decoder was ended by SIGSEGV"
    assert [(a.clip, a.task.analyzer) for a in scheduler.assign(["v", "w"], lambda *_: True)] == [
        (1, "a"),
        (1, "b"),
    ]
    assert scheduler.drop_lost_clips() == [(0, "b", broken.broken)]
    assert scheduler.drop_lost_clips() == []
    scheduler.record(0, Outcome("b", "skipped", "", ""))
    scheduler.fed(0, fed("a", 0))
    scheduler.assign([], lambda *_: True)
    assert scheduler.drop_lost_clips() == [(0, "a", broken.broken)]
    assert scheduler.record(0, Outcome("a", "skipped", "", ""))


@pytest.mark.parametrize("spent", [True, False])
def test_what_has_most_left_comes_first(spent):
    scheduler = Scheduler([task("a"), task("b")])
    scheduler.admit(0, Clip(1))
    scheduler.record(0, Outcome("a", "ok", "w", "cpu", analyze_s=2.0))
    scheduler.record(0, Outcome("b", "ok", "w", "cpu", analyze_s=1.8))
    scheduler.admit(1, Clip(2))
    if spent:
        scheduler.fed(1, fed("a", 0))  # 1.5 of its 2 s are left
    (chosen,) = scheduler.assign(["w"], lambda *_: True)
    assert chosen.task.analyzer == ("b" if spent else "a")
