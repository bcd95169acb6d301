"""The question about machines: the best grouping for each, what it would do, which one is enough."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from clipbench.bench.measuring import metrics, served, session, targets
from clipbench.bench.planning.auto import accuracy, configured
from clipbench.bench.planning.auto.configured import FoundGrouping
from clipbench.bench.planning.auto.explaining import held_by_in_flight, run_prediction
from clipbench.bench.planning.auto.planner import FitsNowhere, Planned
from clipbench.bench.planning.auto.problem import QUEUE, Workload
from clipbench.bench.planning.config import Config
from clipbench.bench.planning.percentiles import percentile
from clipbench.bench.runs.foretold import Foretold, RunPrediction
from clipbench.bench.runs.results import MetricValue

#: Clips that are under way at once where the throughput is predicted, if the scenario does not say.
UNDER_WAY = 4


@dataclass(frozen=True)
class Promise:
    """A limit, whether the prediction keeps it, and whether all of its interval does (None: it has none)."""

    text: str
    kept: bool
    sure: bool | None


@dataclass(frozen=True)
class MachineAnswer:
    """What is predicted for one machine. `reason` says why there is nothing, where nothing fits.

    `grows` says that the queue of arriving clips does, so that latencies only say for how long they came.
    `in_flight` is how many clips may be under way at once, where that holds them up.

    Utilisations are fractions: of the cores, and of the mean of the GPUs that are used. Memory is in GB: of
    the host, and of the fullest GPU; None where costs do not say.
    """

    machine: str
    cores: int
    gpus: int
    gpu: str = ""
    reason: str = ""
    grouping: dict[str, list[str]] = field(default_factory=dict)
    prediction: RunPrediction | None = None
    rtf: float | None = None
    throughput: float | None = None
    latency_p95_s: float | None = None
    grows: str = ""
    in_flight: int | None = None
    goodput: float | None = None
    cores_busy: float | None = None
    gpus_busy: float | None = None
    memory_gb: float | None = None
    gpu_memory_gb: float | None = None
    price_per_hour: float | None = None
    price_per_1000_clips: float | None = None
    promises: list[Promise] = field(default_factory=list)

    @property
    def keeps_all(self) -> bool:
        """Whether every promise that is predicted is kept."""
        return not self.reason and all(promise.kept for promise in self.promises)

    @property
    def extrapolated(self) -> list[str]:
        """What of the prediction lies beyond what was measured, in a line each."""
        beware = self.prediction.beware if self.prediction else []
        return [line for line in beware if line.startswith("extrapolated")]

    @property
    def sure(self) -> bool:
        """Whether every promise is kept at every point of its interval, and nothing is extrapolated."""
        return self.keeps_all and not self.extrapolated and all(promise.sure for promise in self.promises)


@dataclass(frozen=True)
class MachineChoice:
    """The answers for all machines, the smallest first, and the place of the one to take, if any."""

    question: str
    answers: list[MachineAnswer]
    take: int | None
    advice: str


def choose(
    question: str,
    configurations: Iterable[Config],
    searched: Callable[[MachineAnswer], None] = lambda _: None,
) -> tuple[MachineChoice, list[FoundGrouping | None]]:
    """The answer for each configuration, one for each machine, and what was found for it.

    `searched` is told of each answer. A machine that no grouping fits on has a reason instead. Raises
    InputError for what is wrong with a configuration.
    """
    pairs: list[tuple[MachineAnswer, FoundGrouping | None]] = []
    checked = [(cfg, session.check(cfg), configured.machine_for(cfg)) for cfg in configurations]
    for cfg, known, machine in checked:
        size = MachineAnswer(
            machine.name, machine.cores, len(machine.gpus), machine.gpus[0].name if machine.gpus else ""
        )
        try:
            found = configured.search(cfg, known.clips.clips)
            pairs.append((answer(cfg, found, size), found))
        except FitsNowhere as error:
            pairs.append((replace(size, reason=str(error)), None))
        searched(pairs[-1][0])
    by_price = all(each.price_per_hour is not None for each, _ in pairs)
    pairs.sort(key=lambda pair: (pair[0].price_per_hour if by_price else 0.0, pair[0].gpus, pair[0].cores))
    answers = [each for each, _ in pairs]
    take = next((n for n, each in enumerate(answers) if each.keeps_all), None)
    choice = MachineChoice(question, answers, take, advice(answers, take, by_price))
    return choice, [found for _, found in pairs]


def answer(cfg: Config, found: FoundGrouping, size: MachineAnswer) -> MachineAnswer:
    """What is predicted for one machine with the grouping that was found for it."""
    planned = found.planned
    problem, prediction, workload = planned.problem, planned.prediction, planned.problem.workload
    alone = problem.predicted(planned.plan, replace(workload.first(1), in_flight=1, times_s=None))
    queue = crowded(workload)
    full = problem.predicted(planned.plan, queue)
    seconds = sum(clip.duration_s for clip in queue.clips)
    used = [share for gpu, share in prediction.gpus.items() if gpu in accuracy.gpus_of(planned)]
    known = [gb for gb in prediction.gpu_memory_gb.values() if gb is not None]
    limit_s, arriving, grown = workload.latency_limit_s, workload.times_s is not None, growth(planned)
    clips_per_s = prediction.clips_per_s if arriving or workload.in_flight > 1 else full.clips_per_s
    price = problem.machine.price_per_hour
    made = replace(
        size,
        grouping={g.name: [t.analyzer for t in g.tasks] for g in planned.plan.groups},
        prediction=run_prediction(found),
        rtf=alone.makespan_s / workload.clips[0].duration_s,
        throughput=seconds / full.makespan_s,
        latency_p95_s=percentile(prediction.latency_s, 95) if arriving and not grown else None,
        grows=grown,
        in_flight=held_by_in_flight(planned),
        goodput=in_time(planned, limit_s) if arriving and limit_s is not None else None,
        cores_busy=prediction.cores,
        gpus_busy=sum(used) / len(used) if used else None,
        memory_gb=prediction.memory_gb,
        gpu_memory_gb=max(known, default=None),
        price_per_hour=price,
        price_per_1000_clips=None if price is None else 1000 * price / (3600 * clips_per_s),
    )
    return replace(made, promises=promises(cfg, found, made))


def crowded(workload: Workload) -> Workload:
    """As many clips of the workload, all there at once, as it takes to see how many a second can be done."""
    in_flight = max(workload.in_flight, UNDER_WAY)
    return replace(workload.first(max(QUEUE, 3 * in_flight)), in_flight=in_flight, times_s=None)


def growth(planned: Planned) -> str:
    """How the queue of arriving clips grows, as served.growth says it; "" where it does not."""
    times_s = planned.problem.workload.times_s
    if times_s is None:
        return ""
    latency_s = planned.prediction.latency_s
    return served.growth(times_s, [at + seconds for at, seconds in zip(times_s, latency_s, strict=True)])


def in_time(planned: Planned, limit_s: float) -> float:
    """Clips per second that are done within the limit."""
    prediction = planned.prediction
    return sum(seconds <= limit_s for seconds in prediction.latency_s) / prediction.makespan_s


def promises(cfg: Config, found: FoundGrouping, made: MachineAnswer) -> list[Promise]:
    """The limits of the targets on what is predicted, and that 95 of 100 clips are done within theirs."""
    limits = session.limits_of(cfg, [metric.name for metric in metrics.discover()])
    foretold = {one.metric: one for one in found.metrics}
    foretold.setdefault("rtf_warm", Foretold("rtf_warm", "", made.rtf or 0.0))
    kept = [judged(one, partial(meets, limits, one)) for one in foretold.values() if one.metric in limits]
    limit_s = found.planned.problem.workload.latency_limit_s
    if made.grows:
        kept.append(Promise("a queue that does not grow", False, None))
    if made.latency_p95_s is not None and limit_s is not None:
        p95 = foretold.get("latency_p95", Foretold("latency_p95", "s", made.latency_p95_s))
        kept.append(judged(p95, partial(operator.ge, limit_s)))
    return kept


def meets(limits: Mapping[str, targets.Limit], one: Foretold, value: float) -> bool:
    """Whether a value meets the limit on its metric."""
    metric = MetricValue(one.metric, value, one.unit, "lower")
    return targets.evaluate({one.metric: limits[one.metric]}, [metric])[0].status == "pass"


def judged(one: Foretold, holds: Callable[[float], bool]) -> Promise:
    """The promise on a metric, for the prediction and for both ends of its interval."""
    ends = [end for end in (one.low, one.high) if end is not None]
    return Promise(one.metric, holds(one.predicted), all(map(holds, ends)) if ends else None)


def advice(answers: Sequence[MachineAnswer], take: int | None, by_price: bool) -> str:
    """Which machine to take, and how sure that is, in a sentence."""
    if take is None:
        none = "None of these machines keeps every promise, by prediction"
        if held := next((one.in_flight for one in reversed(answers) if not one.reason), None):
            return f"{none}; no larger one helps while scenario.in_flight={held} holds clips up: raise it."
        return f"{none}; ask about larger ones."
    chosen = answers[take]
    what = f"{chosen.machine} with {chosen.gpus} GPU{'s' if chosen.gpus != 1 else ''}"
    why = "the cheapest" if by_price else "the smallest"
    said = f"{what} is {why} of these that keeps every promise, by prediction"
    if chosen.sure:
        return f"{said}, also at the worst end of every interval."
    doubts = [promise.text for promise in chosen.promises if not promise.sure]
    unsure = [f"the interval of {each} reaches beyond its limit, or there is none" for each in doubts]
    return f"{said}; not sure: {'; '.join([*unsure, *chosen.extrapolated])}."
