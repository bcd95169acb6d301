"""What analyzers take of a machine: the costs that a simulation computes with.

Seconds are those of the machine that was measured, where nothing else runs beside. bench/costing measures
them and bench/planning/cost_store.py keeps them; a simulated executor only reads them. What is not known
counts as nothing where it is computed with; `Costs.unknown` names it and says why.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from clipbench.executors.layout import Machine

#: Where costs come from: passes on a machine, or somebody's word for it (floors, data sheets).
Source = Literal["measured", "declared"]

#: What is closer than this is the same time, in seconds.
SHORTEST_S = 1e-9


@dataclass(frozen=True)
class Growth:
    """Seconds as they grow with the piece of a clip that is read.

    `fixed_s` for each piece, `per_s` for each second of it, and `per_megapixel_s` for each second and million
    pixels of a frame of the clip.
    """

    fixed_s: float = 0.0
    per_s: float = 0.0
    per_megapixel_s: float = 0.0

    def at(self, span_s: float, megapixels: float) -> float:
        """Seconds for a piece of `span_s` seconds of a clip with so many million pixels a frame."""
        return self.fixed_s + span_s * (self.per_s + self.per_megapixel_s * megapixels)

    def times(self, factor: float) -> Growth:
        """All seconds times a factor."""
        return Growth(factor * self.fixed_s, factor * self.per_s, factor * self.per_megapixel_s)


@dataclass(frozen=True)
class Work:
    """A piece of work: what it takes where nothing runs beside it, and how it bears company.

    `host` is at one thread; of that, the fraction `parallel` is shared by the threads of a worker (G. Amdahl,
    1967). `gpu` are seconds in which it uses its GPU while its thread waits, and fills the fraction
    `gpu_share` of it. In `waiting` it uses neither. Beside others, its seconds of the host grow by
    `sensitivity` × the sum of their `pressure`, each for the share of time that it has its cores: what
    they take of caches and of memory's bandwidth, which is there also where every one has a core of its own.
    """

    host: Growth = Growth()
    parallel: float = 0.0
    gpu: Growth = Growth()
    gpu_share: float = 1.0
    waiting: Growth = Growth()
    pressure: float = 0.0
    sensitivity: float = 0.0

    @property
    def on_gpu(self) -> bool:
        """Whether any of it is done by a GPU."""
        return self.gpu != Growth()

    def host_s(self, span_s: float, megapixels: float, threads: int) -> float:
        """Seconds of the host at so many threads, each with a core."""
        return self.host.at(span_s, megapixels) * (1 - self.parallel + self.parallel / threads)


@dataclass(frozen=True)
class AnalyzerCost:
    """What one analyzer takes.

    `work` leaves out what it shares with others: `derivations` names that, as in `Costs.derivations`; a
    worker does each once per piece. One that is fed in chunks may collect some of them first: `windowed` is
    what it takes of each `window_s` seconds of clip once they are complete, and of the rest when the clip
    ends. `finish` is its last step. Memory is in GB: `memory_gb` stays as long as it is loaded, `peak_gb`
    comes on top of that while it works.
    """

    work: Work
    derivations: tuple[str, ...] = ()
    finish: Work = Work()
    load_s: float = 0.0
    memory_gb: float | None = None
    peak_gb: float | None = None
    gpu_memory_gb: float | None = None
    windowed: Work = Work()
    window_s: float = 0.0

    @property
    def own(self) -> tuple[Work, ...]:
        """All of its work but what it shares."""
        return self.work, self.windowed, self.finish

    def completed_s(self, start_s: float, end_s: float, duration_s: float) -> float:
        """Seconds of the windows of a clip that the chunk from `start_s` to `end_s` completes."""
        return self._complete_s(end_s, duration_s) - self._complete_s(start_s, duration_s)

    def _complete_s(self, until_s: float, duration_s: float) -> float:
        """Seconds of the windows that are complete when so much of a clip was read."""
        if until_s >= duration_s - SHORTEST_S or self.window_s <= 0:
            return until_s
        return int(until_s / self.window_s + SHORTEST_S) * self.window_s


@dataclass(frozen=True)
class DecodingCost:
    """What decoding takes of a core: opening a clip, then the sound of each chunk, then its frames.

    Frames are for one size that is asked for; each further one takes `more_sizes` × as much again. `spawn_s`
    passes until a decoder has started: there is one for each clip under way, which then takes the next clip.
    It bears company as `Work` does.
    """

    spawn_s: float = 0.0
    open_s: float = 0.0
    sound: Growth = Growth()
    frames: Growth = Growth()
    more_sizes: float = 0.0
    pressure: float = 0.0
    sensitivity: float = 0.0


@dataclass(frozen=True)
class Overheads:
    """What the executor itself takes: seconds until a worker has started, and of each step.

    `step_s` is what a worker takes for a step beside the analyzer's own work, pipes included, `driver_s` what
    the process that owns the executor takes for it, one step after the other. `memory_gb` is the host memory
    of a worker that has not loaded anything.
    """

    spawn_s: float = 0.0
    step_s: float = 0.0
    driver_s: float = 0.0
    memory_gb: float | None = None


@dataclass(frozen=True)
class Costs:
    """The costs of analyzers on one machine.

    `machine` is its name, `cores` how many it has, `gpu` the name of its GPU ("" for none). `facts` say what
    was measured, as the comparability key does. As fractions, at the median: `spread` is how far repeats are
    from their middle, `residual` how far the times of analyzers side by side are from what these costs give,
    and `holdout` how far those are that the costs were not fitted on. `unknown` has the names of fields, of
    every `Work` or cost that has one, that were not measured, and why: they are null in files and tables.
    "decoding.open_s" is that of `decoding` alone, "body_pose.host" that of one analyzer.
    """

    machine: str
    cores: int
    source: Source
    analyzers: dict[str, AnalyzerCost]
    derivations: dict[str, Work] = field(default_factory=dict)
    decoding: DecodingCost = DecodingCost()
    overheads: dict[str, Overheads] = field(default_factory=dict)  # by executor
    gpu: str = ""
    spread: float | None = None
    residual: float | None = None
    holdout: float | None = None
    unknown: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def overheads_of(self, executor: str) -> Overheads:
        """What an executor itself takes; nothing where that was not measured."""
        return self.overheads.get(executor, Overheads())


@dataclass(frozen=True)
class Pretended:
    """What a simulated run pretends: a machine, and the costs that it computes with.

    `measured_at` says when the costs were measured; `remarks` what to beware of with them, and `extrapolated`
    what lies beyond what was measured, in a line each.
    """

    machine: Machine
    costs: Costs
    measured_at: str = ""
    remarks: tuple[str, ...] = ()
    extrapolated: tuple[str, ...] = ()
