"""The process that decodes: clip after clip, piece after piece, into memory that it is given.

A file that takes a decoder down takes this process down, and nothing else.
"""

from __future__ import annotations

import functools
import logging
import os
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np

from clipbench.bench.clips.clip_info import ClipInfo
from clipbench.bench.clips.decoder_protocol import (
    Command,
    Decoded,
    Finished,
    Heard,
    Open,
    Opened,
    Refused,
    Report,
    Room,
    RoomWanted,
    Wanted,
)
from clipbench.bench.clips.piece_writer import SPARE_ROWS, PieceWriter
from clipbench.bench.clips.sampling import Sampling, expected
from clipbench.bench.clips.shared_clip import WHOLE, facts_alone
from clipbench.bench.clips.shared_memory import AttachedMemory, attach
from clipbench.bench.clips.sound import AUDIO_RATE
from clipbench.bench.clips.source import ClipSource, TimedPicture
from clipbench.bench.errors import InputError
from clipbench.executors.held_signals import leave_to_parent
from clipbench.executors.serving import die_with_parent
from clipbench.executors.steps import chunk_edges, chunk_name, sound_name
from clipbench.executors.streams import make_forgiving

log = logging.getLogger(__name__)

#: How many blocks of memory stay attached.
KEPT = 8


class Stopped(Exception):
    """The clip is not wanted any more."""


def serve_process(connection: Connection[Report, Command], cores: tuple[int, ...]) -> None:
    """The decoder's process from its first line. It keeps to these cores; to none in particular if empty."""
    leave_to_parent()
    import cv2

    die_with_parent()
    make_forgiving()
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    cv2.setNumThreads(1)  # for pictures of this size, starting threads takes longer than scaling
    serve(connection)
    os._exit(0)  # nothing is left to do, and libraries may take their time


def serve(connection: Connection[Report, Command]) -> None:
    """Decode what comes over `connection` until it ends. Runs in a process or in a thread."""
    try:
        while True:
            command = connection.recv()
            if isinstance(command, Open):
                connection.send(decode(connection, command))
    except (EOFError, OSError) as error:
        log.debug("the decoder is not needed any more: %r", error)
    finally:
        connection.close()


def decode(connection: Connection[Report, Command], job: Open) -> Finished | Refused:
    """Decode one clip, whatever happens."""
    path = Path(os.fsdecode(job.path))
    try:
        with ClipSource(path, job.threads) as source:
            decoding = Decoding(connection, job, path, source)
            decoding.run()
            return Finished(decoding.remarks())
    except Stopped:
        return Finished(())
    except InputError as error:
        return Refused(str(error))
    except MemoryError:
        return Refused(f"clip.path: {path} needs more memory to decode than there is")
    except Exception as error:  # a kind of damage that nobody has thought of costs one clip
        log.debug("decoding %s", path, exc_info=True)
        return Refused(f"clip.path: {path} cannot be decoded: {type(error).__name__}: {error}")


@functools.lru_cache(maxsize=KEPT)
def attached(name: str) -> SharedMemory | AttachedMemory:
    """Memory that was attached before, if it is among the last ones: its pages need not be mapped again."""
    return attach(name)


