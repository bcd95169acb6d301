"""What decoding costs: clips are decoded with nobody to read them, so that the decoder never waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from clipbench.analyzers.base import Needs
from clipbench.bench.clips.decoder_link import Decoders
from clipbench.bench.clips.decoding import open_clip
from clipbench.bench.clips.streaming import StreamedClip
from clipbench.bench.costing.observed import Decoded, Observed
from clipbench.bench.costing.stages import Subject
from clipbench.bench.errors import Interrupted
from clipbench.executors.base import now
from clipbench.executors.layout import Task

#: What is wanted of a clip, in a unit's name.
SOUND, ONE_SIZE, ALL_SIZES = "sound", "frames of one size", "frames of all sizes"
#: How often each clip is decoded for each of them.
PASSES = 2


class Decoding:
    """The clip's sound alone, its frames in one size and in all, and frames of clips of other sizes."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    def units(self) -> list[str]:
        here = [f"decoding {what}" for what in (SOUND, ONE_SIZE, ALL_SIZES)]
        others = [f"decoding {ONE_SIZE}: {path}" for path in self.subject.other_clips]
        return here + others

    def measure(self, unit: str, found: Observed) -> None:
        what, _, path = unit.removeprefix("decoding ").partition(": ")
        tasks = [task for task in self.subject.tasks if task.chunked]
        wanted = WANTED[what](tasks)
        if not wanted:
            return
        sizes = len({request.size for task in wanted for request in task.needs.frames})
        clip = Path(path) if path else self.subject.clip
        with Decoders() as decoders:
            spawn_s = self._spawned(decoders, clip, wanted)
            for _ in range(PASSES):
                decoded = decode(decoders, clip, wanted, self.subject.chunk_s, sizes)
                found.decoded.append(replace(decoded, spawn_s=spawn_s))

    def _spawned(self, decoders: Decoders, clip: Path, tasks: Sequence[Task]) -> float:
        """Open a clip once, which starts a decoder; by how many seconds that takes longer than opening."""
        first, then = (opening(decoders, clip, tasks, self.subject.chunk_s) for _ in range(2))
        return max(0.0, first - then)


def sound(tasks: Sequence[Task]) -> list[Task]:
    """Tasks that want the sound of a clip alone."""
    return [replace(task, needs=Needs(audio=True)) for task in tasks if task.needs.audio][:1]


def one_size(tasks: Sequence[Task]) -> list[Task]:
    """Those that want frames of the size that most want, without sound."""
    wanted = [request.size for task in tasks for request in task.needs.frames]
    most = max(wanted, key=lambda size: (wanted.count(size), size), default=None)
    chosen = [(task, [r for r in task.needs.frames if r.size == most]) for task in tasks]
    return [replace(task, needs=Needs(tuple(requests))) for task, requests in chosen if requests]


def all_sizes(tasks: Sequence[Task]) -> list[Task]:
    """Those that want frames, without sound."""
    return [replace(task, needs=Needs(task.needs.frames)) for task in tasks if task.needs.frames]


WANTED = {SOUND: sound, ONE_SIZE: one_size, ALL_SIZES: all_sizes}


def opening(decoders: Decoders, path: Path, tasks: Sequence[Task], chunk_s: float | None) -> float:
    """Seconds until a clip is open."""
    start_s = now()
    with open_clip(path, tasks, decoders, 1, chunk_s):
        return now() - start_s


def decode(
    decoders: Decoders, path: Path, tasks: Sequence[Task], chunk_s: float | None, sizes: int
) -> Decoded:
    """Decode a clip to its end, and give back each chunk at once."""
    times: list[tuple[int, float]] = []
    start_s = now()
    with open_clip(
        path, tasks, decoders, 1, chunk_s, on_decoded=lambda a, b, chunk: times.append((chunk, b - a))
    ) as clip:
        open_s = now() - start_s
        read(clip)
        spans = [length(clip, chunk_s, number) for number, _ in times]
        megapixels = clip.width * clip.height / 1e6
        return Decoded(
            path.name,
            megapixels,
            chunk_s or clip.duration_s,
            sizes,
            open_s,
            spans,
            [seconds for _, seconds in times],
        )


def read(clip: StreamedClip) -> None:
    """Release each chunk as soon as it is there."""
    for number in range(clip.chunks):
        while clip.chunk(number, Needs()) is None:
            clip.wait(0.1)
            Interrupted.check()
        clip.release(number + 1)


def length(clip: StreamedClip, chunk_s: float | None, number: int) -> float:
    """Seconds of a chunk."""
    if chunk_s is None or number == clip.chunks - 1:
        return clip.duration_s - number * (chunk_s or 0.0)
    return chunk_s
