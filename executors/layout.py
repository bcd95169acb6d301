"""From groups to workers: which workers exist, what each runs, and its share of the machine."""

from __future__ import annotations

import heapq
import itertools
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from clipbench.analyzers.base import Analyzer, FrameRequest, Needs, Settings, is_chunked

#: GB of a GPU that a process needs before it holds anything, for CUDA's context and libraries. Reports range
#: from 0.3 GB, with lazy loading, to 0.5 GB; a plan uses the larger.
CONTEXT_GB = 0.5


@dataclass(frozen=True)
class Task:
    """One analyzer to run: its name, its settings, what of this plan it waits for, and what it declares.

    `upstream` are the analyzers whose results it reads, `after` those that it only comes after. `needs` is
    what it reads of a clip, `gpu` whether it uses the GPU of its group, and `memory_gb` how much of it, where
    that is declared. `models` are its model cards; `stand_in` says why its results are not those of the model
    that it stands in for; with `random` weights they mean nothing. A `chunked` one is fed chunk by chunk.
    `broken` says why it cannot be run, where what it declares cannot be asked for: then it fails.
    """

    analyzer: str
    settings: Settings
    upstream: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    needs: Needs = Needs()  # noqa: RUF009  (a named tuple: it cannot change)
    gpu: bool = False
    memory_gb: float | None = None
    models: tuple[str, ...] = ()
    stand_in: str | None = None
    random: bool = False
    chunked: bool = False
    broken: str = ""

    @classmethod
    def of(cls, analyzer: Analyzer, upstream: tuple[str, ...] = (), after: tuple[str, ...] = ()) -> Task:
        """The task of running `analyzer`, with all that it declares under its settings.

        Raises what the analyzer raises, and TypeError for what is not of the type that it must be.
        """
        return cls(
            analyzer.name,
            analyzer.settings,
            upstream,
            after,
            needs=checked_needs(analyzer.needs()),
            gpu=bool(analyzer.uses_gpu),
            memory_gb=analyzer.memory_gb,
            models=checked_models(analyzer.models()),
            stand_in=analyzer.stand_in,
            random=checked_random(analyzer.random),
            chunked=is_chunked(analyzer),
        )

    @property
    def frames(self) -> bool:
        """Whether it reads frames at all, and so must wait for them."""
        return bool(self.needs.frames)


def checked_models(models: object) -> tuple[str, ...]:
    """What `Analyzer.models` says; raises TypeError where that is no list of names."""
    if not isinstance(models, tuple | list) or not all(isinstance(model, str) for model in models):
        raise TypeError(f"models() must return names of model cards, not {type(models).__name__}")
    return tuple(map(str, models))


def checked_random(random: object) -> bool:
    """What `Analyzer.random` says; raises TypeError where that is neither true nor false."""
    if not isinstance(random, bool):
        raise TypeError(f"random must be true or false, not {type(random).__name__}")
    return random


def checked_needs(needs: object) -> Needs:
    """What `Analyzer.needs` says; raises TypeError or ValueError for what nobody can be given."""
    if not isinstance(needs, Needs):
        raise TypeError(f"needs() must return Needs, not {type(needs).__name__}")
    for request in needs.frames:
        if not isinstance(request, FrameRequest):
            raise TypeError(f"needs() must have requests for frames, not {type(request).__name__}")
        fits = request.size >= 0 and 0 < request.fps < math.inf
        if not fits or not isinstance(request.size, int):
            raise ValueError(f"needs() asks for {request.fps:g} frames a second of size {request.size}")
    return Needs(tuple(needs.frames), bool(needs.audio))


@dataclass(frozen=True)
class Group:
    """Analyzers that belong together, in the order in which to start them: a group of the grouping.

    `device` and `cpus` are those of the first worker that runs it; before that is known, `device` is what the
    grouping asks for: cpu, gpu:N or gpu:auto. `replicas` is how many equal workers it asks for, `threads` how
    many threads for each of them; None leaves that to the executor. `need` is what each of them needs of the
    cores, relative to the workers of other groups.
    """

    name: str
    device: str
    tasks: tuple[Task, ...]
    cpus: tuple[int, ...] = ()
    replicas: int = 1
    threads: int | None = None
    need: float = 1.0

    def worker_names(self) -> list[str]:
        """The names of its workers: the group's, or with replicas group.1, group.2 and so on."""
        if self.replicas == 1:
            return [self.name]
        return [f"{self.name}.{number}" for number in range(1, self.replicas + 1)]

    def device_of(self, analyzer: str) -> str:
        """Where one of its analyzers runs: on the group's device, or on the CPU if it uses no GPU."""
        return device_of(self.device, self.tasks, analyzer)


@dataclass(frozen=True)
class Gpu:
    """A GPU that may be used; `index` counts as NVML does.

    `speed` is relative to the one that costs were measured on: it is 1 for a GPU that is at hand.
    """

    index: int
    memory_gb: float
    name: str = ""
    speed: float = 1.0


@dataclass(frozen=True)
class Machine:
    """What a plan may use: how many cores and, where the system can tell, which ones; and the GPUs.

    The rest is for machines that are pretended: `core_speed` is relative to the one that costs were measured
    on, and `price_per_hour` is in the currency that its file names.
    """

    cores: int
    core_numbers: tuple[int, ...] = ()
    gpus: tuple[Gpu, ...] = ()
    name: str = "here"
    memory_gb: float | None = None
    core_speed: float = 1.0
    price_per_hour: float | None = None


