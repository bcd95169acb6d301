"""What a process keeps of a clip does not grow with it: neither findings nor segments."""

from __future__ import annotations

import gc
import pickle
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import pytest

from clipbench.analyzers.base import Segment
from clipbench.executors.base import Outcome
from clipbench.executors.chunks import TemporaryJournal
from clipbench.executors.findings import Findings
from clipbench.executors.packed_segments import PackedSegments
from clipbench.executors.protocol import Analyze
from clipbench.executors.serving import Serving
from clipbench.executors.steps import Fed, Whole


def feed(journal: TemporaryJournal, name: str, chunk: int, size: int = 10_000) -> None:
    journal.fed(Fed(name, chunk, pickle.dumps(bytes([chunk % 256]) * size), b"after %d" % chunk, 0.0))


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The folder for temporary files."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("most", [0, 50_000, 10_000_000])
def test_what_was_found_comes_back_in_order(folder, most):
    journal = TemporaryJournal(most)
    assert journal.position("a") == (0, None) and list(journal.found("a")) == []
    for chunk in range(12):
        feed(journal, "a", chunk)
        feed(journal, "b", chunk, size=10)
    assert journal.position("a") == (12, b"after 11")
    for name, size in (("a", 10_000), ("b", 10)):
        # As a worker gets it.
        found = Findings(pickle.loads(pickle.dumps(journal.found(name))))
        expected = [bytes([chunk]) * size for chunk in range(12)]
        assert list(found) == expected == list(found)
        assert len(found) == 12 and found[3] == expected[3] and found[-1] == expected[-1]
        assert found[2:4] == expected[2:4]
        with pytest.raises(IndexError):
            found[12]
    journal.close()
    assert list(folder.iterdir()) == []


def test_a_short_clip_makes_no_files(folder):
    journal = TemporaryJournal()
    for chunk in range(10):
        feed(journal, "a", chunk)
    assert list(folder.iterdir()) == []


def test_findings_take_no_memory_however_long_the_clip(folder):
    """16 MB are found: in memory, on their way to the worker, or there, they would be seen."""
    journal = TemporaryJournal(most=200_000)
    tracemalloc.start()
    for chunk in range(1600):
        feed(journal, "a", chunk)
    sent = pickle.dumps(journal.found("a"))
    assert sum(len(found) for found in Findings(pickle.loads(sent))) == 16_000_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
    journal.close()


def segments(count: int) -> list[Segment]:
    return [
        Segment(k / 3, (k + 1) / 3, "person", 0.5 + k / 1e6, {"box": [k / 7, 0.1, 0.2, 0.3], "track": k})
        for k in range(count)
    ]


def test_packed_segments_are_the_segments_in_a_fraction_of_the_memory():
    made = segments(2000)
    packed = pickle.loads(pickle.dumps(PackedSegments(made)))
    assert packed == made and list(packed) == made and len(packed) == 2000 and packed[-1] == made[-1]
    assert packed != made[:-1] and not PackedSegments([]) and PackedSegments([]) == []
    sizes = []
    for make in (lambda: segments(2000), lambda: pickle.loads(pickle.dumps(packed))):
        tracemalloc.start()
        kept = make()
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        del kept
    assert sizes[1] < sizes[0] / 3


class Taker:
    """A worker that finds segments, whatever it is given."""

    lost_gpu, clip = "", 0

    def __init__(self, *tasks) -> None:
        self.spec = SimpleNamespace(worker=SimpleNamespace(tasks=tasks))

    def take(self, task, step, piece, upstream):
        self.upstream = upstream
        return Outcome(task.analyzer, "ok", "w", "cpu", segments(100))


def test_a_worker_keeps_the_results_that_its_analyzers_read_and_no_others():
    read, unread = (SimpleNamespace(analyzer=name, upstream=()) for name in ("read", "unread"))
    reader = SimpleNamespace(analyzer="reader", upstream=("read", "elsewhere"))
    serving = Serving(SimpleNamespace(), Taker(read, unread, reader), shared=True)
    piece = SimpleNamespace(open=SimpleNamespace)

    def analyze(task, **results):
        return serving.analyze(Analyze(0, "whole", piece, task, Whole(), results))

    def kept() -> int:
        gc.collect()
        return sum(type(one) is Segment for one in gc.get_objects())  # isinstance wakes lazy ones

    before = kept()
    outcome = analyze(unread)
    assert kept() == before
    assert list(outcome.segments) == segments(100)
    analyze(read)
    assert kept() == before + 100
    analyze(reader, elsewhere=PackedSegments(segments(5)))
    assert serving.worker.upstream == {"read": segments(100), "elsewhere": segments(5)}
