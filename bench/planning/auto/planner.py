"""The planner: the best grouping that a search finds, why it is no better, and what was tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clipbench.bench.errors import InputError
from clipbench.bench.planning.auto.demand import Part
from clipbench.bench.planning.auto.drafts import Draft
from clipbench.bench.planning.auto.exact import LeastTime, least_time, simple_bound
from clipbench.bench.planning.auto.local_search import Score, Search, Tried, better
from clipbench.bench.planning.auto.moves import Neighbourhood
from clipbench.bench.planning.auto.naming import groups_of
from clipbench.bench.planning.auto.problem import Problem, Workload
from clipbench.bench.planning.auto.scoring import DraftScorer, Groups, Layout, Setting
from clipbench.bench.planning.auto.seeds import seeds
from clipbench.bench.planning.simulation import Prediction
from clipbench.executors.base import Plan
from clipbench.executors.simulated import Simulated

#: Steps that a search may simulate: one takes a tenth of a millisecond, and twice that with many workers.
EFFORT = 70_000
#: How much a latency counts beside clips that are late: enough to tell groupings apart that are all in time.
LATENCY_COUNTS = 1e-3


class FitsNowhere(InputError):
    """There is no memory for any grouping of these analyzers on this machine."""


@dataclass(frozen=True)
class Planned:
    """The grouping that was found, as a plan, and the prediction for the whole workload.

    `value` is what the search made small: seconds for a clip, or the share of clips that are late. `binds`
    has what bounds it, the tightest first, in seconds of all clips that the search simulated, `seconds`
    what these took. `no_room` says that a better bound was there, and no memory for it. `beside` are the
    values of groupings that people wrote; None for one that does not fit.
    """

    problem: Problem
    draft: Draft
    plan: Plan
    prediction: Prediction
    value: float
    seconds: float
    binds: tuple[Part, ...]
    no_room: bool
    least: LeastTime
    tried: Tried
    beside: dict[str, float | None]

    @property
    def gap(self) -> float | None:
        """How far the value is above what no grouping can beat, as a fraction; None for late clips."""
        if self.problem.objective == "goodput" or self.least.seconds <= 0:
            return None
        return self.seconds / self.least.seconds - 1


def find_grouping(
    problem: Problem, written: Mapping[str, Draft] | None = None, effort: int = EFFORT
) -> Planned:
    """The best grouping for a problem; the search starts from those that people wrote as well.

    Raises FitsNowhere where no grouping fits into the memory of the machine.
    """
    demand, space, sample = problem.demand(), problem.space(), problem.sample()
    scorer = scorer_of(problem)
    seconds = {name: demand.load((name,), 1, bool(space.gpus)).worker_s for name in space.analyzers}
    kept = {name: space.canonical(draft) for name, draft in (written or {}).items()}
    gpu_memory_gb = min((gpu.memory_gb for gpu in problem.machine.gpus), default=0.0)
    starts = [*kept.values(), *seeds(space, demand, gpu_memory_gb)]
    threads = max(space.threads, default=problem.settings.threads or 1)
    least = simple_bound(demand, problem.machine, threads)
    floor = bound_of(problem, sample, least.seconds)
    search = Search(Neighbourhood(space, seconds), scorer, problem.seed, effort, floor)
    found = search.run(starts)
    if found is None:
        raise FitsNowhere(fits_nowhere(problem))
    plan = planned(problem, scorer, found.draft)
    return Planned(
        problem,
        found.draft,
        plan,
        problem.predicted(plan, problem.workload),
        found.value,
        problem.predicted(plan, sample).makespan_s,
        tuple(sorted(scorer.parts(found.draft), key=lambda part: -part.seconds)),
        found.without_room is not None and better(found.without_room, found.value),
        least_time(demand, problem.machine, threads),
        found.tried,
        {name: search.value(draft) for name, draft in kept.items()},
    )


def scorer_of(problem: Problem) -> DraftScorer:
    """The scorer of a problem: it simulates the sample."""
    demand, sample, machine = problem.demand(), problem.sample(), problem.machine
    steps = sum(shape.chunks + 1 if task.chunked else 1 for task in problem.tasks for shape in demand.clips)

    def foretold(groups: Groups, layout: Layout) -> Score:
        prediction = problem.predicted(problem.planned(groups, layout), sample)
        return Score(value_of(problem, sample, prediction), steps)

    def bounded(seconds: float) -> float:
        return bound_of(problem, sample, seconds)

    own_gb = problem.costs.overheads_of(problem.settings.like).memory_gb or 0.0
    setting = Setting(Simulated, problem.settings, machine, machine.memory_gb, own_gb)
    return DraftScorer(demand, setting, foretold, bounded)


def planned(problem: Problem, scorer: DraftScorer, draft: Draft) -> Plan:
    """The plan of a draft, its groups with names for people."""
    groups = groups_of(draft, scorer.demand)
    layout = scorer.placed(groups)
    assert layout is not None, "the search only gives what fits"
    return problem.planned(groups, layout)


def value_of(problem: Problem, sample: Workload, prediction: Prediction) -> float:
    """What is to be small: seconds for a clip, or the share of late clips with a little of the latency."""
    if problem.objective != "goodput":
        return prediction.makespan_s / len(sample.clips)
    assert sample.latency_limit_s is not None
    count = len(prediction.latency_s)
    late = sum(seconds > sample.latency_limit_s for seconds in prediction.latency_s) / count
    return late + LATENCY_COUNTS * sum(prediction.latency_s) / count / sample.latency_limit_s


def bound_of(problem: Problem, sample: Workload, seconds: float) -> float:
    """A value that cannot be beaten where all clips of the sample take at least so many seconds together."""
    if problem.objective != "goodput":
        return seconds / len(sample.clips)
    assert sample.latency_limit_s is not None and sample.times_s
    # Clips come until the last one does, and the last one has its limit: of all, so many can be in time.
    until_s = sample.times_s[-1] + sample.latency_limit_s
    return max(0.0, 1 - until_s / seconds) if seconds > 0 else 0.0


def fits_nowhere(problem: Problem) -> str:
    """The line for a machine that has no memory for any grouping."""
    machine, tasks = problem.machine, [task for task in problem.tasks if task.gpu]
    where = f"machine={machine.name or 'here'}: no grouping fits"
    if not tasks or not machine.gpus:
        return f"{where} into {machine.memory_gb:g} GB; take a larger machine, or fewer analyzers: only=[…]"
    largest = max(tasks, key=lambda task: task.memory_gb or 0.0)
    whole_gb = sum(task.memory_gb or 0.0 for task in tasks)
    gpus = f"{len(machine.gpus)} GPU{'s' if len(machine.gpus) > 1 else ''}"
    return (
        f"{where}: the models need {whole_gb:.1f} GB, {largest.analyzer} alone "
        f"{largest.memory_gb or 0.0:.1f} GB, and there {'are' if len(machine.gpus) > 1 else 'is'} {gpus} "
        f"of {machine.gpus[0].memory_gb:g} GB; take more or larger ones, or smaller models"
    )
