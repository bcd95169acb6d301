"""The journal of a clip: a run that was ended goes on, and nothing that does not belong to it is believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from clipbench import plugins
from clipbench.analyzers.base import FrameSettings
from clipbench.bench.runs import journal as journals
from clipbench.bench.runs.journal import DiskJournal
from clipbench.executors.layout import Task
from clipbench.executors.steps import Fed

A, B = (Task(name, FrameSettings(), chunked=True) for name in "ab")


def opened(folder, clip: str = "1" * 64, chunk_s: float | None = 5.0, tasks=(A, B), name="a.mp4"):
    return DiskJournal(folder, Path(name), clip, chunk_s, tasks)


def feed(journal: DiskJournal, name: str, chunk: int) -> None:
    journal.fed(Fed(name, chunk, f"found by {name} in {chunk}".encode(), f"after {chunk}".encode(), 1.0))


def test_it_goes_on_where_it_was(tmp_path):
    first = opened(tmp_path)
    assert not first.resumed and first.position("a") == (0, None) and list(first.found("a")) == []
    for chunk in range(3):
        feed(first, "a", chunk)
    feed(first, "b", 0)
    second = opened(tmp_path)
    assert second.resumed
    assert second.position("a") == (3, b"after 2") and second.position("b") == (1, b"after 0")
    assert list(second.found("a")) == [f"found by a in {chunk}".encode() for chunk in range(3)]
    feed(second, "a", 3)
    assert len(list(opened(tmp_path).found("a"))) == 4
    second.finish()
    assert not opened(tmp_path).resumed


def test_what_was_found_but_not_confirmed_is_found_again(tmp_path):
    """A kill between the two writes: the findings are there, the state is that of the chunk before."""
    first = opened(tmp_path)
    feed(first, "a", 0)
    state = next(tmp_path.rglob("a-*.state"))
    before = state.read_bytes()
    feed(first, "a", 1)
    state.write_bytes(before)
    second = opened(tmp_path)
    assert second.position("a") == (1, b"after 0")
    feed(second, "a", 1)
    assert list(second.found("a")) == [b"found by a in 0", b"found by a in 1"]


@pytest.mark.parametrize("damage", [b"", b"\x80\x05garbage", b"not a pickle"])
def test_a_damaged_state_is_no_state(tmp_path, damage):
    feed(opened(tmp_path), "a", 0)
    next(tmp_path.rglob("a-*.state")).write_bytes(damage)
    assert opened(tmp_path).position("a") == (0, None)


def test_findings_that_are_cut_off_are_not_believed(tmp_path):
    feed(opened(tmp_path), "a", 0)
    found = next(tmp_path.rglob("a-*.found"))
    found.write_bytes(found.read_bytes()[:-1])
    assert opened(tmp_path).position("a") == (0, None)


def test_what_another_clip_or_other_settings_found_is_not_believed(tmp_path, monkeypatch):
    feed(opened(tmp_path), "a", 0)
    other = Task("a", FrameSettings(fps=2.0), chunked=True)
    assert opened(tmp_path, tasks=(A,)).position("a") == (1, b"after 0")
    assert opened(tmp_path, tasks=(other,)).position("a") == (0, None)
    assert opened(tmp_path, clip="2" * 64).position("a") == (0, None)
    assert opened(tmp_path, chunk_s=4.0).position("a") == (0, None)
    with monkeypatch.context() as patched:
        patched.setattr(plugins, "digests", lambda: {"mine.py": "changed"})
        assert opened(tmp_path, tasks=(A,)).position("a") == (0, None)
    monkeypatch.setattr(journals, "code_version", lambda: "changed")
    assert opened(tmp_path, tasks=(A,)).position("a") == (0, None)


def test_two_files_of_the_same_content_do_not_share_a_journal(tmp_path):
    first, second = opened(tmp_path, name="a.mp4"), opened(tmp_path, name="b.mp4")
    feed(first, "a", 0)
    feed(second, "a", 0)
    first.finish()
    assert opened(tmp_path, name="b.mp4").position("a") == (1, b"after 0")


def test_a_state_of_which_a_byte_has_changed_is_no_state(tmp_path):
    feed(opened(tmp_path), "a", 0)
    state = next(tmp_path.rglob("a-*.state"))
    data = bytearray(state.read_bytes())
    data[-1] ^= 1
    state.write_bytes(data)
    assert opened(tmp_path).position("a") == (0, None)
