"""Which GPU each group is on, so that a model that wants to be alone is, and no memory is promised twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clipbench.bench.errors import InputError
from clipbench.bench.probes.visible_devices import VARIABLE, Card
from clipbench.bench.probes.visible_devices import visible as visible_cards
from clipbench.bench.runs.results import GpuSummary
from clipbench.bench.runs.telemetry import NotMeasured

#: GB of a GPU that a process takes before it holds anything: CUDA's context and libraries. 0.3 GB with lazy
#: loading, 0.5 GB reported elsewhere; a plan counts with the larger.
CONTEXT_GB = 0.5


@dataclass(frozen=True)
class Gpu:
    """A GPU that may be used; `index` counts as NVML does."""

    index: int
    memory_gb: float
    name: str = ""


@dataclass(frozen=True)
class Wish:
    """What a worker asks for: `device` is cpu, gpu:N or gpu:auto; no `memory_gb` where it can use no GPU."""

    worker: str
    device: str
    memory_gb: float | None


def visible(found: list[GpuSummary] | NotMeasured, restriction: str | None) -> tuple[Gpu, ...]:
    """The GPUs in `found` (`environment.gpus`) that `restriction`, CUDA_VISIBLE_DEVICES if set, leaves to us.

    Raises InputError for an instance of a GPU in MIG mode, which a plan has no name for.
    """
    if not isinstance(found, list):
        return ()
    gpus = [Gpu(index, each.memory_gb, each.name) for index, each in enumerate(found)]
    if restriction is not None and any(entry.strip().startswith("MIG-") for entry in restriction.split(",")):
        raise InputError(
            f"{VARIABLE}={restriction} names an instance of a GPU in MIG mode, and clipbench places its "
            "workers on whole GPUs: name those by index or UUID, or set it to nothing for the CPU"
        )
    cards = [Card(index, each.uuid or "") for index, each in enumerate(found)]
    return tuple(gpus[choice.index] for choice in visible_cards(cards, restriction).choices)


def place(wishes: Sequence[Wish], gpus: Sequence[Gpu]) -> list[str]:
    """For each wish "cpu" or "gpu:N". Without a GPU all is cpu.

    gpu:N is the N-th of `gpus`, modulo their number, so that more groups than GPUs share them. gpu:auto, the
    largest first, goes where the most memory is free among those GPUs that nobody named, and to a named one
    only where no other has room: who names a GPU has it alone, if that is possible. Raises InputError where
    the memory that the workers' models are declared to need is not there.
    """
    placed: dict[int, Gpu | None] = {}
    free = {gpu: gpu.memory_gb for gpu in gpus}
    for number, wish in enumerate(wishes):
        kind, _, index = wish.device.partition(":")
        if wish.device != "cpu" and (kind != "gpu" or not (index == "auto" or index.isdigit())):
            raise InputError(f"grouping: there is no device {wish.device}; write cpu, gpu:0 or gpu:auto")
        if wish.device == "cpu" or not gpus or wish.memory_gb is None:
            placed[number] = None
        elif index != "auto":
            placed[number] = gpus[int(index) % len(gpus)]
            free[placed[number]] -= wish.memory_gb
    named = set(placed.values())
    waiting = [n for n in range(len(wishes)) if n not in placed]
    for number in sorted(waiting, key=lambda n: -wishes[n].memory_gb):
        need = wishes[number].memory_gb
        roomy = [gpu for gpu in gpus if free[gpu] >= need] or list(gpus)
        candidates = [gpu for gpu in roomy if gpu not in named] or roomy
        placed[number] = max(candidates, key=free.__getitem__)
        free[placed[number]] -= need
    for gpu in gpus:
        if free[gpu] < 0:
            there = {wishes[n].worker: wishes[n].memory_gb for n, at in placed.items() if at is gpu}
            raise InputError(overcommitted(gpu, there))
    return [f"gpu:{gpu.index}" if gpu else "cpu" for gpu in (placed[n] for n in range(len(wishes)))]


def overcommitted(gpu: Gpu, needs: Mapping[str, float]) -> str:
    """What is wrong with a GPU that is asked for more memory than it has, and what helps."""
    listed = ", ".join(f"{worker} {need:.1f}" for worker, need in needs.items() if need)
    return (
        f"grouping: GPU {gpu.index} ({gpu.name}) has {gpu.memory_gb:g} GB, and its workers need "
        f"{sum(needs.values()):.1f} GB ({listed}); put some on another GPU or on cpu, give spawn_pool fewer "
        "executor.workers, or take smaller models"
    )
