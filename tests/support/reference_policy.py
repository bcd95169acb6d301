"""The scheduling policy as it is said in words, worked out from scratch for every decision: slow, and plain.

What starts next is the ready task of the oldest clip that has one, and there the one with most left to go:
its urgency (its own last duration, and then the longest way through what waits for it) less what was spent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from clipbench.analyzers.base import Needs
from clipbench.executors.layout import Task


@dataclass
class State:
    """What is known of a clip: who is at work, who is done, and each one's next chunk and seconds so far."""

    clip: object
    running: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    chunk: dict[str, int] = field(default_factory=dict)
    spent_s: dict[str, float] = field(default_factory=dict)


class ReferencePolicy:
    """Decides as `Scheduler` does."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks = tuple(tasks)
        self.durations: dict[str, float] = {}
        self.clips: dict[int, State] = {}

    def admit(self, number: int, clip: object) -> None:
        self.clips[number] = State(clip)

    def urgency(self) -> dict[str, float]:
        urgency: dict[str, float] = {}
        for task in reversed(self.tasks):
            readers = [t.analyzer for t in self.tasks if task.analyzer in (*t.upstream, *t.after)]
            own = self.durations.get(task.analyzer, 1.0)
            urgency[task.analyzer] = own + max((urgency[name] for name in readers), default=0.0)
        return urgency

    def is_ready(self, state: State, task: Task) -> bool:
        name, chunk = task.analyzer, state.chunk.get(task.analyzer, 0)
        if name in state.running or name in state.done:
            return False
        if task.chunked and chunk < state.clip.chunks:
            behind = {
                t.analyzer
                for t in self.tasks
                if t.chunked and t.analyzer not in state.done and state.chunk.get(t.analyzer, 0) <= chunk
            }
            return not behind.intersection(task.after) and bool(state.clip.chunk(chunk, task.needs))
        if not state.done.issuperset((*task.upstream, *task.after)):
            return False
        return bool(state.clip.whole(Needs() if task.chunked else task.needs))

    def assign(self, idle: Sequence[str], holds: Callable[[str, str], bool]) -> list[tuple[str, int, str]]:
        urgency = self.urgency()
        assigned = []
        for worker in idle:
            candidates = [
                (number, state.spent_s.get(task.analyzer, 0.0) - urgency[task.analyzer], place, task.analyzer)
                for number, state in self.clips.items()
                for place, task in enumerate(self.tasks)
                if holds(worker, task.analyzer) and self.is_ready(state, task)
            ]
            if candidates:
                number, _, _, name = min(candidates)
                self.clips[number].running.add(name)
                assigned.append((worker, number, name))
        return assigned

    def fed(self, number: int, analyzer: str, chunk: int, seconds: float) -> None:
        state = self.clips[number]
        state.running.discard(analyzer)
        state.chunk[analyzer] = chunk + 1
        state.spent_s[analyzer] = state.spent_s.get(analyzer, 0.0) + seconds

    def record(self, number: int, analyzer: str, seconds: float | None) -> bool:
        """`seconds` are those of the last step."""
        state = self.clips[number]
        state.running.discard(analyzer)
        state.done.add(analyzer)
        if seconds is not None:
            self.durations[analyzer] = seconds + state.spent_s.get(analyzer, 0.0)
        if len(state.done) == len(self.tasks):
            del self.clips[number]
            return True
        return False
