"""The base class of analyzers, and the types that all layers share: segments, frames, the clip view.

This module is at the bottom of the project: it imports only `Part` from it, and nothing heavy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

from clipbench.plugins import Part

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")

#: In `Analyzer.upstream`: every other analyzer of the run that does not itself read this one's results.
ALL = "*"


@dataclass(frozen=True, slots=True)
class Segment:
    """One timed finding, `[start_s, end_s)` in seconds of the clip.

    `label` is for people to read; `confidence` is in 0..1, or None if the method has none; `data` holds
    JSON values only. Image coordinates in `data` are fractions of the frame's width and height, boxes are
    `[x1, y1, x2, y2]`. docs/segments.md lists what each analyzer puts into `data`.
    """

    start_s: float
    end_s: float
    label: str
    confidence: float | None = None
    data: dict[str, Any] = field(default_factory=dict)


class Frames(NamedTuple):
    """Frames sampled from a clip: `images` is uint8 `[T, H, W, 3]` RGB, `times_s` float64 `[T]`."""

    times_s: np.ndarray
    images: np.ndarray


#: Cells of `Levels` in a second.
CELLS_PER_S = 10


class Levels(NamedTuple):
    """How loud sound is in each tenth of a second, at the file's own rate and over all its channels.

    `energy` is float64 `[N]`: the K-weighted power of ITU-R BS.1770-4, summed over channels by their weights
    and over the seconds of the cell; `peak` is float32 `[N]`: the largest sample of any channel.
    """

    energy: np.ndarray
    peak: np.ndarray


class FrameRequest(NamedTuple):
    """A request for frames at `fps` per second whose longer side is at most `size` pixels (0: as stored)."""

    fps: float
    size: int


class Needs(NamedTuple):
    """What an analyzer reads of a clip; the file is decoded once for all analyzers together."""

    frames: tuple[FrameRequest, ...] = ()
    audio: bool = False


class ClipFacts(Protocol):
    """What is known of a clip before any of it is decoded; width and height are as shown."""

    @property
    def duration_s(self) -> float: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def fps(self) -> float: ...
    @property
    def has_audio(self) -> bool: ...


class ClipView(ClipFacts, Protocol):
    """A decoded clip, as analyzers see it."""

    def frames(self, fps: float, size: int) -> Frames:
        """Frames at about `fps` per second (all frames if the clip has fewer), read-only.

        Raises KeyError for frames that `Analyzer.needs` did not ask for.
        """

    def audio(self) -> np.ndarray:
        """Mono float32 `[N]` at 16 kHz, read-only; raises NothingToAnalyze without an audio track."""

    def levels(self) -> Levels:
        """How loud the sound is, every tenth of a second; raises NothingToAnalyze without an audio track."""

    def memo(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The result of `compute()`, which runs at most once per worker and piece (a chunk, or the clip)."""


class Chunk(ClipView, Protocol):
    """The stretch `[start_s, end_s)` of a clip: the facts are the clip's, all else is the stretch's.

    `frames` has those of the clip's frames whose time is in the stretch, and may have none. Times count from
    the start of the clip. `audio` has the samples from `round(start_s * 16000)` up to those of `end_s`,
    `levels` the cells that end in the stretch (and the clip's last one, even if it is cut off), and `memo`
    keeps its results for this chunk. The chunks of a clip follow each other without a gap from 0 to
    `duration_s`.
    """

    start_s: float
    end_s: float


class NothingToAnalyze(Exception):
    """The clip lacks what the analyzer reads (no audio, too short): an empty result, not a failure."""


def setting(default: T, help: str, *, low: float | None = None, high: float | None = None) -> T:
    """A dataclass field for `Settings`: its default, what it means, and the range of useful values."""
    return field(default=default, metadata={"help": help, "low": low, "high": high})


@dataclass
class Settings:
    """The settings of an analyzer on the command line, as `models.<analyzer>.<key>=value`."""

    def at_random(self) -> Settings:
        """These settings under models=random, where no production back end takes the analyzer's place.

        Weights that are not installed may be random then.
        """
        return self


@dataclass
class FrameSettings(Settings):
    """Settings of an analyzer that reads frames."""

    fps: float = setting(1.0, "frames read per second of clip", low=0.01, high=240)
    size: int = setting(640, "longer side of the frames in pixels, 0 for as stored", low=0, high=8192)


