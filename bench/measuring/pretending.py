"""What a run has where nothing runs: clips that are not decoded, and nobody who watches processes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from clipbench.analyzers.base import Needs
from clipbench.bench.clips.clip_info import ClipInfo
from clipbench.bench.clips.decoder_link import Decoders
from clipbench.bench.clips.decoding import open_clip
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.executors.base import Executor, Piece, Plan, PretendedClip
from clipbench.executors.steps import OnDecoded

#: Why a run that is simulated has no measurement.
NOTHING_RAN = NotMeasured("simulated: nothing ran that could be measured")


class Unwatched:
    """Stands where the sampler is, whose methods it has."""

    telemetry = NOTHING_RAN

    def __enter__(self) -> Unwatched:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def mark(self, name: str) -> None:
        """Nobody looks at the state that this names."""


class ProbedClip:
    """A pretended clip with the facts of a file. See `OpenedClip` in bench/measuring/clip_queue.py."""

    failure = ""

    def __init__(self, info: ClipInfo, clip: PretendedClip) -> None:
        self.info, self._clip = info, clip
        self.duration_s, self.fps, self.has_audio = info.duration_s, info.fps, info.has_audio
        self.width, self.height = info.width, info.height
        self.chunks, self.journal = clip.chunks, clip.journal
        self.whole, self.release, self.wait, self.close = clip.whole, clip.release, clip.wait, clip.close

    def chunk(self, number: int, needs: Needs) -> Piece | None:
        return self._clip.chunk(number, needs)


class PretendedFiles:
    """Opens clips for a virtual executor: a file is probed once, by a real decoder, and not decoded."""

    def __init__(self, executor: Executor, plan: Plan, decoders: Decoders, chunk_s: float | None) -> None:
        self.executor, self.plan, self.decoders, self.chunk_s = executor, plan, decoders, chunk_s
        self._probed: dict[Path, ClipInfo] = {}

    @contextlib.contextmanager
    def open(self, path: Path, on_decoded: OnDecoded) -> Iterator[ProbedClip]:
        """The clip at `path`, as a context that leaves it. Raises InputError if it cannot be read."""
        if path not in self._probed:
            with open_clip(path, [], self.decoders, 1) as clip:
                self._probed[path] = clip.info
        info = self._probed[path]
        with contextlib.closing(self.executor.pretend(self.plan, info, self.chunk_s, on_decoded)) as clip:
            yield ProbedClip(info, clip)
