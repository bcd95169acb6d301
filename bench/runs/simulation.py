"""What a simulated run says of itself, as result.json has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(kw_only=True)
class SimulatedMachine:
    """The machine that a simulated run pretends. Speeds are relative to the one that was measured."""

    name: str
    cores: int
    memory_gb: float | None = None
    core_speed: float = 1.0
    gpus: list[str] = field(default_factory=list)
    gpu_speed: float | None = None
    price_per_hour: float | None = None


@dataclass(kw_only=True)
class Simulation:
    """What a simulated run pretends: the machine, the executor that it is `like`, and the costs it rests on.

    `costs` says whether these are measured or declared, `costs_of` where and `costs_at` when. `residual` and
    `holdout` are how far the costs were from measured times, as fractions: of those that they were fitted on,
    and of others. `remarks` are on the costs, and `extrapolated` says what lies beyond what was measured.
    """

    machine: SimulatedMachine
    like: str
    costs: Literal["measured", "declared"]
    costs_of: str
    costs_at: str | None = None
    residual: float | None = None
    holdout: float | None = None
    remarks: list[str] = field(default_factory=list)
    extrapolated: list[str] = field(default_factory=list)