class Decoding:
    """One clip on its way through the decoder."""

    def __init__(
        self, connection: Connection[Report, Command], job: Open, path: Path, source: ClipSource
    ) -> None:
        self.connection, self.job, self.source = connection, job, source
        probed = self.probed = source.probed
        self.info = ClipInfo(
            path=os.fsdecode(job.path),
            sha256=job.sha256,
            duration_s=probed.duration_s,
            width=probed.width,
            height=probed.height,
            fps=probed.fps,
            has_audio=probed.has_audio,
            frames=len(probed.times_s),
            tracks=probed.tracks,
            remarks=list(probed.warnings),
        )
        self.edges = chunk_edges(probed.duration_s, job.chunk_s if job.chunked else None)
        requests = job.chunked.frames | job.whole.frames
        self.expected = expected(requests, probed.times_s, probed.duration_s)
        self.samplings = {
            request: Sampling(request.fps, probed.duration_s, probed.times_s) for request in requests
        }
        self.missed = 0
        self.began_s = 0.0

    def writer(self, number: int) -> PieceWriter:
        """What writes a chunk; with -1, what writes the whole clip."""
        if number < 0:
            return self._writer(WHOLE, (0.0, self.info.duration_s), self.job.whole)
        span_s = self.edges[number], self.edges[number + 1]
        return self._writer(chunk_name(number), span_s, self.job.chunked)

    def _writer(self, name: str, span_s: tuple[float, float], wanted: Wanted) -> PieceWriter:
        frames_of: dict[int, list[np.ndarray]] = {}
        for request in wanted.frames:
            frames, times = self.expected[request]
            first, stop = np.searchsorted(times, span_s)
            frames_of.setdefault(request.size, []).append(frames[first:stop])
        rows = {size: len(np.unique(np.concatenate(f))) + SPARE_ROWS for size, f in frames_of.items()}
        samples = round(span_s[1] * AUDIO_RATE) - round(span_s[0] * AUDIO_RATE)
        return PieceWriter(
            self.info, name, span_s, rows, samples if wanted.audio and self.info.has_audio else None
        )

    def run(self) -> None:
        """Tell what there will be, and then decode it."""
        count = len(self.edges) - 1
        sizes = [self.writer(number).layout.size_bytes for number in range(count)]
        whole = self.writer(-1) if self.job.whole else None
        self.connection.send(
            Opened(
                facts_alone(self.info).export().layout,
                count,
                max(sizes),
                whole.layout.size_bytes if whole else 0,
            )
        )
        if whole is not None:
            self._make_room(whole, -1)
        if (self.job.chunked and self.job.first < count) or whole is not None:
            self._decode(whole)

    def _decode(self, whole: PieceWriter | None) -> None:
        number = self.job.first
        if number:
            self._seek(self.edges[number])
        writer = self._next_chunk(number, whole)
        for index, (picture, until_s) in enumerate(self._on_screen()):
            given = [
                (at, request)
                for request, sampling in self.samplings.items()
                for at in sampling.times(picture.time_s, until_s)
            ]
            # A held picture may be given again in later chunks.
            for at, request in sorted(given):
                while at >= writer.end_s - 1e-9 and number + 2 < len(self.edges):
                    self._finish(writer, self.job.chunked, number)
                    number += 1
                    writer = self._next_chunk(number, whole)
                if request in self.job.chunked.frames and at >= writer.start_s - 1e-9:
                    writer.put(request, at, index, picture.picture)
                if whole is not None and request in self.job.whole.frames:
                    whole.put(request, at, index, picture.picture)
            if self.connection.poll():
                raise Stopped
        for following in range(number + 1, len(self.edges) - 1):
            self._finish(writer, self.job.chunked, following - 1)
            writer = self._next_chunk(following, whole)
        self._finish(writer, self.job.chunked, len(self.edges) - 2)
        if whole is not None:
            self._finish(whole, self.job.whole, -1)

    def _on_screen(self) -> Iterator[tuple[TimedPicture, float]]:
        """The clip's next pictures, each with the time until which it is on screen."""
        if not self.samplings:
            return  # only the sound is wanted
        pictures = self.source.pictures_until(float("inf"))
        last: TimedPicture | None = None
        for picture in pictures:
            if picture.time_s >= self.info.duration_s:
                break  # its time is damaged
            if last is not None:
                yield last, picture.time_s
            last = picture
        if last is not None:
            yield last, float("inf")

    def _seek(self, start_s: float) -> None:
        """Go on at the start of a chunk, with the picture that is on screen there."""
        before = self.probed.times_s[self.probed.times_s <= start_s]
        shown_s = float(before[-1]) if len(before) else 0.0
        earlier_s = float(before[-2]) if len(before) > 1 else None
        self.source.want_sound = self.job.chunked.audio or self.job.whole.audio
        self.source.seek(shown_s)
        if self.source.want_sound:
            self.source.sound_until(start_s)
        for sampling in self.samplings.values():
            sampling.start_at(shown_s, earlier_s)

    def _next_chunk(self, number: int, whole: PieceWriter | None) -> PieceWriter:
        """What writes this chunk, once there is memory for it, with the sound already in it."""
        writer = self.writer(number)
        self._make_room(writer, number)
        self._hear(writer, whole, number)
        return writer

    def _make_room(self, writer: PieceWriter, number: int) -> None:
        """Wait until there is memory for a piece."""
        self.connection.send(RoomWanted(number, writer.layout.size_bytes))
        answer = self.connection.recv()
        if not isinstance(answer, Room):
            raise Stopped
        writer.use(attached(answer.memory_name))
        self.began_s = time.monotonic()

    def _hear(self, writer: PieceWriter, whole: PieceWriter | None, number: int) -> None:
        """Add a chunk's sound, and tell that it is complete: who only listens need not wait for frames."""
        if not (self.info.has_audio and (self.job.chunked.audio or self.job.whole.audio)):
            return
        sound, levels = self.source.sound_until(writer.end_s), self.source.levels_until(writer.end_s)
        if whole is not None and self.job.whole.audio:
            whole.hear(sound, levels)
        if self.job.chunked.audio:
            writer.hear(sound, levels)
            self.connection.send(Heard(writer.heard(sound_name(number)), number))

    def _finish(self, writer: PieceWriter, wanted: Wanted, number: int) -> None:
        layout = writer.finished(wanted.frames)
        self.missed += writer.missed
        self.connection.send(Decoded(layout, number, self.began_s, time.monotonic()))

    def remarks(self) -> tuple[str, ...]:
        """What could not be decoded, for people."""
        lines = tuple(self.source.damage().lines())
        if self.missed:
            lines += (f"{self.missed} frames more than the file announces were left out",)
        return lines
