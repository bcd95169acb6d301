"""A clip that comes in chunks from a process of its own: the same frames, back-pressure, and what may die."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from clipbench.analyzers.base import FrameRequest, Needs, Settings
from clipbench.bench.clips.decoder_link import Decoders, ThreadDecoder
from clipbench.bench.clips.decoder_protocol import Finished, Open, Room, RoomWanted, Wanted
from clipbench.bench.clips.decoding import open_clip, probe
from clipbench.bench.errors import InputError
from clipbench.executors.base import ClipLost
from clipbench.executors.chunks import TemporaryJournal
from clipbench.executors.layout import Task
from clipbench.executors.steps import AHEAD, Fed
from tests.support.executors import processes, shared_memory
from tests.support.video_files import numbered_frames, write_clip

EVERY, SOME, SMALL = FrameRequest(30, 0), FrameRequest(7, 0), FrameRequest(2, 32)


def task(name: str, *requests: FrameRequest, audio: bool = False, chunked: bool = True) -> Task:
    return Task(name, Settings(), needs=Needs(requests, audio), chunked=chunked)


#: Needs that are met by a chunk with its frames, and by its sound alone.
ALL, SOUND = Needs((EVERY, SOME, SMALL), True), Needs(audio=True)
CHUNKED = [task("a", EVERY, SMALL), task("b", SOME, audio=True)]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Two seconds and a half of frames that say their number, with a tone."""
    folder = tmp_path_factory.mktemp("clip")
    return write_clip(folder / "a.mp4", numbered_frames(75, 64, 48), fps=30, tone_hz=440)


@pytest.fixture
def decoders():
    before = processes()
    with Decoders() as made:
        yield made
    assert processes() - before == set() and shared_memory() == set()


def arrived(clip, get, seconds: float = 20.0):
    """What `get` gives once it is decoded."""
    deadline = time.monotonic() + seconds
    while (found := get()) is None:
        assert time.monotonic() < deadline, "it was not decoded in time"
        clip.wait(0.05)
    return found


def chunks(clip):
    for number in range(clip.chunks):
        yield arrived(clip, lambda: clip.chunk(number, ALL))  # noqa: B023
        clip.release(number + 1)


def read(path: Path, decoders: Decoders, chunk_s: float | None) -> dict:
    """All frames and all sound of a clip that comes in chunks."""
    found: dict = {request: ([], []) for request in (EVERY, SOME, SMALL)} | {"sound": []}
    with open_clip(path, CHUNKED, decoders, 1, chunk_s) as clip:
        for chunk in chunks(clip):
            for request in (EVERY, SOME, SMALL):
                frames = chunk.frames(*request)
                assert ((frames.times_s >= chunk.start_s) & (frames.times_s < chunk.end_s)).all()
                found[request][0].append(frames.times_s.copy())
                found[request][1].append(frames.images.copy())
            found["sound"].append(chunk.audio().copy())
        count = clip.chunks
    together = {k: tuple(map(np.concatenate, v)) for k, v in found.items() if k != "sound"}
    return together | {"sound": np.concatenate(found["sound"]), "chunks": count}


@pytest.fixture(scope="module")
def whole(path):
    with Decoders() as made:
        return read(path, made, None)


@pytest.mark.parametrize("chunk_s", [0.3, 0.5, 1.0, 2.4])
def test_chunks_together_are_the_clip(path, decoders, whole, chunk_s):
    found = read(path, decoders, chunk_s)
    assert found["chunks"] == max(1, round(2.5 / chunk_s)) and whole["chunks"] == 1
    for request in (EVERY, SOME, SMALL):
        for one, other in zip(found[request], whole[request], strict=True):
            np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(found["sound"], whole["sound"])
    assert len(found["sound"]) == round(2.5 * 16_000)


def test_a_picture_that_is_held_is_there_in_later_chunks(tmp_path, decoders):
    ticks = [0, 1, 2, 75]  # the third frame stays for almost two seconds and a half
    path = write_clip(tmp_path / "a.mp4", numbered_frames(4, 64, 48), fps=30, times=ticks)
    with open_clip(path, [task("a", FrameRequest(1, 0))], decoders, 1, 0.5) as clip:
        found = [
            (at, round((float(image[-8:, -8:].mean()) - 8) / 3))
            for chunk in chunks(clip)
            for at, image in zip(*chunk.frames(1, 0), strict=True)
        ]
    np.testing.assert_allclose([at for at, _ in found], [0, 1, 2], atol=1e-3)
    assert [level for _, level in found] == [0, 2, 2]