@dataclass(frozen=True)
class WorkerPlan:
    """A worker as it is planned: the analyzers it holds, its device, its threads and the cores it keeps to.

    `memory_gb` is what it needs of a GPU's memory; None where it can use no GPU. `cpus` is empty where it may
    use every core.
    """

    name: str
    device: str
    tasks: tuple[Task, ...]
    threads: int = 1
    cpus: tuple[int, ...] = ()
    memory_gb: float | None = None

    def task(self, analyzer: str) -> Task:
        """The task of one of its analyzers."""
        return next(task for task in self.tasks if task.analyzer == analyzer)

    def holds(self, analyzer: str) -> bool:
        """Whether it can run this analyzer."""
        return any(task.analyzer == analyzer for task in self.tasks)

    def device_of(self, analyzer: str) -> str:
        """Where one of its analyzers runs: on its device, or on the CPU if the analyzer uses no GPU."""
        return device_of(self.device, self.tasks, analyzer)


def device_of(device: str, tasks: Sequence[Task], analyzer: str) -> str:
    """The device on which one of these tasks runs, where those that use a GPU are on `device`."""
    return device if any(t.gpu for t in tasks if t.analyzer == analyzer) else "cpu"


def in_order(groups: Sequence[Group]) -> list[Task]:
    """All tasks of these groups, each after those that it waits for, otherwise in the order of the groups."""
    tasks = [task for group in groups for task in group.tasks]
    waits_for = [{*task.upstream, *task.after} for task in tasks]
    readers: dict[str, list[int]] = defaultdict(list)
    for place, names in enumerate(waits_for):
        for name in names:
            readers[name].append(place)
    free = [place for place, names in enumerate(waits_for) if not names]  # in order, and so a heap
    ordered: list[Task] = []
    while free:
        task = tasks[heapq.heappop(free)]
        ordered.append(task)
        for place in readers[task.analyzer]:
            waits_for[place].discard(task.analyzer)
            if not waits_for[place]:
                heapq.heappush(free, place)
    assert len(ordered) == len(tasks), "tasks wait for each other in a circle, or for what is in no group"
    return ordered


def one_per_group(
    groups: Sequence[Group], machine: Machine, threads: int | None, pinned: bool = False
) -> tuple[WorkerPlan, ...]:
    """A worker for each group, or for each of its replicas, in the order of the groups.

    `pinned` ones keep to cores of their own, in proportion to their threads, and these are in proportion to
    what their groups need; the others share all of them. On a machine with GPUs, decoding gets as many cores
    as such a worker has on average: a worker whose models are on a GPU needs its own for starting kernels.
    """
    workers = [(name, group) for group in groups for name in group.worker_names()]
    needs = [group.need for _, group in workers]
    parts = len(workers) + (pinned and reserves_for_decoding(groups, machine))
    budgets = [thread_budget(machine, parts, threads)] * len(workers)
    if pinned and threads is None and len(set(needs)) > 1:
        budgets = [
            max(1, len(cores)) for cores in share_cores(machine, with_mean(needs, parts))[: len(needs)]
        ]
    counts = [group.threads or budget for (_, group), budget in zip(workers, budgets, strict=True)]
    cpus = share_cores(machine, with_mean(counts, parts)) if pinned else [()] * len(workers)
    return tuple(
        WorkerPlan(name, group.device, group.tasks, count, cores, gpu_memory(group.tasks))
        for (name, group), count, cores in zip(workers, counts, cpus[: len(workers)], strict=True)
    )


def with_mean(shares: Sequence[float], parts: int) -> list[float]:
    """The shares, and their mean for each of `parts` that has none."""
    return [*shares, *[sum(shares) / len(shares)] * (parts - len(shares))]


def reserves_for_decoding(groups: Sequence[Group], machine: Machine) -> bool:
    """Whether decoding gets cores of its own: beside models on GPUs, where there are two for each worker."""
    on_gpu = any(gpu_memory(group.tasks) is not None and group.device != "cpu" for group in groups)
    workers = sum(group.replicas for group in groups)
    return bool(machine.gpus) and on_gpu and len(machine.core_numbers) >= 2 * workers


def thread_budget(machine: Machine, workers: int, threads: int | None) -> int:
    """Threads for each of so many workers: `threads`, or an equal share of the cores, at least one."""
    return max(1, machine.cores // max(1, workers)) if threads is None else threads


def share_cores(machine: Machine, threads: Sequence[float]) -> list[tuple[int, ...]]:
    """Cores for workers with so many threads, in proportion, or evenly where one would be left without.

    They are empty where there are more workers than cores.
    """
    cores, whole = machine.core_numbers, sum(threads)
    if len(threads) > len(cores):
        return [()] * len(threads)
    edges = [round(before * len(cores) / whole) for before in itertools.accumulate(threads, initial=0)]
    shares = [cores[a:b] for a, b in itertools.pairwise(edges)]
    return shares if all(shares) else share_cores(machine, [1] * len(threads))


def decoder_cores(layout: Sequence[WorkerPlan], cores: Sequence[int] = ()) -> tuple[int, ...]:
    """The ones among `cores` for decoding, empty for all: where each worker has its own, those that none has.

    Where there are none of these, they are those of the first worker with frames, which cannot begin before
    there are some. A decoder that may use every core settles on one of them and slows the worker there, which
    could be any.
    """
    if not all(worker.cpus for worker in layout):
        return ()
    if left := tuple(sorted({*cores}.difference(*(worker.cpus for worker in layout)))):
        return left
    return next((w.cpus for w in layout if any(task.frames for task in w.tasks)), ())


def gpu_memory(tasks: Sequence[Task]) -> float | None:
    """GB of a GPU that a process with these tasks needs, CUDA's context included; None: it uses no GPU."""
    if not any(task.gpu for task in tasks):
        return None
    return sum(task.memory_gb or 0.0 for task in tasks) + CONTEXT_GB
