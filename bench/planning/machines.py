"""The machine that a plan is for: the one at hand, or one that conf/machine/ describes."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field, replace

from omegaconf import MISSING

from clipbench.analyzers.base import setting
from clipbench.bench.errors import InputError
from clipbench.bench.planning import ranges
from clipbench.executors.layout import Gpu, Machine


@dataclass
class GpuKindConfig:
    """The kind of GPU that a machine has. What is null is as it is here."""

    name: str | None = None
    memory_gb: float | None = setting(None, "memory of each GPU", low=0.1, high=10_000)
    speed: float = setting(1.0, "times as fast as that of the costs", low=0.001, high=1000)


@dataclass
class MachineConfig:
    """A machine: its cores, its memory, and its GPUs, which are of one kind. What is null is as it is here.

    `core_speed` and `gpu.speed` are relative to the machine that the costs were measured on.
    `price_per_hour` is in whatever currency you count in.
    """

    name: str = MISSING
    cores: int | None = setting(None, "cores", low=1, high=100_000)
    memory_gb: float | None = setting(None, "memory of the host", low=0.1, high=1e6)
    gpus: int | None = setting(None, "how many GPUs", low=0, high=10_000)
    gpu: GpuKindConfig = field(default_factory=GpuKindConfig)
    core_speed: float = setting(1.0, "times as fast as those of the costs", low=0.001, high=1000)
    price_per_hour: float | None = setting(None, "price of an hour", low=0, high=1e9)

    @property
    def pretended(self) -> list[str]:
        """The keys that say something else than what is here."""
        own = {name: getattr(self, name) for name in ("cores", "memory_gb", "gpus")}
        own |= {f"gpu.{name}": getattr(self.gpu, name) for name in ("name", "memory_gb")}
        speeds = {"gpu.speed": self.gpu.speed, "core_speed": self.core_speed}
        return [k for k, v in own.items() if v is not None] + [k for k, v in speeds.items() if v != 1.0]


def machine_of(cfg: MachineConfig, here: Machine, virtual: bool, executor: str) -> Machine:
    """The machine of a configuration; `here` is the one at hand, which is all that a real executor has.

    Raises InputError for another machine where the executor is not virtual, and for GPUs of which nothing is
    known.
    """
    if not virtual:
        if cfg.pretended:
            raise InputError(
                f"machine={cfg.name}: {place_of(cfg, cfg.pretended[0])} is not that of this machine, and "
                f"executor={executor} runs on it; add executor=simulated"
            )
        return replace(here, price_per_hour=cfg.price_per_hour)
    cores = here.cores if cfg.cores is None else cfg.cores
    return Machine(
        cores=cores,
        core_numbers=here.core_numbers if cfg.cores is None else tuple(range(cores)),
        gpus=gpus_of(cfg, here),
        name=cfg.name,
        memory_gb=here.memory_gb if cfg.memory_gb is None else cfg.memory_gb,
        core_speed=cfg.core_speed,
        price_per_hour=cfg.price_per_hour,
    )


def place_of(cfg: MachineConfig, key: str) -> str:
    """A value of a machine with the file of conf/machine/ or the key that it is from."""
    value = operator.attrgetter(key)(cfg)
    return ranges.place_of("machine", cfg.name, key, value)


def gpus_of(cfg: MachineConfig, here: Machine) -> tuple[Gpu, ...]:
    """The GPUs of a pretended machine."""
    count = len(here.gpus) if cfg.gpus is None else cfg.gpus
    first = here.gpus[0] if here.gpus else None
    memory_gb = cfg.gpu.memory_gb or (first.memory_gb if first else None)
    if count and memory_gb is None:
        raise InputError(
            f"machine={cfg.name}: {place_of(cfg, 'gpus')}, and there is no GPU here to take its memory from; "
            "add machine.gpu.memory_gb=80 or what it has"
        )
    name = cfg.gpu.name or (first.name if first else "")
    return tuple(Gpu(index, memory_gb or 0.0, name, cfg.gpu.speed) for index in range(count))