def test_the_decoder_waits_for_chunks_to_be_given_back(path, decoders):
    with open_clip(path, CHUNKED, decoders, 1, 0.25) as clip:
        arrived(clip, lambda: clip.chunk(AHEAD - 1, ALL))
        clip.wait(0.5)
        assert clip.chunk(AHEAD, ALL) is None and len(shared_memory()) == AHEAD
        clip.release(1)
        arrived(clip, lambda: clip.chunk(AHEAD, ALL))
        with pytest.raises(KeyError, match="released"):
            clip.chunk(0, ALL)
        assert len(shared_memory()) == AHEAD  # the memory of the first one was used again


def test_the_sound_of_a_chunk_is_a_piece_of_its_own(path, decoders, whole):
    found = []
    with open_clip(path, CHUNKED, decoders, 1, 0.5) as clip:
        for number, chunk in enumerate(chunks(clip)):
            sound = clip.chunk(number, SOUND)
            assert sound is not None and sound.name == f"sound {number}"
            assert (sound.start_s, sound.end_s) == (chunk.start_s, chunk.end_s)
            with pytest.raises(KeyError):
                sound.frames(*EVERY)
            found.append(sound.audio().copy())
            del sound
    np.testing.assert_array_equal(np.concatenate(found), whole["sound"])


def test_the_sound_of_a_chunk_comes_before_its_frames(path):
    link, told = ThreadDecoder(), []
    frames, sound = Wanted(frozenset({EVERY})), Wanted(frozenset({SOME}), True)
    link.send(Open(os.fsencode(path), "", 1, sound, frames, 1.25, 0))
    while not isinstance(report := link.recv(20), Finished):
        if isinstance(report, RoomWanted):
            memory = link.pool.take(report.size_bytes)
            link.send(Room(memory.name))
            link.pool.give(memory)  # for the next one: nobody reads it here
        told.append((type(report).__name__, getattr(report, "chunk", None)))
    link.kill()
    order = [each for each in told if each[0] in {"Heard", "Decoded"}]
    assert order == [("Heard", 0), ("Decoded", 0), ("Heard", 1), ("Decoded", 1), ("Decoded", -1)]


def test_in_a_clip_without_sound_who_only_listens_gets_the_chunk(tmp_path, decoders):
    silent = write_clip(tmp_path / "a.mp4", numbered_frames(15, 64, 48), fps=30)
    with open_clip(silent, CHUNKED, decoders, 1, 0.5) as clip:
        assert arrived(clip, lambda: clip.chunk(0, SOUND)).name == "chunk 0"


def test_some_read_the_whole_clip(path, decoders, whole):
    tasks = [*CHUNKED, task("all", SOME, audio=True, chunked=False)]
    with open_clip(path, tasks, decoders, 1, 0.5) as clip:
        assert clip.whole(Needs()).name == "facts"
        assert clip.whole(tasks[-1].needs) is None  # not before the last chunk
        for _ in chunks(clip):
            pass
        piece = arrived(clip, lambda: clip.whole(tasks[-1].needs))
        np.testing.assert_array_equal(piece.frames(*SOME).images, whole[SOME][1])
        np.testing.assert_array_equal(piece.audio(), whole["sound"])


def test_a_clip_may_be_left_at_any_moment(path, decoders):
    used = set()
    for released in range(4):
        with open_clip(path, CHUNKED, decoders, 1, 0.25) as clip:
            for number in range(released):
                arrived(clip, lambda: clip.chunk(number, ALL))  # noqa: B023
                clip.release(number + 1)
            used.add(clip.link.process.pid)
    assert len(used) == 1  # it was ready for the next clip each time


def after(**done: int) -> TemporaryJournal:
    """The journal of a clip of which each analyzer has read so many chunks."""
    journal = TemporaryJournal()
    for name, chunks_read in done.items():
        for number in range(chunks_read):
            journal.fed(Fed(name, number, b"", b"", 0.0))
    return journal


