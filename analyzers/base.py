"""What every analyzer is, and the words that all layers share: segments, frames, the clip view.

This module sits at the bottom of the project: it imports nothing of it but `Part`, and nothing heavy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeVar

from clipbench.plugins import Part

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")

#: In `Analyzer.upstream`: every other analyzer of the run that does not itself read this one.
ALL = "*"


@dataclass(frozen=True, slots=True)
class Segment:
    """One timed finding, `[start_s, end_s)` in seconds of the clip.

    `label` is what a person would want to read; `confidence` is in 0..1, or None where the method has
    none; `data` holds JSON values only. Image coordinates in `data` are fractions of the frame's width
    and height, boxes are `[x1, y1, x2, y2]`. docs/segments.md lists what each analyzer puts there.
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


class FrameRequest(NamedTuple):
    """Frames at `fps` per second whose longer side is at most `size` pixels (0: as stored)."""

    fps: float
    size: int


class Needs(NamedTuple):
    """What an analyzer reads of a clip, so that the file is decoded once for all of them."""

    frames: tuple[FrameRequest, ...] = ()
    audio: bool = False


class ClipView(Protocol):
    """A decoded clip, as analyzers see it."""

    duration_s: float
    width: int
    height: int
    fps: float
    has_audio: bool

    def frames(self, fps: float, size: int) -> Frames:
        """Frames at about `fps` per second (all of them where the clip has fewer), read-only.

        Only what `Analyzer.needs` asked for is there: anything else raises KeyError.
        """

    def audio(self) -> np.ndarray:
        """Mono float32 `[N]` at 16 kHz, read-only; raises NothingToAnalyze without an audio track."""

    def memo(self, key: Hashable, compute: Callable[[], T]) -> T:
        """`compute()`, at most once per worker and clip: for data that several analyzers derive."""


class NothingToAnalyze(Exception):
    """The clip lacks what the analyzer reads (no audio, too short): an empty result, not a failure."""


def setting(default: Any, help: str, *, low: float | None = None, high: float | None = None) -> Any:
    """A dataclass field for `Settings`: its default, what it means, and the range that makes sense."""
    return field(default=default, metadata={"help": help, "low": low, "high": high})


@dataclass
class Settings:
    """What can be set for an analyzer on the command line, as `models.<analyzer>.<key>=value`."""


@dataclass
class FrameSettings(Settings):
    """Settings of an analyzer that reads frames."""

    fps: float = setting(1.0, "frames read per second of clip", low=0.01, high=240)
    size: int = setting(640, "longer side of the frames in pixels, 0 for as stored", low=0, high=8192)


class Analyzer(Part):
    """One analyzer: loaded once, then called for clip after clip.

    A subclass sets `name`, and where they differ from the defaults the other class variables;
    `settings_type` is a dataclass derived from `Settings` whose defaults are the embedded profile.
    """

    name: ClassVar[str]
    #: Analyzers whose segments it reads, or (ALL,).
    upstream: ClassVar[tuple[str, ...]] = ()
    #: Why its results are not those of the model it stands in for; None for a real one.
    stand_in: ClassVar[str | None] = None
    #: Whether `load` gets the GPU of its group, if it has one; the others are loaded on the CPU.
    uses_gpu: ClassVar[bool] = False
    settings_type: ClassVar[type[Settings]] = Settings

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings: Any = settings if settings is not None else self.settings_type()

    def models(self) -> tuple[str, ...]:
        """The model cards whose weights it uses; empty for an algorithm without any."""
        model = getattr(self.settings, "model", None)
        return (model,) if model else ()

    def needs(self) -> Needs:
        """The frames and audio it will ask the clip view for, under its settings."""
        if isinstance(self.settings, FrameSettings):
            return Needs(frames=(FrameRequest(self.settings.fps, self.settings.size),))
        return Needs()

    def load(self, device: str = "cpu") -> None:
        """Bring the weights onto `device`; heavy imports belong here, not at the top of the file."""

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        """The findings in `clip`, in order of time.

        `upstream` has the segments of the analyzers named in `self.upstream`; one that failed or was
        not part of the run is absent. Raises NothingToAnalyze where the clip lacks what is read.
        """
        raise NotImplementedError

    def headline(self, segments: list[Segment]) -> str:
        """The finding in one line, for the report's table: by default the most frequent labels."""
        counts = Counter(segment.label for segment in segments)
        return ", ".join(f"{label} ×{n}" if n > 1 else label for label, n in counts.most_common(3))

    def facts(self) -> Mapping[str, Any]:
        """What to report of the last analysis beside its findings: batch size, tokens per second."""
        return {}

    def unload(self) -> None:
        """Give the weights' memory back; `load` may be called again."""

    def offload(self) -> None:
        """Park the weights in host memory until `wake`: nothing to do for those that are there anyway."""

    def wake(self) -> None:
        """Bring parked weights back to the device."""
