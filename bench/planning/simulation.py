"""What a plan would do on a machine, by its costs: one simulation, in this process, without writing anything.

The executor is the one that `executor=simulated` chooses, so a run of it gives the same as a prediction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from clipbench.executors.arrivals import AT_ONCE, NEVER
from clipbench.executors.base import Phase, Plan, PretendedClip, Span
from clipbench.executors.costs import AnalyzerCost, Costs, Pretended
from clipbench.executors.layout import Machine
from clipbench.executors.settings import VirtualSettings
from clipbench.executors.simulated import Simulated, SimulatedSettings
from clipbench.executors.virtual import Usage
from clipbench.executors.virtual_clip import DECODER


@dataclass(frozen=True)
class DeclaredClip:
    """The facts of a clip that need not exist. See `ClipFacts` in analyzers/base.py."""

    duration_s: float
    width: int = 1280
    height: int = 720
    fps: float = 30.0
    has_audio: bool = True


@dataclass(frozen=True)
class Prediction:
    """What a plan would do with some clips, once it is warm. Fractions are of the time from start to end.

    `makespan_s` is from the first clip's arrival to the last outcome; before that, workers take `ready_s` to
    start and load. `latency_s` is for each clip from its arrival to the last outcome on it, and `statuses`
    how many analyzers ended how. `cores` is the fraction of the cores that was busy, `decoder` how many cores
    decoding kept busy. Of each GPU, by its index, `gpus` is the fraction of the time with something on it,
    and `gpus_filled` the fraction of it that was filled. `workers` is the fraction in which each worker
    analyzed. Memory is in GB, at its most, and None where costs do not say.
    """

    makespan_s: float
    ready_s: float
    latency_s: tuple[float, ...]
    statuses: dict[str, int]
    cores: float
    decoder: float
    gpus: dict[int, float]
    gpus_filled: dict[int, float]
    workers: dict[str, float]
    memory_gb: float | None
    gpu_memory_gb: dict[int, float | None]
    binds: str

    @property
    def clips_per_s(self) -> float:
        """Clips finished per second."""
        return len(self.latency_s) / self.makespan_s


def predict(
    plan: Plan,
    machine: Machine,
    costs: Costs,
    clips: Sequence[DeclaredClip],
    in_flight: int = 1,
    times_s: Sequence[float] | None = None,
    chunk_s: float | None = 5.0,
) -> Prediction:
    """What `plan`, which was made for `machine`, would do with `clips`, with up to `in_flight` under way.

    They are all there at the beginning, or arrive at `times_s`, in seconds and in order. Models are loaded
    before. The plan's settings are `SimulatedSettings`, whose `like` says which executor is pretended. Raises
    KeyError for an analyzer without costs.
    """
    assert isinstance(plan.settings, SimulatedSettings)
    plan = replace(plan, pretended=Pretended(machine, costs))
    watch = Watch()
    executor = Simulated(watch)
    try:
        executor.start(plan)
        began_s, before = executor.clock(), executor.world.usage()
        queue = DeclaredQueue(executor, plan, clips, chunk_s, times_s)
        left = {number: len(plan.tasks()) for number in range(len(clips))}
        latency_s = [0.0] * len(clips)
        statuses: dict[str, int] = {}
        watch.spans.clear()
        for number, outcome in executor.run_many(queue, in_flight):
            statuses[outcome.status] = statuses.get(outcome.status, 0) + 1
            left[number] -= 1
            if not left[number]:
                latency_s[number] = executor.clock() - queue.arrived_s[number]
                queue.opened[number].close()
        return summarized(plan, latency_s, statuses, watch, (began_s, executor.clock()), before, executor)
    finally:
        executor.close()


class Watch:
    """An observer that keeps spans."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def began(self, worker: str, analyzer: str, phase: Phase) -> None:
        """Nobody looks at what has begun."""

    def ended(self, span: Span) -> None:
        self.spans.append(span)


