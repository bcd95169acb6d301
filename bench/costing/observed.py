"""What was measured for costs, raw, before anything is fitted to it: it is kept, and gone on with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Literal

from clipbench.bench.costing.gpu_watch import GpuUse
from clipbench.executors.costs import Overheads

#: "unended" is the last chunk once more, as if the clip went on after it.
StepKind = Literal["feed", "unended", "finish", "whole"]
#: What the memo of a piece has before a step: nothing; all that others share; or that without one key, which
#: then stands after this word.
EMPTY, SHARED, WITHOUT = "empty", "shared", "without "
#: Stands behind the name of the last piece where it was read as if the clip went on after it.
UNENDED = ", unended"
#: Two times are the same where they differ by less: seconds, and a fraction of the longer one.
SAME_S, SAME_PART = 0.003, 0.2


def longer(one_s: float, other_s: float) -> bool:
    """Whether one time is longer than another by more than two that are the same."""
    return one_s - other_s > max(SAME_S, SAME_PART * one_s)


@dataclass
class Loading:
    """An analyzer that was loaded: seconds, the process's resident GB before and after, and GB of the GPU."""

    seconds: float
    before_gb: float | None = None
    after_gb: float | None = None
    gpu_gb: float | None = None


@dataclass
class Timing:
    """A step of an analyzer, as often as it was taken, in seconds.

    `piece` is the piece's name, `span_s` its length, and `chunk_s` the length that the clip was cut into.
    `memo` says what was known before; `peak_gb` is what the process took on top meanwhile.
    """

    analyzer: str
    step: StepKind
    piece: str
    span_s: float
    chunk_s: float
    threads: int
    memo: str
    seconds: list[float]
    peak_gb: float | None = None

    @property
    def typical_s(self) -> float:
        """The median."""
        return median(self.seconds)


@dataclass
class Pair:
    """Two works side by side: by what factor each took longer than alone."""

    one: str
    other: str
    one_slower: float
    other_slower: float


@dataclass
class Decoded:
    """A clip that was decoded alone: opening it, and each chunk of `chunk_s` seconds; pixels in millions.

    `sizes` counts the sizes of the frames that were asked for, 0 for none, and then only the sound was.
    """

    clip: str
    megapixels: float
    chunk_s: float
    sizes: int
    open_s: float
    spans_s: list[float]
    seconds: list[float]
    spawn_s: float | None = None


@dataclass
class Observed:
    """All that was measured so far. `done` has the names of the measurements that need not be made again.

    `memos` are the names of what each analyzer asks a clip's memo for; `failures` says why an analyzer has no
    costs; `gpu` has what analyzers do to a GPU; `other_cores` is how many cores other work took, for each
    time that the measuring was begun.
    """

    loadings: dict[str, Loading] = field(default_factory=dict)
    timings: list[Timing] = field(default_factory=list)
    memos: dict[str, list[str]] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)
    decoded: list[Decoded] = field(default_factory=list)
    gpu: dict[str, GpuUse] = field(default_factory=dict)
    overheads: dict[str, Overheads] = field(default_factory=dict)
    worker_gb: float | None = None
    failures: dict[str, str] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    other_cores: list[float] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def shared_memos(self) -> dict[str, list[str]]:
        """Analyzer → what it asks the memo for that others ask for too."""
        askers: dict[str, int] = {}
        for names in self.memos.values():
            for name in names:
                askers[name] = askers.get(name, 0) + 1
        return {
            analyzer: [name for name in names if askers[name] > 1] for analyzer, names in self.memos.items()
        }

    def ends(self, analyzer: str) -> set[str]:
        """The pieces that take an analyzer longer because the clip ends with them."""
        mine = [t for t in self.timings if t.analyzer == analyzer and t.threads == 1]
        ended_s = {(t.piece, t.memo): t.typical_s for t in mine if t.step == "feed"}
        unended_s = {(t.piece, t.memo): t.typical_s for t in mine if t.step == "unended"}
        return {
            piece
            for (piece, memo), seconds in ended_s.items()
            if longer(seconds, unended_s.get((piece + UNENDED, memo), seconds))
        }

    def add(self, timing: Timing) -> None:
        """Add a timing to those of the same step, if there are any."""
        for known in self.timings:
            if replace(known, seconds=timing.seconds, peak_gb=timing.peak_gb) == timing:
                known.seconds += timing.seconds
                known.peak_gb = max(
                    (gb for gb in (known.peak_gb, timing.peak_gb) if gb is not None), default=None
                )
                return
        self.timings.append(timing)

    def timings_of(self, analyzer: str, steps: Iterable[StepKind], memo: str, threads: int) -> list[Timing]:
        """The timings of an analyzer's steps with this memo and so many threads."""
        return [
            t
            for t in self.timings
            if (t.analyzer, t.memo, t.threads) == (analyzer, memo, threads) and t.step in steps
        ]
