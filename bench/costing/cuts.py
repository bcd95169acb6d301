"""A clip that is open and cut into chunks that are all in memory, so that any can be read at any time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from clipbench.bench.clips.decoder_link import Decoders
from clipbench.bench.clips.decoding import open_clip
from clipbench.bench.clips.shared_clip import SharedClip
from clipbench.bench.clips.streaming import StreamedClip
from clipbench.bench.errors import InputError, Interrupted
from clipbench.executors.base import ClipLost
from clipbench.executors.layout import Task

#: A clip is measured in chunks of `clip.chunk_s`, and its beginning in pieces of this part of that, so that
#: it shows what each piece costs however short it is.
SHORT = 1 / 4
#: Seconds of a clip that costs are measured on at most: all of it is in memory at once.
LONGEST_S = 60.0


class Cut:
    """A clip that is open, cut into chunks of one length, all of which are in memory."""

    def __init__(self, clip: StreamedClip, chunk_s: float, count: int) -> None:
        self.clip, self.chunk_s, self.count = clip, chunk_s, min(count, clip.chunks)

    def piece(self, task: Task, number: int) -> SharedClip:
        """What a task reads of a chunk."""
        return self._there(lambda: self.clip.chunk(number, task.needs))

    def whole(self, task: Task) -> SharedClip:
        """What a task reads that reads the clip at once."""
        return self._there(lambda: self.clip.whole(task.needs))

    def _there(self, asked: Callable[[], SharedClip | None]) -> SharedClip:
        try:
            while (piece := asked()) is None:
                self.clip.wait(0.1)
                Interrupted.check()
            return piece
        except ClipLost as error:
            raise InputError(str(error)) from error


@contextlib.contextmanager
def cuts(path: Path, tasks: Sequence[Task], chunk_s: float | None) -> Iterator[tuple[Cut, Cut]]:
    """The clip in its chunks, and its beginning, which is the first of them, in shorter ones."""
    with Decoders() as decoders, open_clip(path, tasks, decoders, 1, chunk_s, ahead=10_000) as clip:
        if clip.duration_s > LONGEST_S:
            raise InputError(
                f"clip.path: costs are measured on a clip of at most {LONGEST_S:g} s, and {path} has "
                f"{clip.duration_s:.0f} s; cut a typical piece out of it, or name another clip"
            )
        long = Cut(clip, chunk_s or clip.duration_s, clip.chunks)
        first_s = clip.duration_s if clip.chunks == 1 else long.chunk_s
        chunked = [task for task in tasks if task.chunked]
        with open_clip(path, chunked, decoders, 1, first_s * SHORT) as short:
            yield long, Cut(short, first_s * SHORT, round(1 / SHORT))
