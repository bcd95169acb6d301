"""Clips in the object store of Ray, which the actors of a machine read in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from clipbench.analyzers.base import Needs
from clipbench.executors.base import Clip, Handle, Journal, OpenPiece, Piece
from clipbench.executors.steps import chunk_name, sound_name


class StoredClip:
    """A clip whose pieces go into Ray's object store."""

    def __init__(self, clip: Clip) -> None:
        self._clip, self._stored, self._released = clip, dict[str, Stored](), 0
        self.duration_s, self.width, self.height = clip.duration_s, clip.width, clip.height
        self.fps, self.has_audio = clip.fps, clip.has_audio
        self.chunks, self.wait = clip.chunks, clip.wait
        self.journal: Journal = CarriedJournal(clip.journal)

    def chunk(self, number: int, needs: Needs) -> Piece | None:
        return self._kept(self._clip.chunk(number, needs))

    def whole(self, needs: Needs) -> Piece | None:
        return self._kept(self._clip.whole(needs))

    def _kept(self, piece: Piece | None) -> Piece | None:
        return piece and self._stored.setdefault(piece.name, Stored(piece))

    def release(self, until: int) -> None:
        for number in range(self._released, until):
            for name in (sound_name(number), chunk_name(number)):
                self._stored.pop(name, None)
        self._released = max(self._released, until)
        self._clip.release(until)


class CarriedJournal:
    """A journal whose findings can be sent to other machines."""

    def __init__(self, journal: Journal) -> None:
        self._journal, self.position, self.fed = journal, journal.position, journal.fed

    def found(self, analyzer: str) -> Sequence[bytes]:
        return tuple(self._journal.found(analyzer))


class Stored:
    """A piece of a clip that goes into Ray's object store when it is first asked for."""

    def __init__(self, piece: Piece) -> None:
        self.piece, self.name, self.span_s = piece, piece.name, piece.span_s
        self.export = piece.export

    def share(self) -> Handle:
        return self.reference

    @cached_property
    def reference(self) -> Reference:
        import ray

        return Reference(ray.put(self.piece.export()))


@dataclass(frozen=True)
class Reference:
    """A piece of a clip in the object store."""

    stored: Any

    def open(self) -> OpenPiece:
        import ray

        handle: Handle = ray.get(self.stored)
        return handle.open()
