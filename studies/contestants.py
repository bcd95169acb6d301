"""The contestants, each in a process of its own that stays between the rounds, so that every pass is warm.

A lane is such a process; it does nothing until it is asked for one pass, so lanes do not disturb each other.
"""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from clipbench.analyzers.base import Segment
from clipbench.analyzers.threads import cores_allowed
from clipbench.bench.measuring.metrics import bound_of, work_by_pass
from clipbench.bench.measuring.runner import Runner, executor_factory
from clipbench.bench.planning import config
from clipbench.bench.planning.plan import make_plan
from clipbench.bench.probes import procfs
from clipbench.bench.probes.sampler import Sampler
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.executors.base import Plan, now
from studies.handwritten_loop import Bare
from studies.naive_executors import Actors, Pool

PROJECT = Path(__file__).resolve().parents[1]
#: Lane → its contestants. Those that differ by the harness alone share a process, and so its state.
LANES = {
    "sequential_1": ("sequential_1",),
    "one_process": ("bare", "sequential", "telemetry"),
    "gpu_pinned": ("gpu_pinned",),
    "spawn_pool": ("spawn_pool",),
    "threads": ("threads",),
    "process_pool": ("process_pool",),
    "ray_actors": ("ray_actors",),
}
#: Contestant → what it is, for people.
MEANING = {
    "sequential_1": "sequential, one thread",
    "bare": "bare loop over the analyzers, all cores",
    "sequential": "sequential, all cores",
    "telemetry": "the same, with telemetry",
    "gpu_pinned": "gpu_pinned × two_core",
    "spawn_pool": "spawn_pool, 2 workers",
    "threads": "threads × two_core",
    "best": "the best of these again, beside its rivals",
    "process_pool": "ProcessPoolExecutor, each job opens the file",
    "ray_actors": "the groups of two_core as plain Ray actors",
}
#: Contestants that have one thread for each of two workers, or for all.
ONE_THREAD = {"sequential_1", "process_pool", "ray_actors"}
LIBRARIES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Sample:
    """One pass: wall seconds, CPU seconds of all its processes, the cores that other processes took of those
    allowed meanwhile, and what else is known of it."""

    wall_s: float
    cpu_s: float
    others: float
    known: dict[str, Any] = field(default_factory=dict)


class Unmeasured(Exception):
    """A contestant that cannot be measured, and why."""


def planned(*overrides: str) -> Plan:
    """The plan that `python run.py` with `overrides` would run."""
    return make_plan(config.compose(*overrides))


class Silent:
    """A display that shows nothing, as where the output is no terminal."""

    def passes(self, *_: Any) -> None: ...

    def began(self, *_: Any) -> None: ...

    def opened(self, *_: Any) -> None: ...

    def fed(self, *_: Any) -> None: ...

    def finished(self, *_: Any) -> None: ...


class Harness:
    """A contestant: what `python run.py` with `overrides` runs, telemetry aside."""

    def __init__(self, *overrides: str) -> None:
        cfg = config.compose(*overrides)
        self.run = Runner(make_plan(cfg), Silent(), executor_factory(cfg.executor.name))

    def once(self, path: Path) -> tuple[float, dict[str, list[Segment]]]:
        """One pass over the clip at `path`: seconds, segments; the first one starts the workers."""
        self.run.burst([path], False, 1, 1)
        one = self.run.record.passes[-1]
        if lost := [f"{o.analyzer}: {o.reason}" for o in one.outcomes.values() if o.status != "ok"]:
            raise Unmeasured("; ".join(lost))
        return one.end_s - one.start_s, {name: o.segments for name, o in one.outcomes.items()}

    def known(self) -> dict[str, Any]:
        """Of the last pass: its efficiency, and what that is made of."""
        record = self.run.record
        bound = bound_of(record, work_by_pass(record)[len(record.passes) - 1])
        return {"efficiency": bound.efficiency, **dataclasses.asdict(bound)}

    def close(self) -> None:
        """End the workers."""
        self.run.executor.close()


