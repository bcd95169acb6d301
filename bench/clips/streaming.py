"""A clip while it is decoded: its chunks appear one after another, and are given back when they were read."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

from clipbench.analyzers.base import Needs
from clipbench.bench.clips import memory_limits
from clipbench.bench.clips.clip_info import ClipInfo
from clipbench.bench.clips.decoder_link import DecoderDied, DecoderLink
from clipbench.bench.clips.decoder_protocol import (
    Decoded,
    Finished,
    Heard,
    Open,
    Opened,
    Refused,
    Report,
    Room,
    RoomWanted,
    Stop,
)
from clipbench.bench.clips.shared_clip import WHOLE, PieceLayout, SharedClip, facts_alone
from clipbench.bench.errors import InputError
from clipbench.executors.base import ClipLost, Journal
from clipbench.executors.steps import OnDecoded, chunk_name, sound_name
from clipbench.executors.supervision import TIMEOUT_SPAN_S

#: Seconds that a decoder may take for opening a clip, or for a chunk of up to `TIMEOUT_SPAN_S` seconds.
TIMEOUT_S = 120.0


class StreamedClip:
    """A clip that another process decodes. See `Clip` in executors/base.py.

    At most `ahead` chunks are in memory at once. `failure` says why decoding has failed, "" where it has not.
    Raises InputError for a file that cannot be read as a clip, and where the memory would not suffice.
    """

    def __init__(
        self, link: DecoderLink, job: Open, journal: Journal, ahead: int, on_decoded: OnDecoded
    ) -> None:
        self.link, self.job, self.journal, self.ahead = link, job, journal, ahead
        self.on_decoded = on_decoded
        self._changed = threading.Condition()
        self._memory: dict[int, SharedMemory] = {}
        self._pieces: dict[str, SharedClip] = {}
        self._released, self.failure, self._over, self._closing = job.first, "", False, False
        link.send(job)
        opened = self._first_answer()
        self.info: ClipInfo = opened.facts.info
        self.chunks = opened.chunks
        self.duration_s, self.fps, self.has_audio = self.info.duration_s, self.info.fps, self.info.has_audio
        self.width, self.height = self.info.width, self.info.height
        self.facts = facts_alone(self.info)
        needed = opened.whole_bytes + opened.chunk_bytes * min(ahead, self.chunks)
        try:
            memory_limits.check(needed, opened.whole_bytes, job.chunk_s)
        except InputError:
            self._leave()
            raise
        self._pump = threading.Thread(target=self._listen, name="decoder", daemon=True)
        self._pump.start()

    def _first_answer(self) -> Opened:
        path = Path(os.fsdecode(self.job.path))
        try:
            answer = self.link.recv(TIMEOUT_S)
        except DecoderDied as error:
            raise InputError(f"clip.path: {path} cannot be decoded: {error}") from error
        if isinstance(answer, Refused):
            raise InputError(answer.reason)
        assert isinstance(answer, Opened), answer
        return answer

    def chunk(self, number: int, needs: Needs) -> SharedClip | None:
        """A chunk or its sound, None while it is not decoded.

        Raises ClipLost, and for a released one KeyError.
        """
        only_sound = needs.audio and not needs.frames and self.has_audio
        with self._changed:
            if number < self._released:
                raise KeyError(f"chunk {number} was released")
            return self._piece(sound_name(number) if only_sound else chunk_name(number))

    def whole(self, needs: Needs) -> SharedClip | None:
        """The whole clip, None while it is not decoded; the facts alone where `needs` names nothing."""
        if not needs.frames and not needs.audio:
            return self.facts
        with self._changed:
            return self._piece(WHOLE)

    def _piece(self, name: str) -> SharedClip | None:
        if (piece := self._pieces.get(name)) is None:
            if self.failure:
                raise ClipLost(self.failure)
            if self._over:
                raise ClipLost(f"clip.path: {self.info.path}: its decoder has ended without the {name}")
        return piece

    def release(self, until: int) -> None:
        """Give back the chunks before this one."""
        with self._changed:
            for number in range(self._released, until):
                self._free(number)
            self._released = max(self._released, until)
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> None:
        """Wait until something more is decoded, for at most so many seconds."""
        with self._changed:
            if not self._over:
                self._changed.wait(timeout_s)

    def wait_for_all(self) -> SharedClip:
        """The whole clip, once it is decoded. Raises InputError if that fails."""
        with self._changed:
            self._changed.wait_for(lambda: self._over)
            if self.failure:
                raise InputError(self.failure)
            return self._pieces[WHOLE]

    def close(self) -> None:
        """Leave the clip: what is in memory is freed, and the decoder is ready for another."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._pump.join()
        self._leave()
        for number in list(self._memory):
            self._free(number)
        self.facts.close()

    def _leave(self) -> None:
        """Have the decoder leave the clip, or end it."""
        if not self._over:
            self.link.leave(Stop())
        self._over = True

    def _listen(self) -> None:
        """Hear the decoder until it has finished with the clip, or the clip is closed."""
        try:
            while not self._over and not self._closing:
                if (report := self.link.poll(0.1, self._limit_s())) is not None:
                    self._hear(report)
        except DecoderDied as error:
            self._end(f"clip.path: {self.info.path} cannot be decoded further: {error}")
        except InputError as error:
            self.link.kill()
            self._end(str(error))

    def _limit_s(self) -> float:
        return TIMEOUT_S * max(1.0, (self.job.chunk_s or self.duration_s) / TIMEOUT_SPAN_S)

    def _hear(self, report: Report) -> None:
        match report:
            case RoomWanted(chunk, size_bytes):
                self._give_room(chunk, size_bytes)
            case Heard(layout, chunk):
                self._add(layout, chunk)
            case Decoded(layout, chunk, start_s, end_s):
                if chunk >= 0:  # the whole clip is written beside the chunks
                    self.on_decoded(start_s, end_s, chunk)
                self._add(layout, chunk)
                if 0 <= chunk < self._released:  # it was only on the way to others
                    self._free(chunk)
            case Finished(remarks):
                self.info = replace(self.info, remarks=[*self.info.remarks, *remarks])
                self._end("")
            case Refused(reason):
                self._end(reason)

    def _add(self, layout: PieceLayout, number: int) -> None:
        """Have a piece that lies in the memory of this chunk."""
        with self._changed:
            if number in self._memory:
                self._pieces[layout.name] = SharedClip(layout, self._memory[number])
            self._changed.notify_all()

    def _give_room(self, chunk: int, size_bytes: int) -> None:
        """Wait until few enough chunks are in memory, and give the decoder memory for another."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or chunk < self._released + self.ahead)
            if self._closing:
                return
            self._memory[chunk] = self.link.pool.take(size_bytes)
        self.link.send(Room(self._memory[chunk].name))

    def _end(self, failure: str) -> None:
        with self._changed:
            self.failure, self._over = failure, True
            self._changed.notify_all()

    def _free(self, number: int) -> None:
        with self._changed:
            for name in (chunk_name(number), sound_name(number)) if number >= 0 else (WHOLE,):
                if (piece := self._pieces.pop(name, None)) is not None:
                    piece.drop()
            if (memory := self._memory.pop(number, None)) is not None:
                self.link.pool.give(memory)