class Analyzer(Part):
    """One analyzer: it is loaded once and then called for clip after clip.

    A subclass sets `name`, and those of the other class variables that differ from their defaults. If it has
    settings, `settings_type` is a dataclass derived from `Settings`, whose defaults are the embedded profile,
    and a line `settings: MySettings` tells type checkers about it.
    """

    name: ClassVar[str]
    #: Analyzers whose segments it reads, or (ALL,).
    upstream: ClassVar[tuple[str, ...]] = ()
    #: Why its results are not those of the model that it stands in for; None for a real model.
    stand_in: ClassVar[str | None] = None
    #: Whether `load` gets the GPU of its group, if there is one; otherwise it is loaded on the CPU.
    uses_gpu: ClassVar[bool] = False
    #: What it needs of a GPU's memory, in GB: weights, and the activations of one batch. None: not declared.
    memory_gb: ClassVar[float | None] = None
    settings_type: ClassVar[type[Settings]] = Settings
    settings: Settings

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings if settings is not None else self.settings_type()

    def models(self) -> tuple[str, ...]:
        """The model cards whose weights it uses; empty for an algorithm without weights."""
        model: str | None = getattr(self.settings, "model", None)
        return (model,) if model else ()

    def needs(self) -> Needs:
        """The frames and audio that it will ask the clip view for, under its settings."""
        if isinstance(self.settings, FrameSettings):
            return Needs(frames=(FrameRequest(self.settings.fps, self.settings.size),))
        return Needs()

    @property
    def random(self) -> bool:
        """Whether its weights are random, so that its findings mean nothing."""
        return False

    def load(self, device: str = "cpu") -> None:
        """Load the weights onto `device`; heavy imports belong here, not at the top of the file."""

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        """The findings in `clip`, in order of time.

        `upstream` has the segments of the analyzers named in `self.upstream`, without those that failed or
        were not part of the run. Raises NothingToAnalyze if the clip lacks what it reads.
        """
        raise NotImplementedError

    def headline(self, segments: list[Segment]) -> str:
        """The findings in one line, for the report's table: by default the most frequent labels."""
        counts = Counter(segment.label for segment in segments)
        return ", ".join(f"{label} ×{n}" if n > 1 else label for label, n in counts.most_common(3))

    def facts(self) -> Mapping[str, Any]:
        """Facts about the last analysis for the report, such as batch size or tokens per second."""
        return {}

    def unload(self) -> None:
        """Free the weights' memory; `load` may be called again."""

    def offload(self) -> None:
        """Move the weights to host memory until `wake`; nothing happens if they are there already."""

    def wake(self) -> None:
        """Move the weights back to the device."""


State = TypeVar("State")
Found = TypeVar("Found")


class ChunkedAnalyzer(Analyzer, Generic[State, Found]):
    """An analyzer that works through a clip chunk by chunk, and so through a clip of any length.

    What it finds does not depend on where the chunks end. All that it knows from earlier chunks is in a state
    that it is given and gives back: the object itself keeps nothing of a clip, because chunks of several
    clips may come in turns, and another worker may go on with the next one. State and findings are pickled.
    The state has to stay small; what is found in each chunk is kept for `finish`, and should be small.
    """

    def begin(self, clip: ClipFacts) -> State:
        """The state before the first chunk. Raises NothingToAnalyze if the clip lacks what it reads."""
        raise NotImplementedError

    def feed(self, chunk: Chunk, state: State) -> tuple[Found, State]:
        """What is found in the next chunk, and the state after it; `state` may be changed in place."""
        raise NotImplementedError

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[Found],
        state: State,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        """The segments, from what `feed` found in each chunk, in order of time, and the last state.

        `found` is read anew each time that it is gone through: what is not kept takes no memory.
        """
        raise NotImplementedError

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        """The findings in `clip`, which is taken as a single chunk."""
        found, state = self.feed(whole(clip), self.begin(clip))
        return self.finish(clip, [found], state, upstream)


class Whole:
    """A whole clip as its only chunk."""

    def __init__(self, clip: ClipView) -> None:
        self.duration_s, self.width, self.height = clip.duration_s, clip.width, clip.height
        self.fps, self.has_audio = clip.fps, clip.has_audio
        self.start_s, self.end_s = 0.0, clip.duration_s
        self.frames, self.audio, self.levels, self.memo = clip.frames, clip.audio, clip.levels, clip.memo


def whole(clip: ClipView) -> Chunk:
    """The clip as its only chunk."""
    return Whole(clip)


def is_chunked(analyzer: Analyzer) -> bool:
    """Whether it is fed chunk by chunk.

    A subclass that writes its own `analyze` gets the whole clip, and one that reads neither frames nor sound
    has nothing to wait for.
    """
    own = type(analyzer).analyze is not ChunkedAnalyzer.analyze
    return isinstance(analyzer, ChunkedAnalyzer) and not own and analyzer.needs() != Needs()
