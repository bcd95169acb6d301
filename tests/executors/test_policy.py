"""The scheduler starts what the policy says, in the same order as a plain reference, on random graphs."""

from __future__ import annotations

import random

import pytest

from clipbench.analyzers.base import FrameRequest, Needs, Settings
from clipbench.executors.base import Outcome
from clipbench.executors.chunks import TemporaryJournal
from clipbench.executors.layout import Task, WorkerPlan
from clipbench.executors.scheduling import Assignment, Scheduler
from clipbench.executors.steps import Fed, Feed, chunk_name
from tests.support.reference_policy import ReferencePolicy

#: The chance that an analyzer waits for another that comes before it in the plan.
SPARSE, DENSE = 0.1, 0.6


class Piece:
    def __init__(self, name: str) -> None:
        self.name, self.span_s = name, 1.0


class Clip:
    """A clip that is decoded bit by bit: sound before frames, the whole at last."""

    def __init__(self, chunks: int) -> None:
        self.chunks, self.journal = chunks, TemporaryJournal()
        self.decoded, self.released = 0, 0

    def chunk(self, number, needs):
        assert number >= self.released, "it was given back"
        there = self.decoded // 2 + (not needs.frames and self.decoded % 2)
        return Piece(chunk_name(number)) if number < there else None

    def whole(self, needs):
        if not needs.frames and not needs.audio:
            return Piece("facts")
        return Piece("whole") if self.decoded >= 2 * self.chunks else None

    def release(self, until):
        assert until > self.released
        self.released = until


def random_tasks(rng: random.Random, count: int, density: float) -> list[Task]:
    """A plan's tasks: each waits for some of those before it, for their results or only for their end."""
    needs = [Needs(), Needs((), True), Needs((FrameRequest(1, 64),)), Needs((FrameRequest(2, 64),), True)]
    tasks: list[Task] = []
    for number in range(count):
        earlier = [task.analyzer for task in tasks if rng.random() < density]
        reads = tuple(name for name in earlier if rng.random() < 0.5)
        after = tuple(name for name in earlier if rng.random() < 0.5)
        made = Task(f"a{number}", Settings(), reads, after, rng.choice(needs), chunked=rng.random() < 0.4)
        tasks.append(made)
    return tasks


def random_workers(rng: random.Random, tasks: list[Task], count: int) -> list[WorkerPlan]:
    """Workers that share the analyzers as a pool, as groups with replicas, or any way."""
    kind = rng.choice(["pool", "groups", "any"])
    workers = []
    for number in range(count):
        held = {
            "pool": tasks,
            "groups": tasks[number // 2 :: max(1, (count + 1) // 2)],
            "any": [task for task in tasks if rng.random() < 0.5],
        }[kind]
        workers.append(WorkerPlan(f"w{number}", "cpu", tuple(held)))
    return [*workers, WorkerPlan("all", "cpu", tuple(tasks))]


class Course:
    """A run in which everything that can happen does, by chance; both policies see the same."""

    def __init__(self, seed: int, density: float, planned: bool) -> None:
        self.rng = rng = random.Random(seed)
        tasks = random_tasks(rng, rng.randint(1, 14), density)
        self.workers = {w.name: w for w in random_workers(rng, tasks, rng.randint(1, 5))}
        self.scheduler = Scheduler(tasks, tuple(self.workers.values()) if planned else ())
        self.reference = ReferencePolicy(tasks)
        self.busy: dict[str, Assignment] = {}
        self.unloaded = [(w, t.analyzer) for w in self.workers for t in tasks if rng.random() < 0.2]
        self.clips: list[Clip] = []
        self.starts = 0

    def holds(self, worker: str, analyzer: str) -> bool:
        return (worker, analyzer) not in self.unloaded and self.workers[worker].holds(analyzer)

    def assign(self) -> None:
        idle = [worker for worker in self.workers if worker not in self.busy and self.rng.random() < 0.8]
        found = self.scheduler.assign(idle, self.holds)
        assert [(a.worker, a.clip, a.task.analyzer) for a in found] == self.reference.assign(idle, self.holds)
        self.busy |= {each.worker: each for each in found}
        self.starts += len(found)

    def answer(self) -> None:
        """A worker has taken its step, well or not; the reference is told the same."""
        done = self.busy.pop(self.rng.choice(list(self.busy)))
        name, number, seconds = done.task.analyzer, done.clip, self.rng.choice([0.0, 0.5, 1.0, 3.0])
        if isinstance(done.step, Feed) and self.rng.random() < 0.95:
            fed = Fed(name, done.step.chunk, b"found", b"state", seconds)
            self.scheduler.fed(number, fed)
            self.reference.fed(number, name, done.step.chunk, seconds)
            return
        status, known = self.rng.choice([("ok", seconds), ("ok", seconds), ("failed", None)])
        outcome = Outcome(name, status, done.worker, "cpu", analyze_s=known)
        finished = self.reference.record(number, name, known)
        assert self.scheduler.record(number, outcome) == finished

    def run(self, clips: int, in_flight: int) -> None:
        while len(self.clips) < clips or self.reference.clips:
            if len(self.reference.clips) < in_flight and len(self.clips) < clips:
                self.clips.append(Clip(self.rng.randint(1, 4)))
                for policy in (self.scheduler, self.reference):
                    policy.admit(len(self.clips) - 1, self.clips[-1])
            for clip in self.clips:
                clip.decoded += self.rng.random() < 0.3
            if self.unloaded and self.rng.random() < 0.3:
                self.unloaded.pop()
            self.assign()
            if self.busy and self.rng.random() < 0.8:
                self.answer()
            self.scheduler.forgettable()


@pytest.mark.parametrize("planned", [True, False], ids=["layout known", "layout unknown"])
@pytest.mark.parametrize("density", [SPARSE, DENSE])
def test_the_order_of_starts_is_that_of_the_reference(density, planned):
    starts = 0
    for seed in range(60):
        course = Course(seed, density, planned)
        course.run(clips=5, in_flight=3)
        assert all(clip.released == clip.chunks for clip in course.clips)
        starts += course.starts
    assert starts > 3000  # many runs that went all the way
