"""What a set of clips demands of a machine at the least, by the costs: the bounds that the search goes by.

No schedule ends before its longest chain of dependent work, nor before the work of its busiest worker, of all
cores together, or of its busiest GPU is done (R. L. Graham, "Bounds on Multiprocessing Timing Anomalies",
1969). Company only makes work longer, so what costs say of work without company bounds it in company too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from clipbench.executors.costs import AnalyzerCost, Costs, Growth, Work
from clipbench.executors.devices import on_gpu
from clipbench.executors.layout import Task, WorkerPlan

Kind = Literal["cores", "worker", "gpu", "decoding", "chain"]
NOTHING = AnalyzerCost(Work())


@dataclass(frozen=True)
class ClipShape:
    """A clip as far as costs depend on it: length, million pixels of a frame, number of chunks."""

    duration_s: float
    megapixels: float
    chunks: int = 1

    def completed_s(self, cost: AnalyzerCost, chunk: int) -> float:
        """Seconds of the windows of an analyzer that one of the chunks completes."""
        edges = [self.duration_s * number / self.chunks for number in (chunk, chunk + 1)]
        return cost.completed_s(edges[0], edges[1], self.duration_s)


@dataclass(frozen=True)
class Part:
    """What all clips together take at the least, in seconds, of one thing.

    `name` says which worker, which GPU, or the analyzers of which chain.
    """

    kind: Kind
    name: str
    seconds: float


@dataclass(frozen=True)
class Load:
    """Seconds of a worker, of all cores together, and of a GPU, which it fills for `filled_s` of them."""

    worker_s: float = 0.0
    core_s: float = 0.0
    gpu_s: float = 0.0
    filled_s: float = 0.0

    def __add__(self, other: Load) -> Load:
        return Load(
            self.worker_s + other.worker_s,
            self.core_s + other.core_s,
            self.gpu_s + other.gpu_s,
            self.filled_s + other.filled_s,
        )

    def times(self, count: int) -> Load:
        """The load of so many."""
        return Load(count * self.worker_s, count * self.core_s, count * self.gpu_s, count * self.filled_s)


@dataclass
class Demand:
    """The least that clips take, with up to `in_flight` of them under way at once on so many cores.

    `host_speed` and `gpu_speed` say how many times as fast the machine is as the one that was measured.
    """

    costs: Costs
    tasks: tuple[Task, ...]
    clips: tuple[ClipShape, ...]
    cores: int
    in_flight: int = 1
    host_speed: float = 1.0
    gpu_speed: float = 1.0
    _loads: dict[tuple[tuple[str, ...], int, bool], Load] = field(
        default_factory=dict, init=False, repr=False
    )
    _pieces: dict[tuple[str, bool | None, int, bool], Load] = field(
        default_factory=dict, init=False, repr=False
    )
    _tasks: dict[tuple[str, ...], tuple[Task, ...]] = field(default_factory=dict, init=False, repr=False)
    _decoding_s: float | None = field(default=None, init=False, repr=False)
    _chains: dict[tuple[tuple[int, bool], ...], tuple[float, str]] = field(
        default_factory=dict, init=False, repr=False
    )

    def __post_init__(self) -> None:
        self.on_gpu = {task.analyzer for task in self.tasks if task.gpu}
        self.alike = Counter(self.clips)  # a queue is mostly of clips of one shape, or of a few
        self.by_name = {task.analyzer: task for task in self.tasks}
        readers = [task for task in self.tasks if task.frames]
        self.sizes = len({request.size for task in readers for request in task.needs.frames})
        self.hears = any(task.needs.audio for task in self.tasks)

    def cost(self, analyzer: str) -> AnalyzerCost:
        """The cost of an analyzer; nothing where it is not known."""
        return self.costs.analyzers.get(analyzer, NOTHING)

    def tasks_of(self, analyzers: tuple[str, ...]) -> tuple[Task, ...]:
        """The tasks of these analyzers."""
        if analyzers not in self._tasks:
            self._tasks[analyzers] = tuple(self.by_name[each] for each in analyzers)
        return self._tasks[analyzers]

    def derivation(self, name: str) -> Work:
        """The work of what analyzers share; nothing where it is not known."""
        return self.costs.derivations.get(name, NOTHING.work)

    def parts(self, layout: Sequence[WorkerPlan]) -> list[Part]:
        """All that bounds the time for these clips on these workers; the greatest of them binds."""
        alike: dict[tuple[int, int, bool], list[WorkerPlan]] = defaultdict(list)
        for worker in layout:  # those of one group share their tasks
            alike[id(worker.tasks), worker.threads, on_gpu(worker.device)].append(worker)
        parts, core_s, filled = [], self.decoding_s(), defaultdict[str, float](float)
        for (_, threads, gpu), workers in alike.items():
            first, on = workers[0], {worker.device for worker in workers}
            load = self.load(tuple([task.analyzer for task in first.tasks]), threads, gpu)
            title = first.name if len(workers) == 1 else f"{len(workers)} workers like {first.name}"
            parts.append(Part("worker", title, load.worker_s / len(workers)))
            core_s += load.core_s
            filled[first.device if len(on) == 1 else "all GPUs"] += load.filled_s
        shared = filled.pop("all GPUs", 0.0)
        if gpus := {worker.device for worker in layout if on_gpu(worker.device)}:
            parts.append(Part("gpu", "all GPUs", (shared + sum(filled.values())) / len(gpus)))
            parts += [Part("gpu", device, seconds) for device, seconds in filled.items() if on_gpu(device)]
        chain_s, chain = self.chain(layout)
        return [
            *parts,
            Part("cores", "", core_s / self.cores),
            Part("decoding", "", self.decoding_s() / self.in_flight),
            Part("chain", chain, chain_s / self.in_flight),
        ]

    def load(self, analyzers: tuple[str, ...], threads: int, gpu: bool) -> Load:
        """What these take in one worker for all clips; what they share counts once."""
        key = (analyzers, threads, gpu)
        if key not in self._loads:
            shared = {(name, self.by_name[a].chunked) for a in analyzers for name in self.cost(a).derivations}
            own = [self.own(a, threads, gpu) for a in analyzers]
            all_of_it = own + [self.derived(*each, threads, gpu) for each in sorted(shared)]
            self._loads[key] = sum(all_of_it, Load())
        return self._loads[key]

    def own(self, analyzer: str, threads: int, gpu: bool) -> Load:
        """What an analyzer takes for all clips without what it shares."""
        key = (analyzer, None, threads, gpu)
        if key not in self._pieces:
            cost, chunked = self.cost(analyzer), self.by_name[analyzer].chunked
            works = [(cost.work, chunked)]
            if chunked:
                works += [(cost.windowed, False), (cost.finish, False)]
            self._pieces[key] = sum((self.for_all(*work, threads, gpu) for work in works), Load())
        return self._pieces[key]

    def derived(self, name: str, chunked: bool, threads: int, gpu: bool) -> Load:
        """What it takes to make for all clips what analyzers share."""
        key = (name, chunked, threads, gpu)
        if key not in self._pieces:
            self._pieces[key] = self.for_all(self.derivation(name), chunked, threads, gpu)
        return self._pieces[key]

    def for_all(self, work: Work, chunked: bool, threads: int, gpu: bool) -> Load:
        """What a piece of work takes for all clips."""
        each = (self.of(work, chunked, clip, threads, gpu).times(count) for clip, count in self.alike.items())
        return sum(each, Load())

    def of(self, work: Work, chunked: bool, clip: ClipShape, threads: int, gpu: bool) -> Load:
        """What a piece of work takes for a clip, in chunks or at once."""
        core_s = in_pieces(work.host, clip, chunked) / self.host_speed
        gpu_s = in_pieces(work.gpu, clip, chunked) / self.gpu_speed if gpu else 0.0
        waiting_s = in_pieces(work.waiting, clip, chunked)
        return Load(core_s * amdahl(work, threads) + gpu_s + waiting_s, core_s, gpu_s, gpu_s * work.gpu_share)

    def decoding_s(self) -> float:
        """Seconds of a core for decoding all clips."""
        if self._decoding_s is None:
            self._decoding_s = sum(count * sum(self.decoded(clip)) for clip, count in self.alike.items())
        return self._decoding_s

    def decoded(self, clip: ClipShape) -> tuple[float, float, float]:
        """Seconds for opening a clip, for its sound and for its frames."""
        cost = self.costs.decoding
        sound = cost.sound.at(clip.duration_s, clip.megapixels) if self.hears else 0.0
        frames = cost.frames.at(clip.duration_s, clip.megapixels) if self.sizes else 0.0
        more = 1 + cost.more_sizes * max(0, self.sizes - 1)
        return cost.open_s / self.host_speed, sound / self.host_speed, frames * more / self.host_speed

    def chain(self, layout: Sequence[WorkerPlan]) -> tuple[float, str]:
        """Seconds of the longest chain of each clip, added up, and the analyzers of the longest one."""
        places = {t.analyzer: (w.threads, on_gpu(w.device_of(t.analyzer))) for w in layout for t in w.tasks}
        key = tuple(places[task.analyzer] for task in self.tasks)
        if key not in self._chains:
            found = {clip: self.chain_of(clip, places) for clip in self.alike}
            seconds = sum(count * found[clip][0] for clip, count in self.alike.items())
            self._chains[key] = seconds, " → ".join(max(found.values(), default=(0.0, ()))[1])
        return self._chains[key]

    def chain_of(
        self, clip: ClipShape, places: Mapping[str, tuple[int, bool]]
    ) -> tuple[float, tuple[str, ...]]:
        """The longest chain of dependent work on one clip: its seconds and its analyzers."""
        opened, sound, frames = self.decoded(clip)
        ends: dict[str, tuple[float, tuple[str, ...]]] = {}
        for task in self.tasks:
            name, (threads, gpu) = task.analyzer, places[task.analyzer]
            cost = self.cost(name)
            before = max((ends[other] for other in (*task.upstream, *task.after)), default=(0.0, ()))
            own = self.of(cost.work, task.chunked, clip, threads, gpu).worker_s
            shared = sum(
                self.of(self.derivation(each), task.chunked, clip, threads, gpu).worker_s
                for each in cost.derivations
            )
            read = (sound + frames if task.frames else sound) if any(task.needs) else 0.0
            if not task.chunked:
                begun = max(before, (opened + read, ()))
                ends[name] = begun[0] + own + shared, (*begun[1], name)
                continue
            # Its chunks come one after the other, and the last one is not there before it is decoded.
            fed = max((read + shared) / clip.chunks + own, read + (shared + own) / clip.chunks)
            rest = clip.completed_s(cost, clip.chunks - 1) / clip.duration_s if cost.window_s else 0.0
            fed += rest * self.of(cost.windowed, False, clip, threads, gpu).worker_s
            last = max(before, (opened + fed, ()))
            end = last[0] + self.of(cost.finish, False, clip, threads, gpu).worker_s
            ends[name] = end, (*last[1], name)
        return max(ends.values(), default=(0.0, ()))


def in_pieces(growth: Growth, clip: ClipShape, chunked: bool) -> float:
    """Seconds for a clip that is read in chunks, or at once."""
    pieces = clip.chunks if chunked else 1
    return pieces * growth.at(clip.duration_s / pieces, clip.megapixels)


def amdahl(work: Work, threads: int) -> float:
    """The fraction that so many threads leave of a piece of work's seconds (G. Amdahl, 1967)."""
    return 1 - work.parallel + work.parallel / threads
