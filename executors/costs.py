"""What analyzers take of a machine: the costs that a simulation computes with.

Seconds are those of the machine that was measured, where nothing else runs beside. How they are measured and
kept is the business of bench/planning; a simulated executor only reads them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

#: Where costs come from: passes on a machine, or somebody's word for it (floors, data sheets).
Source = Literal["measured", "declared"]


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


@dataclass(frozen=True)
class Work:
    """A piece of work: what it takes where nothing runs beside it, and how it bears company.

    `host` is at one thread; of that, the fraction `parallel` is shared by the threads of a worker (G. Amdahl,
    1967). `gpu` are seconds in which it uses its GPU while its thread waits, and fills the fraction
    `gpu_share` of it. Beside others, its seconds grow by `sensitivity` × the sum of their `pressure`: what
    they take of caches and of memory's bandwidth, which is there also where every one has a core of its own.
    """

    host: Growth = Growth()
    parallel: float = 0.0
    gpu: Growth = Growth()
    gpu_share: float = 1.0
    pressure: float = 0.0
    sensitivity: float = 0.0

    def host_s(self, span_s: float, megapixels: float, threads: int) -> float:
        """Seconds of the host at so many threads, each with a core."""
        return self.host.at(span_s, megapixels) * (1 - self.parallel + self.parallel / threads)


@dataclass(frozen=True)
class AnalyzerCost:
    """What one analyzer takes.

    `work` leaves out what it shares with others: `derivations` names that, as in `Costs.derivations`; a
    worker does each once per piece. `finish` is the last step of one that is fed in chunks. Memory is in GB,
    and None where it is not known.
    """

    work: Work
    derivations: tuple[str, ...] = ()
    finish: Work = Work()
    load_s: float = 0.0
    memory_gb: float | None = None
    gpu_memory_gb: float | None = None


@dataclass(frozen=True)
class DecodingCost:
    """What decoding takes of a core: opening a clip, then its sound, then its frames.

    Frames are for one size that is asked for; `sizes` more of them are `more_sizes` × that each.
    """

    open_s: float = 0.0
    sound: Growth = Growth()
    frames: Growth = Growth()
    more_sizes: float = 0.0


@dataclass(frozen=True)
class Overheads:
    """What the executor itself takes: seconds until a worker has started, and of each step.

    `step_s` is what a worker takes for a step beside the analyzer's own work, pipes included, `driver_s` what
    the process that owns the executor takes for it, one step after the other.
    """

    spawn_s: float = 0.0
    step_s: float = 0.0
    driver_s: float = 0.0


@dataclass(frozen=True)
class Costs:
    """The costs of analyzers on one machine.

    `machine` is its name, `cores` how many it has, `gpu` the name of its GPU ("" for none). `residual` is how
    far, at the median, measured times of analyzers side by side are from what these costs give; None where
    nothing ran side by side. `facts` say what was measured, as the comparability key does.
    """

    machine: str
    cores: int
    source: Source
    analyzers: dict[str, AnalyzerCost]
    derivations: dict[str, Work] = field(default_factory=dict)
    decoding: DecodingCost = DecodingCost()
    overheads: dict[str, Overheads] = field(default_factory=dict)  # by executor
    gpu: str = ""
    residual: float | None = None
    facts: dict[str, str] = field(default_factory=dict)
