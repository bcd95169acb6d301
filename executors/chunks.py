"""Taking an analyzer through a clip step by step, and keeping what it finds in the chunks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from clipbench.analyzers.base import Analyzer, Chunk, ChunkedAnalyzer, Segment
from clipbench.executors.base import Handle, OpenPiece
from clipbench.executors.findings import Findings, FoundFile, pickled, unpickled
from clipbench.executors.leftovers import OwnFolder
from clipbench.executors.steps import Fed, Feed, Finish, Whole

#: Bytes of findings that a journal keeps in memory: those of about two minutes of clip.
MOST_IN_MEMORY = 8_000_000


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
    return analyzer.finish(piece, Findings(step.found), unpickled(step.state, "the state"), upstream)


class TemporaryJournal:
    """A journal that lasts as long as the clip. See `Journal` in executors/base.py.

    What was found is in memory as long as it has at most `most` bytes in all, and in files from then on, so
    that memory does not grow with the clip. They are in the folder for temporary files (TMPDIR).
    """

    def __init__(self, most: int = MOST_IN_MEMORY) -> None:
        self._most, self._bytes = most, 0
        self._last: dict[str, tuple[int, bytes]] = {}
        self._found: dict[str, list[bytes]] = defaultdict(list)
        self._files: dict[str, FoundFile] = {}
        self._folder: OwnFolder | None = None

    def position(self, analyzer: str) -> tuple[int, bytes | None]:
        return self._last.get(analyzer, (0, None))

    def fed(self, fed: Fed) -> None:
        self._last[fed.analyzer] = fed.chunk + 1, fed.state
        self._found[fed.analyzer].append(fed.found)
        self._bytes += len(fed.found)
        if self._bytes > self._most:
            self._write()

    def _write(self) -> None:
        """Move what is in memory into the files."""
        self._folder = self._folder or OwnFolder()
        for name, found in self._found.items():
            for one in found:
                file = self._files.get(name) or FoundFile(self._folder.path / name)
                self._files[name] = file.appended(one)
        self._found.clear()

    def found(self, analyzer: str) -> Sequence[bytes]:
        return self._files.get(analyzer) or tuple(self._found[analyzer])

    def close(self) -> None:
        """Remove the files."""
        if self._folder is not None:
            self._folder.close()


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
