"""Taking an analyzer through a clip step by step, and keeping what it finds in the chunks."""

from __future__ import annotations

import pickle
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from clipbench.analyzers.base import Analyzer, Chunk, ChunkedAnalyzer, Segment
from clipbench.executors.base import Handle, OpenPiece
from clipbench.executors.steps import Fed, Feed, Finish, Whole


def feed(analyzer: Analyzer, step: Feed, chunk: Chunk) -> Fed:
    """Have an analyzer read a chunk. Raises TypeError for what is no pair or cannot be pickled."""
    assert isinstance(analyzer, ChunkedAnalyzer)
    state = analyzer.begin(chunk) if step.state is None else unpickled(step.state, "the state")
    fed: object = analyzer.feed(chunk, state)
    if not isinstance(fed, tuple) or len(fed) != 2:
        raise TypeError(f"feed must return what it found and the state, not {type(fed).__name__}")
    found, state = pickled(fed[0], f"what was found in chunk {step.chunk}"), pickled(fed[1], "the state")
    return Fed(analyzer.name, step.chunk, found, state, 0.0)


def finish(
    analyzer: Analyzer, step: Finish | Whole, piece: Chunk, upstream: Mapping[str, list[Segment]]
) -> object:
    """What an analyzer returns for a clip: from what it found in the chunks, or from the whole clip."""
    if isinstance(step, Whole):
        return analyzer.analyze(piece, upstream)
    assert isinstance(analyzer, ChunkedAnalyzer) and step.state is not None
    found = [unpickled(each, f"what was found in chunk {number}") for number, each in enumerate(step.found)]
    return analyzer.finish(piece, found, unpickled(step.state, "the state"), upstream)


def pickled(value: object, what: str) -> bytes:
    """`value` pickled; raises TypeError, naming what it is, if it cannot be."""
    try:
        return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
        raise TypeError(f"{what} cannot be pickled: {error}") from error


def unpickled(value: bytes, what: str) -> Any:
    """What was pickled; raises TypeError, naming what it is, if it cannot be read."""
    try:
        return pickle.loads(value)
    except MemoryError:
        raise
    except Exception as error:
        raise TypeError(f"{what} cannot be unpickled: {type(error).__name__}: {error}") from error


class MemoryJournal:
    """A journal that lasts as long as the clip. See `Journal` in executors/base.py."""

    def __init__(self) -> None:
        self._last: dict[str, Fed] = {}
        self._found: dict[str, list[bytes]] = defaultdict(list)

    def position(self, analyzer: str) -> tuple[int, bytes | None]:
        last = self._last.get(analyzer)
        return (last.chunk + 1, last.state) if last else (0, None)

    def fed(self, fed: Fed) -> None:
        self._last[fed.analyzer] = fed
        self._found[fed.analyzer].append(fed.found)

    def found(self, analyzer: str) -> list[bytes]:
        return self._found[analyzer]


class OpenPieces:
    """The pieces of one clip that are open, by their names."""

    def __init__(self) -> None:
        self._open: dict[str, OpenPiece] = {}

    def get(self, name: str, handle: Callable[[], Handle]) -> OpenPiece:
        """The piece, opened at its first use."""
        if name not in self._open:
            self._open[name] = handle().open()
        return self._open[name]

    def forget(self, name: str) -> None:
        """Let go of a piece."""
        if name in self._open:
            self._open.pop(name).close()

    def close(self) -> None:
        """Let go of all pieces."""
        for name in list(self._open):
            self.forget(name)
