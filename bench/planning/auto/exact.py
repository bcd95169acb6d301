"""What no grouping can beat: a bound that a solver proves, and a simple one where that cannot be had.

Both are about one clip after another, on all of a machine's cores and GPUs. The solver (CP-SAT of OR-Tools,
`pip install "clipbench[exact]"`) schedules every piece of work wherever it likes: what analyzers share is
done once, any core and any GPU will do, and nothing slows anything. A grouping only adds to that, so the
least makespan of that problem, or the bound that was proven for it, bounds every grouping.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from clipbench.bench.planning.auto.demand import ClipShape, Demand, amdahl
from clipbench.executors.costs import Work
from clipbench.executors.layout import Machine, Task

#: Units of a second in which the solver counts, rounded down: it only knows whole numbers.
UNITS = 10_000
#: Pieces of work in one problem, beyond which nothing is proven in time; and how much the solver may do for a
#: clip, in its own measure that is the same everywhere, about a second each.
MOST_PIECES, PATIENCE = 600, 4.0


@dataclass(frozen=True)
class LeastTime:
    """Seconds that these clips take on this machine in any grouping; `source` says how that is known.

    `proven` says that a solver has proven it for the schedule as a whole; `optimal` that a schedule of the
    solver's reaches it.
    """

    seconds: float
    source: str
    proven: bool = False
    optimal: bool = False


def least_time(demand: Demand, machine: Machine, threads: int) -> LeastTime:
    """The best bound that can be had here, with up to so many `threads` for a worker."""
    simple = simple_bound(demand, machine, threads)
    if demand.in_flight > 1 or importlib.util.find_spec("ortools") is None:
        return simple
    found = [solved(pieces(demand, clip, threads), machine) for clip in demand.clips]
    if not all(found):
        return simple
    seconds = sum(one.seconds for one in found if one)
    if seconds <= simple.seconds:
        return simple
    return LeastTime(seconds, "CP-SAT", True, all(one.optimal for one in found if one))


def simple_bound(demand: Demand, machine: Machine, threads: int) -> LeastTime:
    """The greatest of the longest chain, all work over all cores, and all work of GPUs over all of them."""
    places = {task.analyzer: (threads, bool(machine.gpus)) for task in demand.tasks}
    chain = sum(demand.chain_of(clip, places)[0] for clip in demand.clips) / demand.in_flight
    everything = demand.load(tuple(task.analyzer for task in demand.tasks), threads, bool(machine.gpus))
    bounds = {
        "the longest chain": chain,
        "all work spread over all cores": (everything.core_s + demand.decoding_s()) / demand.cores,
        "all work of GPUs spread over all of them": everything.filled_s / max(1, len(machine.gpus)),
    }
    source = max(bounds, key=bounds.__getitem__)
    return LeastTime(bounds[source], source)


@dataclass(frozen=True)
class PieceOfWork:
    """Work in one place: seconds of a core, and of a GPU that it fills by this share; what it waits for.

    `core_s` is how long it keeps its core, `energy_s` what it takes of all cores; `waiting_s` takes neither.
    """

    name: str
    core_s: float
    energy_s: float
    gpu_s: float = 0.0
    gpu_share: float = 0.0
    waiting_s: float = 0.0
    after: tuple[str, ...] = ()

    @property
    def whole_s(self) -> float:
        """Seconds from its start to its end."""
        return self.core_s + self.gpu_s + self.waiting_s


@dataclass
class Pieces:
    """The pieces of a clip, each after those that it waits for."""

    demand: Demand
    clip: ClipShape
    threads: int
    made: dict[str, PieceOfWork] = field(default_factory=dict)

    def add(self, name: str, work: Work, chunked: bool, after: Iterable[str], parts: float = 1) -> str:
        """A piece that is one of so many equal parts of what `work` takes for the clip."""
        gpu = any(task.gpu for task in self.demand.tasks)
        load = self.demand.of(work, chunked, self.clip, self.threads, gpu)
        core_s, share = load.core_s * amdahl(work, self.threads) / parts, work.gpu_share
        energy_s, gpu_s = load.core_s / parts, load.gpu_s / parts
        waiting_s = load.worker_s / parts - core_s - gpu_s
        self.made[name] = PieceOfWork(name, core_s, energy_s, gpu_s, share, waiting_s, tuple(after))
        return name

    def add_decoding(self) -> tuple[list[str], list[str]]:
        """Decoding, piece after piece; the names of those after which sound is there, and frames."""
        opened, sound, frames = self.demand.decoded(self.clip)
        self.made["open"] = PieceOfWork("open", opened, opened)
        before, chunks = "open", self.clip.chunks
        heard: list[str] = []
        seen: list[str] = []
        for chunk in range(chunks):
            for kind, seconds, there in (("sound", sound, heard), ("frames", frames, seen)):
                name = f"decode {kind} {chunk}"
                self.made[name] = PieceOfWork(name, seconds / chunks, seconds / chunks, after=(before,))
                there.append(name)
                before = name
        return heard, seen

    def add_task(self, task: Task, heard: list[str], seen: list[str]) -> None:
        """An analyzer: its chunks one after the other and its end, or all of it at once."""
        demand, clip, name = self.demand, self.clip, task.analyzer
        cost, upstream = demand.cost(name), [*task.upstream, *task.after]
        decoded = seen if task.frames else heard if task.needs.audio else []
        if not task.chunked:
            shared = [self.derived(each, task, decoded[-1:], "") for each in cost.derivations]
            self.add(name, cost.work, False, [*upstream, *decoded[-1:], *shared])
            return
        before: list[str] = []
        for chunk in range(clip.chunks):
            there = decoded[chunk : chunk + 1]
            shared = [self.derived(each, task, there, str(chunk)) for each in cost.derivations]
            fed = self.add(f"{name} {chunk}", cost.work, True, [*before, *there, *shared], parts=clip.chunks)
            before = [fed]
            if cost.window_s and (complete_s := clip.completed_s(cost, chunk)):
                parts = clip.duration_s / complete_s
                before = [self.add(f"{name} {chunk}, windows", cost.windowed, False, before, parts)]
        self.add(name, cost.finish, False, [*before, *upstream])

    def derived(self, name: str, task: Task, after: list[str], chunk: str) -> str:
        """What analyzers share of a piece, once."""
        piece = f"{name} of {chunk or 'all'}"
        if piece not in self.made:
            parts = self.clip.chunks if chunk else 1
            self.add(piece, self.demand.derivation(name), task.chunked, after, parts)
        return piece


def pieces(demand: Demand, clip: ClipShape, threads: int) -> list[PieceOfWork]:
    """All work on a clip, each piece after those that it waits for."""
    collected = Pieces(demand, clip, threads)
    heard, seen = collected.add_decoding()
    for task in demand.tasks:
        collected.add_task(task, heard, seen)
    return list(collected.made.values())


def solved(work: list[PieceOfWork], machine: Machine) -> LeastTime | None:
    """What a solver proves of these pieces; None where there are too many of them, or it proves nothing."""
    if len(work) > MOST_PIECES:
        return None
    from ortools.sat.python import cp_model

    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = PATIENCE
    status = solver.solve(modelled(cp_model.CpModel(), work, machine))
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    bound = solver.best_objective_bound / UNITS
    return LeastTime(bound, "CP-SAT", True, status == cp_model.OPTIMAL)


def modelled(model: Any, work: list[PieceOfWork], machine: Machine) -> Any:
    """The problem: cores and GPUs that are shared, pieces that wait for others, the least end of all."""
    horizon = sum(units(piece.whole_s) for piece in work) + 1
    ends: dict[str, Any] = {}
    on_cores, on_gpus, shares = [], [], []
    last = model.new_int_var(0, horizon, "end")
    for piece in work:
        core, gpu = units(piece.core_s), units(piece.gpu_s)
        start = model.new_int_var(0, horizon, f"start of {piece.name}")
        ends[piece.name] = start + units(piece.whole_s)
        for other in piece.after:
            model.add(start >= ends[other])
        model.add(last >= ends[piece.name])
        # Which comes first, the core or the GPU, costs do not say: each is somewhere within the piece.
        if core:
            at = model.new_int_var(0, horizon, "")
            on_cores.append(model.new_fixed_size_interval_var(at, core, ""))
            model.add(at >= start)
            model.add(at + core <= ends[piece.name])
        if gpu and (share := int(100 * piece.gpu_share)):
            at = model.new_int_var(0, horizon, "")
            on_gpus.append(model.new_fixed_size_interval_var(at, gpu, ""))
            shares.append(share)
            model.add(at >= start)
            model.add(at + gpu <= ends[piece.name])
    model.add_cumulative(on_cores, [1] * len(on_cores), machine.cores)
    model.add_cumulative(on_gpus, shares, 100 * max(1, len(machine.gpus)))
    model.add(last * machine.cores >= sum(units(piece.energy_s) for piece in work))
    model.minimize(last)
    return model


def units(seconds: float) -> int:
    """Whole units, rounded down: a bound may be too low, and never too high."""
    return int(seconds * UNITS)
