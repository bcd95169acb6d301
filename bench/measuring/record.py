"""What a run measured, before any number is derived from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clipbench.bench.clips.clip_info import ClipInfo
from clipbench.bench.errors import InputError
from clipbench.bench.file_names import readable
from clipbench.bench.planning.scenario import Service
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import Cleanup, LostClip
from clipbench.bench.runs.serving import AutoRepeats
from clipbench.bench.runs.telemetry import Telemetry
from clipbench.executors.base import Outcome, Plan, Span


@dataclass
class Pass:
    """One time through a clip, from submitting it (decoding included) to the last outcome.

    It arrived at `arrived_s`, and waited until `start_s`. One that was `resumed` has only done what was left
    of the clip: its time says nothing.
    """

    clip: ClipInfo
    warmup: bool
    start_s: float
    arrived_s: float
    end_s: float = 0.0
    resumed: bool = False
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        return self.end_s - self.start_s

    @property
    def latency_s(self) -> float:
        """Seconds from the clip's arrival to the last outcome on it."""
        return self.end_s - self.arrived_s


@dataclass
class Record:
    """Everything that was observed during a run; times are on the clock of the executor.

    `workers` are their process ids. `cleanup` is None where the run ended before it. `in_flight` is how many
    clips could be under way at once. `lost` are the clips of a queue that could not be read. `silent` are the
    analyzers that ended ok and found nothing in a clip whose truth has something for them: (path, analyzer).
    `service` is what was asked for clips that arrived one after another; None where they did not.
    `auto` is what repeats=auto has come to, where it was asked for.
    `gpu_times` says when each GPU had something to do, and `cores_s` for how many seconds cores were busy in
    measured passes, where the executor pretends that they were.
    """

    plan: Plan
    started_s: float
    telemetry: Telemetry | NotMeasured
    passes: list[Pass] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    workers: dict[str, int] = field(default_factory=dict)
    cleanup: Cleanup | None = None
    in_flight: int = 1
    service: Service | None = None
    lost: list[LostClip] = field(default_factory=list)
    silent: frozenset[tuple[str, str]] = frozenset()
    auto: AutoRepeats | None = None
    gpu_times: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    cores_s: float = 0.0

    def lose(self, path: Path, error: InputError) -> None:
        """Keep that the clip at `path` could not be read, in the words of `error`, in which it is "it"."""
        reason = str(error).removeprefix("clip.path: ").replace(str(path), "it")
        self.lost.append(LostClip(readable(path), readable(reason)))

    def spoil(self, failures: Mapping[str, str]) -> None:
        """Have analyzers fail, by name and reason, that could not be unloaded, parked or woken.

        They fail on the last clip, after which it was tried.
        """
        for name, reason in failures.items():
            outcome = self.last_outcomes().get(name)
            if outcome is not None and outcome.status == "ok":
                outcome.status, outcome.reason = "failed", reason

    def succeeded(self, one: Pass, outcome: Outcome) -> bool:
        """Whether an analyzer ended ok in a pass, and found something if something is there."""
        is_silent = not outcome.segments and (one.clip.path, outcome.analyzer) in self.silent
        return outcome.status == "ok" and not is_silent

    def is_lost(self, path: Path) -> bool:
        """Whether the clip at `path` could not be read before."""
        return any(lost.path == readable(path) for lost in self.lost)

    def completed(self) -> list[Pass]:
        """The passes that were not interrupted."""
        return [p for p in self.passes if p.end_s]

    def measured(self) -> list[Pass]:
        """The passes that count: completed, and no warm-up."""
        return [p for p in self.completed() if not p.warmup]

    def warm(self) -> list[Pass]:
        """The passes that count and did not have to load the models, as the first one does."""
        return [p for p in self.measured() if p is not self.passes[0] and not p.resumed]

    def ended_s(self) -> float:
        """The end of the last completed pass."""
        return max((p.end_s for p in self.completed()), default=self.started_s)

    def last_outcomes(self) -> dict[str, Outcome]:
        """The outcomes of the last completed pass, by analyzer."""
        return self.completed()[-1].outcomes if self.completed() else {}

    def gpus(self) -> set[int]:
        """The GPUs that workers were on, by NVML's index."""
        return {int(g.device.removeprefix("gpu:")) for g in self.plan.layout if g.device != "cpu"}
