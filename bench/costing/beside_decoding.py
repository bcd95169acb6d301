"""Decoding in company: how much a decoder and an analyzer slow each other, each on a core of its own."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, median

from clipbench.bench.clips.decoder_link import Decoders
from clipbench.bench.clips.decoding import open_clip
from clipbench.bench.costing.company import DECODING
from clipbench.bench.costing.decoding import ALL_SIZES, WANTED, read
from clipbench.bench.costing.observed import Observed, Pair
from clipbench.bench.costing.stages import BESIDE_S, Rigs, alone, beside, length, prepared_for, standing_for
from clipbench.executors.base import now
from clipbench.executors.layout import Task

#: Decoding runs beside every analyzer of this distance: it takes the whole clip each time.
EVERY = 5
#: The analyzer is kept at work for so much longer than decoding takes alone.
LONGER = 1.5


class BesideDecoding:
    """The whole clip is decoded while an analyzer takes a step again and again."""

    def __init__(self, rigs: Rigs) -> None:
        self.rigs = rigs
        self._warm = False  # whether a decoder has started

    def units(self) -> list[str]:
        names = [task.analyzer for task in self.rigs.subject.tasks]
        return [f"{DECODING} beside {name}" for name in names[::EVERY]] if self.rigs.subject.cores > 1 else []

    def measure(self, unit: str, found: Observed) -> None:
        timing = standing_for(found, unit.removeprefix(f"{DECODING} beside "))
        tasks = WANTED[ALL_SIZES]([task for task in self.rigs.subject.tasks if task.chunked])
        if timing is None or not tasks:
            return
        rig = self.rigs.get("first", 1)
        step = prepared_for(rig, timing)
        decoders = self.rigs.decoders
        if not self._warm:
            self._decode(decoders, tasks)
            self._warm = True
        before_s, step_before = total(self._decode(decoders, tasks)), alone(rig, step)
        begin_s = now()
        rig.repeat(step, begin_s, begin_s + max(BESIDE_S, LONGER * before_s))
        together = self._decode(decoders, tasks)
        intervals = rig.repeated(step)
        after_s, step_after = total(self._decode(decoders, tasks)), alone(rig, step)
        step_s = median(map(length, [*step_before, *step_after]))
        decoding = total(together) / mean([before_s, after_s])
        found.pairs.append(Pair(DECODING, timing.analyzer, decoding, beside(intervals, together) / step_s))

    def _decode(self, decoders: Decoders, tasks: Sequence[Task]) -> list[tuple[float, float]]:
        """Decode the clip; begin and end of each chunk, on the clock of all processes."""
        subject = self.rigs.subject
        times: list[tuple[float, float]] = []
        with open_clip(
            subject.clip, tasks, decoders, 1, subject.chunk_s, on_decoded=lambda a, b, _: times.append((a, b))
        ) as clip:
            read(clip)
        return times


def total(intervals: Sequence[tuple[float, float]]) -> float:
    """The sum of their lengths."""
    return sum(map(length, intervals))
