"""An analyzer's segments as they travel between processes: pickled, and unpickled where they are read."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from typing import Any

from clipbench.analyzers.base import Segment


class PackedSegments(Sequence[Segment]):
    """Segments that are unpickled each time they are gone through.

    Those of all analyzers for an hour take 22 MB so, and 180 MB as objects. The process that measures keeps
    them, and reads none while workers are at work.
    """

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._count = len(segments)
        self._pickle = pickle.dumps(list(segments), protocol=pickle.HIGHEST_PROTOCOL)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Segment]:
        return iter(self._unpacked())

    def __getitem__(self, index: Any) -> Any:
        return self._unpacked()[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._unpacked() == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._unpacked())

    def _unpacked(self) -> list[Segment]:
        segments: list[Segment] = pickle.loads(self._pickle)
        return segments
