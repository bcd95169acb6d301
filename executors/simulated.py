"""Nothing runs: the layout of another executor on a pretended machine, in virtual time.

Scheduling and supervision are the real ones. Workers and the clock are pretended; what they take comes from
costs, and from who else is busy on that machine at that moment. docs/simulation.md says what is assumed.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from clipbench.analyzers.base import ClipFacts, setting
from clipbench.executors import registry
from clipbench.executors.arrivals import Arrivals
from clipbench.executors.base import Clip, ExecutorUnavailable, Observer, Outcome, Plan
from clipbench.executors.connected import Connected
from clipbench.executors.costs import Pretended
from clipbench.executors.faults import CONTAINABLE, HARMLESS
from clipbench.executors.graph import Urgency
from clipbench.executors.layout import Group, Machine, WorkerPlan, decoder_cores
from clipbench.executors.protocol import Link, Report, WorkerSpec
from clipbench.executors.settings import ExecutorSettings, VirtualSettings
from clipbench.executors.steps import OnDecoded, nobody
from clipbench.executors.virtual import PARKED, Process, World
from clipbench.executors.virtual_clip import VirtualClip, VirtualDecoder
from clipbench.executors.virtual_worker import Prices, VirtualWorker

#: A time limit is over when this much more than its seconds have passed.
JUST_OVER_S = 1e-6


@dataclass(frozen=True)
class SimulatedSettings(VirtualSettings):
    """The settings of the simulation: those that the executors it can be like have of their own."""

    workers: int | None = setting(None, "how many workers a pool has; null: its default", low=1, high=4096)


class Driver:
    """The process that owns the executor: it hears what workers have finished, one report after the other."""

    def __init__(self, world: World, prices: Prices) -> None:
        self.prices, self.world = prices, world
        self._waiting: deque[tuple[VirtualWorker, Report]] = deque()
        self._activity = world.begin(self._hear(), "driver")

    def take(self, worker: VirtualWorker, report: Report) -> None:
        """Hear a report as soon as those before it have been dealt with."""
        self._waiting.append((worker, report))
        self.world.resume(self._activity)

    def _hear(self) -> Process:
        stretch = self.prices.own(self.prices.overheads.driver_s, ())
        while True:
            while not self._waiting:
                yield PARKED
            yield stretch
            worker, report = self._waiting.popleft()
            if not worker.ended:
                worker.say(report)


class Simulated(Connected):
    """The groups of the plan as another executor would run them, on the machine that the plan pretends."""

    name = "simulated"
    settings_type = SimulatedSettings
    contains = CONTAINABLE
    children = False
    virtual = True

    def __init__(self, observer: Observer) -> None:
        super().__init__(observer)
        self.world = World()
        self.clock = self.world.clock
        self.cores_s = self.world.cores_s
        self._readable: dict[VirtualWorker, None] = {}
        self._idle_decoders = 0
        self._furnished: Plan | None = None

    @classmethod
    def layout(
        cls, groups: Sequence[Group], machine: Machine, settings: ExecutorSettings
    ) -> tuple[WorkerPlan, ...]:
        assert isinstance(settings, SimulatedSettings)
        like = registry.strategy(settings.like)
        own = {f.name for f in dataclasses.fields(like.settings_type)}
        values = {name: value for name, value in dataclasses.asdict(settings).items() if name in own}
        return like.layout(groups, machine, like.settings_type(**values))

    def furnish(self, plan: Plan) -> Pretended:
        """Make the world that a plan pretends, once."""
        pretended = plan.pretended
        if pretended is None:
            raise ExecutorUnavailable("executor=simulated: the plan has no machine and no costs to pretend")
        if self._furnished is None:
            assert isinstance(plan.settings, SimulatedSettings)
            self._furnished, like = plan, registry.strategy(plan.settings.like)
            for fault in plan.faults:
                if fault.kind not in like.contains | HARMLESS:
                    raise ExecutorUnavailable(
                        f"faults={fault.kind}: executor.like={like.name} cannot contain it; choose another"
                    )
            machine, costs = pretended.machine, pretended.costs
            self.world.furnish(machine)
            speeds = {gpu.index: gpu.speed for gpu in machine.gpus}
            self.prices = Prices(costs, costs.overheads_of(like.name), machine.core_speed, speeds)
            self.decoder = VirtualDecoder(
                costs.decoding, decoder_cores(plan.layout, machine.core_numbers), machine.core_speed
            )
            self.driver = Driver(self.world, self.prices)
        return pretended

    def pretend(
        self, plan: Plan, facts: ClipFacts, chunk_s: float | None, on_decoded: OnDecoded = nobody
    ) -> VirtualClip:
        self.furnish(plan)
        spawned = self._idle_decoders > 0
        self._idle_decoders -= spawned

        def closed() -> None:
            self._idle_decoders += 1

        return VirtualClip(
            self.world, self.decoder, facts, plan.tasks(), chunk_s, spawned, on_decoded, closed
        )

    def start(self, plan: Plan) -> None:
        self.furnish(plan)
        super().start(plan)

    def run_many(self, clips: Arrivals[Clip], in_flight: int) -> Iterator[tuple[int, Outcome]]:
        return super().run_many(clips, in_flight if self.ranked_by(self.plan).several_clips else 1)

    def ranked_by(self, plan: Plan) -> type[Urgency]:
        assert isinstance(plan.settings, SimulatedSettings)
        return registry.strategy(plan.settings.like).ranking

    def open(self, spec: WorkerSpec) -> Link:
        return VirtualWorker(self.world, spec, self.prices, self.observer, self._has_spoken, self.driver.take)

    def _has_spoken(self, worker: VirtualWorker) -> None:
        self._readable[worker] = None

    def patience_s(self, idle: bool) -> float:
        limit_s = self.started().next_limit_s()
        return max(0.0, limit_s - self.world.now_s) + JUST_OVER_S

    def wait(self, links: Sequence[Link], timeout_s: float) -> Sequence[Link]:
        """Have the world go on until a worker has said something or a chunk is decoded."""
        until_s = self.world.now_s + timeout_s
        while not (heard := self._heard(links)) and not self.world.news and self.world.advance(until_s):
            pass
        self.world.news = False
        return heard

    def _heard(self, links: Sequence[Link]) -> list[Link]:
        if not self._readable:
            return []
        for worker in [worker for worker in self._readable if not worker.readable()]:
            del self._readable[worker]
        return [link for link in links if link in self._readable]

    def gpu_times(self) -> dict[int, list[tuple[float, float]]]:
        return self.world.gpu_times()

    def pids(self) -> dict[str, int]:
        return {}  # there are no processes
