"""Which GPU each worker is on, so that a model that wants to be alone is, and no memory is promised twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from clipbench.bench.errors import InputError
from clipbench.bench.probes.visible_devices import VARIABLE, Card
from clipbench.bench.probes.visible_devices import visible as visible_cards
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import GpuSummary
from clipbench.executors.layout import Gpu, WorkerPlan

#: Workers that a message names before it says how many more there are.
NAMED = 8


def visible(found: list[GpuSummary] | NotMeasured, restriction: str | None) -> tuple[Gpu, ...]:
    """The GPUs in `found` (`environment.gpus`) that `restriction`, CUDA_VISIBLE_DEVICES if set, leaves to us.

    An instance of a GPU in MIG mode is a GPU with the number of its card and with its own memory. Raises
    InputError for several instances of one card, which a plan has one number for, and for an instance that
    is not there.
    """
    if not isinstance(found, list):
        return ()
    cards = [
        Card(index, each.uuid or "", tuple(one.uuid or "" for one in each.instances or ()))
        for index, each in enumerate(found)
    ]
    seen = visible_cards(cards, restriction)
    if seen.ignored is not None and seen.ignored.startswith("MIG-"):
        raise InputError(
            f"{VARIABLE}={restriction}: there is no instance {seen.ignored}, or it is named twice"
        )
    gpus = []
    for choice in seen.choices:
        card = found[choice.index]
        shown = card.instances[choice.instance] if card.instances and choice.instance is not None else card
        gpus.append(Gpu(choice.index, shown.memory_gb, shown.name))
    for index, count in Counter(gpu.index for gpu in gpus).items():
        if count > 1:
            raise InputError(
                f"{VARIABLE}={restriction} names {count} instances of GPU {index}, and a plan calls all "
                f"of them gpu:{index}: name one of each card, and the others in a run of their own"
            )
    return tuple(gpus)


def place(workers: Sequence[WorkerPlan], gpus: Sequence[Gpu]) -> tuple[WorkerPlan, ...]:
    """The workers with their devices resolved to "cpu" or "gpu:N". Without a GPU all are on the CPU.

    gpu:N is the N-th of `gpus`, modulo their number, so that more workers than GPUs share them. gpu:auto, the
    largest first, goes to one of those GPUs that nobody named, and to a named one only where no other has
    room: who names a GPU has it alone, if that is possible. Among these it goes where there are the fewest
    replicas of the same group, then where the most memory is free, then where there are the fewest workers.
    Raises InputError where the memory that the workers' models are declared to need does not exist.
    """
    placed: dict[int, Gpu] = {}
    waiting: list[tuple[int, float]] = []
    free = {gpu: gpu.memory_gb for gpu in gpus}
    for number, worker in enumerate(workers):
        check_device(worker.device)
        index = worker.device.removeprefix("gpu:")
        if worker.device == "cpu" or not gpus or worker.memory_gb is None:
            continue
        if index == "auto":
            waiting.append((number, worker.memory_gb))
        else:
            placed[number] = gpus[int(index) % len(gpus)]
            free[placed[number]] -= worker.memory_gb
    named = set(placed.values())
    held = [tuple(task.analyzer for task in worker.tasks) for worker in workers]
    crowd = Counter(placed.values())
    alike = Counter((gpu, held[number]) for number, gpu in placed.items())
    for number, need in sorted(waiting, key=lambda each: -each[1]):
        roomy = [gpu for gpu in gpus if free[gpu] >= need] or list(gpus)
        candidates = [gpu for gpu in roomy if gpu not in named] or roomy
        load = {gpu: (alike[gpu, held[number]], -free[gpu], crowd[gpu]) for gpu in candidates}
        placed[number] = chosen = min(candidates, key=load.__getitem__)
        free[chosen] -= need
        crowd[chosen] += 1
        alike[chosen, held[number]] += 1
    for gpu in gpus:
        if free[gpu] < 0:
            there = {workers[n].name: workers[n].memory_gb or 0.0 for n, at in placed.items() if at is gpu}
            raise InputError(overcommitted(gpu, there))
    return tuple(
        replace(worker, device=f"gpu:{placed[n].index}" if n in placed else "cpu")
        for n, worker in enumerate(workers)
    )


def check_device(device: str) -> None:
    """Raise InputError for what is no device that a grouping can ask for."""
    kind, _, index = device.partition(":")
    if device != "cpu" and (kind != "gpu" or not (index == "auto" or index.isdigit())):
        raise InputError(f"grouping: there is no device {device}; write cpu, gpu:0 or gpu:auto")


def overcommitted(gpu: Gpu, needs: Mapping[str, float]) -> str:
    """What is wrong with a GPU that is asked for more memory than it has, and what helps."""
    listed = [f"{worker} {need:.1f}" for worker, need in needs.items() if need]
    named = ", ".join(listed[:NAMED]) + f" and {len(listed) - NAMED} more" * (len(listed) > NAMED)
    return (
        f"grouping: GPU {gpu.index} ({gpu.name}) has {gpu.memory_gb:g} GB, and its workers need "
        f"{sum(needs.values()):.1f} GB ({named}); put some on another GPU or on cpu, take fewer replicas "
        "(or executor.workers, if the executor has it), or use smaller models"
    )