class DeclaredQueue:
    """Declared clips as they arrive. See `Arrivals` in executors/arrivals.py."""

    def __init__(
        self,
        executor: Simulated,
        plan: Plan,
        clips: Sequence[DeclaredClip],
        chunk_s: float | None,
        times_s: Sequence[float] | None,
    ) -> None:
        self.executor, self.plan, self.clips, self.chunk_s = executor, plan, clips, chunk_s
        began_s = executor.clock()
        self.times_s = [began_s + time_s for time_s in times_s] if times_s is not None else None
        self.opened: list[PretendedClip] = []
        self.arrived_s = self.times_s or [began_s] * len(clips)

    @property
    def next_s(self) -> float:
        if len(self.opened) == len(self.clips):
            return NEVER
        return AT_ONCE if self.times_s is None else self.times_s[len(self.opened)]

    def take(self, now_s: float) -> PretendedClip | None:
        if now_s < self.next_s:
            return None
        clip = self.executor.pretend(self.plan, self.clips[len(self.opened)], self.chunk_s)
        self.opened.append(clip)
        return clip


def summarized(
    plan: Plan,
    latency_s: Sequence[float],
    statuses: dict[str, int],
    watch: Watch,
    window: tuple[float, float],
    before: Usage,
    executor: Simulated,
) -> Prediction:
    """The prediction, from what happened in the `window` of time."""
    assert plan.pretended is not None
    machine = plan.pretended.machine
    seconds, after = window[1] - window[0], executor.world.usage()
    workers = {worker.name: 0.0 for worker in plan.layout}
    for span in watch.spans:
        if span.phase == "analyze":
            workers[span.worker] += (span.end_s - span.start_s) / seconds
    decoded = after.by_kind_s.get(DECODER, 0.0) - before.by_kind_s.get(DECODER, 0.0)
    gpus = {index: (after.busy_s[index] - before.busy_s[index]) / seconds for index in after.busy_s}
    filled = {index: (after.filled_s[index] - before.filled_s[index]) / seconds for index in after.filled_s}
    cores = (after.cores_s - before.cores_s) / seconds / machine.cores
    return Prediction(
        makespan_s=seconds,
        ready_s=window[0],
        latency_s=tuple(latency_s),
        statuses=statuses,
        cores=cores,
        decoder=decoded / seconds,
        gpus=gpus,
        gpus_filled=filled,
        workers=workers,
        memory_gb=memory(plan),
        gpu_memory_gb={gpu.index: gpu_memory(plan, gpu.index) for gpu in machine.gpus},
        binds=binding(cores, decoded / seconds, gpus, workers),
    )


def memory(plan: Plan) -> float | None:
    """GB of the host at the most: what all workers have loaded, and their largest piece of work."""
    assert isinstance(plan.settings, VirtualSettings) and plan.pretended is not None
    costs = plan.pretended.costs
    own_gb = costs.overheads_of(plan.settings.like).memory_gb
    found = [[costs.analyzers[task.analyzer] for task in worker.tasks] for worker in plan.layout]
    if own_gb is None or any(cost.memory_gb is None for each in found for cost in each):
        return None
    return sum(own_gb + sum(cost.memory_gb or 0.0 for cost in each) + highest(each) for each in found)


def highest(costs: Sequence[AnalyzerCost]) -> float:
    """GB that the piece of work with the most of them takes while it lasts."""
    return max((cost.peak_gb or 0.0 for cost in costs), default=0.0)


def gpu_memory(plan: Plan, gpu: int) -> float | None:
    """GB of a GPU's memory that its workers hold; None where costs do not say."""
    assert plan.pretended is not None
    costs = plan.pretended.costs
    there = [worker for worker in plan.layout if worker.device == f"gpu:{gpu}"]
    tasks = [task.analyzer for worker in there for task in worker.tasks if task.gpu]
    known = [costs.analyzers[name].gpu_memory_gb for name in tasks]
    return None if None in known else sum(gb or 0.0 for gb in known)


#: What is busy for more than this fraction of the time holds the rest up.
BINDS = 0.9


def binding(cores: float, decoder: float, gpus: dict[int, float], workers: dict[str, float]) -> str:
    """What holds the clips up, in a few words: what was busy nearly all the time, or else waiting in turn."""
    if gpus and max(gpus.values()) > BINDS:
        return f"the time of GPU {max(gpus, key=gpus.__getitem__)}"
    if cores > BINDS:
        return "cores"
    if decoder > BINDS:
        return "decoding"
    busiest = max(workers, key=workers.__getitem__)
    if workers[busiest] > BINDS:
        return f"worker {busiest}"
    return "a chain of analyzers"