class Watched:
    """A contestant: another one's harness, under the sampler, which is started before the pass."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness

    def once(self, path: Path) -> tuple[float, dict[str, list[Segment]]]:
        """One pass over the clip at `path`."""
        with Sampler(os.getpid()) as sampler:
            found = self.harness.once(path)
        telemetry = sampler.telemetry
        if isinstance(telemetry, NotMeasured):
            raise Unmeasured(telemetry.reason)
        if telemetry.sampler is None:
            raise Unmeasured("the sampler did not record its cost")
        self.cost = telemetry.sampler
        return found

    def known(self) -> dict[str, Any]:
        """Of the last pass: what sampling took, in percent of one core, and what starting it took once."""
        return {"sampler_percent": self.cost.cpu_percent, "sampler_start_s": self.cost.start_cpu_s}

    def close(self) -> None:
        """Nothing: the harness has its own."""


def make(name: str, made: dict[str, Any]) -> Any:
    """The contestant called `name`; `made` are those of the same process. May raise ImportError."""
    match name:
        case "sequential_1":
            return Harness("executor=sequential", "grouping=sequential", "executor.threads=1")
        case "bare":
            return Bare(planned("grouping=sequential").tasks(), cores_allowed())
        case "sequential":
            return Harness("executor=sequential", "grouping=sequential")
        case "telemetry":
            return Watched(made["sequential"])
        case "spawn_pool":
            return Harness("executor=spawn_pool", "grouping=two_core", "executor.workers=2")
        case "process_pool":
            return Pool(planned("grouping=sequential").tasks(), workers=2, threads=1)
        case "ray_actors":
            plan = planned("grouping=two_core", "executor=gpu_pinned", "executor.threads=1")
            return Actors(plan.groups, plan.tasks(), threads=1)
        case _:
            return Harness(f"executor={name}", "grouping=two_core")


def cpu_seconds() -> float:
    """CPU seconds that this process and its descendants have used so far."""
    return sum(usage.busy_s for pid in procfs.tree(os.getpid()) if (usage := procfs.usage(pid)))


def busy_seconds() -> float:
    """CPU seconds that everybody has used so far of the cores that this process may use."""
    cores = psutil.cpu_times(percpu=True)
    return sum(sum(cores[n]) - cores[n].idle - cores[n].iowait for n in os.sched_getaffinity(0))


class Usage:
    """Counts, from its making, what this process and its descendants use, and what others do."""

    def __init__(self) -> None:
        self.begun_s, self.own_s, self.everybody_s = now(), cpu_seconds(), busy_seconds()

    def since(self) -> tuple[float, float]:
        """CPU seconds of our own, also of workers that still live; and the cores that others took."""
        own, everybody = cpu_seconds() - self.own_s, busy_seconds() - self.everybody_s
        return own, max(0.0, everybody - own) / (now() - self.begun_s)


def serve(connection: Any, lane: str, path: Path) -> None:
    """A lane's process: answers ("once", contestant), ("found", contestant) and ("sharing", contestant)."""
    made: dict[str, Any] = {}
    found: dict[str, Any] = {}
    with contextlib.ExitStack() as stack, contextlib.suppress(EOFError):
        while True:
            what, name = connection.recv()
            try:
                for each in LANES[lane]:
                    if each not in made:
                        made[each] = make(each, made)
                        stack.callback(made[each].close)
                connection.send(answer(what, made[name], name, path, found))
            except ImportError as error:
                connection.send(Unmeasured(f"{error.name} is not installed"))
            except Exception as error:
                connection.send(Unmeasured(f"{type(error).__name__}: {error}"))


def answer(what: str, contestant: Any, name: str, path: Path, found: dict[str, Any]) -> Any:
    """What a lane says to one question."""
    match what:
        case "once":
            usage = Usage()
            wall_s, found[name] = contestant.once(path)
            own, others = usage.since()
            known = contestant.known() if hasattr(contestant, "known") else {}
            return Sample(wall_s, own, others, known)
        case "found":
            return found[name]
        case "sharing":
            from studies.frame_sharing import sharing

            return sharing(contestant.run, path)


class Lane:
    """A lane as the measuring process sees it; its process starts with the first question."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path
        self.process: Any = None

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        # No daemon: it has workers of its own.
        self.process = context.Process(target=serve, args=(theirs, self.name, self.path), name=self.name)
        environment = dict(os.environ)
        # As run.py has it.
        os.environ |= {"GOMP_SPINCOUNT": "0", "OMP_WAIT_POLICY": "passive"}
        if self.name in ONE_THREAD:
            os.environ |= dict.fromkeys(LIBRARIES, "1")
        self.process.start()
        os.environ.clear()
        os.environ |= environment
        theirs.close()

    def ask(self, what: str, contestant: str) -> Any:
        """The answer; raises Unmeasured where there is none."""
        if self.process is None:
            self._start()
        try:
            self.connection.send((what, contestant))
            said = self.connection.recv()
        except (EOFError, OSError):
            self.process.join(5)
            raise Unmeasured(f"its process ended with code {self.process.exitcode}") from None
        if isinstance(said, Unmeasured):
            raise said
        return said

    def close(self) -> None:
        """End the process and what it started."""
        if self.process is not None:
            self.connection.close()
            self.process.join(20)
            self.process.kill()