def test_it_goes_on_from_a_later_chunk(path, decoders, whole):
    journal = after(a=3, b=2)
    with open_clip(path, CHUNKED, decoders, 1, 0.5, journal) as clip:
        with pytest.raises(KeyError):
            clip.chunk(1, ALL)
        later = arrived(clip, lambda: clip.chunk(2, ALL))
        times, images = later.frames(*EVERY)
        expected = (whole[EVERY][0] >= 1.0 - 1e-6) & (whole[EVERY][0] < 1.5 - 1e-6)
        np.testing.assert_array_equal(times, whole[EVERY][0][expected])
        np.testing.assert_array_equal(images, whole[EVERY][1][expected])
        np.testing.assert_array_equal(later.audio(), whole["sound"][16_000:24_000])


def test_where_all_chunks_were_read_none_is_decoded(path, decoders):
    with open_clip(path, CHUNKED, decoders, 1, 0.5, after(a=5, b=5)) as clip:
        assert clip.chunks == 5 and clip.whole(Needs()).name == "facts"
        clip.wait(20)  # for the decoder's end
        assert clip.failure == "" and shared_memory() == set()


def test_chunks_that_were_read_before_are_not_kept_where_some_read_the_whole_clip(path, decoders, whole):
    tasks = [*CHUNKED, task("all", SOME, audio=True, chunked=False)]
    with open_clip(path, tasks, decoders, 1, 0.25, after(a=9, b=9)) as clip:
        clip.release(9)
        piece = arrived(clip, lambda: clip.whole(tasks[-1].needs))
        np.testing.assert_array_equal(piece.frames(*SOME).images, whole[SOME][1])
        assert len(shared_memory()) < AHEAD


def test_a_decoder_that_dies_costs_its_clip_alone(path, decoders):
    with open_clip(path, CHUNKED, decoders, 1, 0.25) as clip:
        arrived(clip, lambda: clip.chunk(0, ALL))
        os.kill(clip.link.process.pid, signal.SIGSEGV)
        with pytest.raises(ClipLost, match=r"a\.mp4 .*SIGSEGV"):
            arrived(clip, lambda: clip.chunk(AHEAD, ALL))
        assert clip.chunk(0, ALL) is not None  # what was decoded can still be read
    assert read(path, decoders, 0.5)["chunks"] == 5


def test_what_is_never_decoded_is_not_waited_for_for_ever(path, decoders):
    with open_clip(path, CHUNKED, decoders, 1, 0.5) as clip:
        for _ in chunks(clip):
            pass
        with pytest.raises(ClipLost, match=r"a\.mp4: its decoder has ended without the whole"):
            arrived(clip, lambda: clip.whole(Needs((EVERY,))))


def test_a_decoder_that_dies_when_it_opens_a_file_is_one_line(path, decoders, monkeypatch):
    with open_clip(path, CHUNKED, decoders, 1) as clip:
        link = clip.link
    link.process.kill()
    refused = pytest.raises(InputError, match=r"^clip\.path: .*a\.mp4 cannot be decoded: .*SIGKILL")
    with refused, open_clip(path, CHUNKED, decoders, 1):
        pass
    assert probe(path).duration_s == pytest.approx(2.5, abs=0.01)


def test_a_clip_that_needs_more_memory_than_there_is_is_refused(path, decoders, monkeypatch):
    monkeypatch.setattr("clipbench.bench.clips.memory_limits.available", lambda: {"/dev/shm": 1000})
    refused = pytest.raises(InputError, match=r"/dev/shm is 0 MB.*clip\.chunk_s=0\.125.*shm-size")
    with refused, open_clip(path, CHUNKED, decoders, 1, 0.5):
        pass
    everything = [task("all", EVERY, chunked=False)]
    refused = pytest.raises(InputError, match="leave out the analyzers that read the whole clip")
    with refused, open_clip(path, everything, decoders, 1, 0.5):
        pass
    assert shared_memory() == set()


@pytest.mark.parametrize("kind", ["fifo", "device", "folder", "nothing"])
def test_what_is_no_file_is_not_waited_for(tmp_path, decoders, kind):
    path = Path("/dev/zero") if kind == "device" else tmp_path / "clip.mp4"
    if kind == "fifo":
        os.mkfifo(path)
    if kind == "folder":
        path.mkdir()
    with pytest.raises(InputError, match=r"^clip\.path: "), open_clip(path, CHUNKED, decoders, 1):
        pass
