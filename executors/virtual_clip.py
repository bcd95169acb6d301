"""A pretended clip: nothing of it is decoded, but its chunks appear as a decoder in the world proceeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clipbench.analyzers.base import ClipFacts, Needs
from clipbench.executors.base import Journal, OpenPiece
from clipbench.executors.chunks import TemporaryJournal
from clipbench.executors.costs import DecodingCost
from clipbench.executors.layout import Task
from clipbench.executors.steps import AHEAD, OnDecoded, chunk_edges, chunk_name, nobody, sound_name
from clipbench.executors.virtual import PARKED, Activity, Process, Stretch, World

#: The kind of the activity that decodes, and the name of the piece that has all of a clip.
DECODER, WHOLE, FACTS = "decoder", "whole", "facts"


@dataclass(slots=True)
class VirtualPiece:
    """A piece of a pretended clip. See `Piece` in executors/base.py; it is its own handle.

    It begins at `start_s` of a clip that has `duration_s`.
    """

    name: str
    start_s: float
    span_s: float
    duration_s: float
    megapixels: float
    has_audio: bool

    def share(self) -> VirtualPiece:
        return self

    def export(self) -> VirtualPiece:
        return self

    def open(self) -> OpenPiece:
        raise NotImplementedError("there is nothing in a pretended clip")


@dataclass(frozen=True)
class VirtualDecoder:
    """What decodes pretended clips: what that takes on a machine of this speed, on which cores."""

    cost: DecodingCost
    cpus: tuple[int, ...]
    core_speed: float

    def stretch(self, seconds: float) -> Stretch:
        """So many seconds of a core."""
        return Stretch(seconds / self.core_speed, 1.0, self.cpus, self.cost.pressure, self.cost.sensitivity)


class VirtualClip:
    """See `Clip` in executors/base.py. It is decoded in the `world` from now on.

    `facts` are those of a file, or declared. Of the world's time, opening it takes what it takes.
    """

    journal: Journal

    def __init__(
        self,
        world: World,
        decoder: VirtualDecoder,
        facts: ClipFacts,
        tasks: Sequence[Task],
        chunk_s: float | None,
        spawned: bool = True,
        on_decoded: OnDecoded = nobody,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        """`spawned` says whether there is a decoder that has nothing to do.

        `on_decoded` is told the start and the end of decoding each chunk.
        """
        self.duration_s, self.fps, self.has_audio = facts.duration_s, facts.fps, facts.has_audio
        self.width, self.height = facts.width, facts.height
        self.journal = TemporaryJournal()
        self._world, self._decoder, self._on_decoded = world, decoder, on_decoded
        self._on_close = on_close
        needs, chunked = [task.needs for task in tasks], any(task.chunked for task in tasks)
        self._sizes = len({request.size for need in needs for request in need.frames})
        self._sound = facts.has_audio and any(need.audio for need in needs)
        self._edges = chunk_edges(facts.duration_s, chunk_s if chunked else None)
        self.chunks = len(self._edges) - 1
        self._ready: dict[str, VirtualPiece] = {}
        self._facts = self._piece(FACTS, 0.0, facts.duration_s)
        self._released, self._opened = 0, False
        self._activity: Activity = world.begin(self._decode(spawned), DECODER)
        while not self._opened:
            world.advance(float("inf"))

    def _piece(self, name: str, start_s: float, span_s: float) -> VirtualPiece:
        megapixels = self.width * self.height / 1e6
        return VirtualPiece(name, start_s, span_s, self.duration_s, megapixels, self.has_audio)

    def _decode(self, spawned: bool) -> Process:
        """The decoder: it opens the clip, and goes ahead by a bounded number of chunks."""
        decoder, cost, megapixels = self._decoder, self._decoder.cost, self._facts.megapixels
        yield decoder.stretch(cost.open_s + (0.0 if spawned else cost.spawn_s))
        self._opened = True
        each = 1 + cost.more_sizes * (self._sizes - 1)
        for number in range(self.chunks):
            while number >= self._released + AHEAD:
                yield PARKED
            begun_s, start_s = self._world.now_s, self._edges[number]
            span_s = self._edges[number + 1] - start_s
            if self._sound:
                yield decoder.stretch(cost.sound.at(span_s, megapixels))
                self._add(sound_name(number), start_s, span_s)
            if self._sizes:
                yield decoder.stretch(each * cost.frames.at(span_s, megapixels))
            self._on_decoded(begun_s, self._world.now_s, number)
            self._add(chunk_name(number), start_s, span_s)
        self._add(WHOLE, 0.0, self.duration_s)

    def _add(self, name: str, start_s: float, span_s: float) -> None:
        """Have a piece that is decoded."""
        self._ready[name] = self._piece(name, start_s, span_s)
        self._world.news = True

    def chunk(self, number: int, needs: Needs) -> VirtualPiece | None:
        """A chunk or its sound, None while it is not decoded; for a released one KeyError."""
        if number < self._released:
            raise KeyError(f"chunk {number} was released")
        only_sound = needs.audio and not needs.frames and self.has_audio
        return self._ready.get(sound_name(number) if only_sound else chunk_name(number))

    def whole(self, needs: Needs) -> VirtualPiece | None:
        """The whole clip, None while it is not decoded; the facts alone where `needs` names nothing."""
        return self._ready.get(WHOLE) if needs.frames or needs.audio else self._facts

    def release(self, until: int) -> None:
        """Give back the chunks before this one."""
        for number in range(self._released, until):
            self._ready.pop(sound_name(number), None)
            self._ready.pop(chunk_name(number), None)
        self._released = max(self._released, until)
        self._world.resume(self._activity)

    def wait(self, timeout_s: float) -> None:
        """Have the world go on until something more may be decoded, for at most so many seconds."""
        self._world.advance(self._world.now_s + timeout_s)

    def close(self) -> None:
        """Leave the clip."""
        self._world.end(self._activity)
        self._on_close()
