"""Workers that have done everything as soon as they are asked: what is left is the driver's own work."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from clipbench.analyzers.base import Frames, Levels, Needs, NothingToAnalyze
from clipbench.executors import protocol
from clipbench.executors.base import Outcome, Phase, Span
from clipbench.executors.chunks import TemporaryJournal
from clipbench.executors.connected import Connected
from clipbench.executors.protocol import Command, Link, Report, WorkerSpec

#: Durations in turn, so that what is urgent changes all the time.
DURATIONS_S = (0.001, 0.003, 0.002, 0.005, 0.004)


@dataclass
class EmptyClip:
    """A clip of a second with nothing in it, which is decoded from the beginning; also its only piece."""

    name: str = "whole"
    duration_s: float = 1.0
    start_s: float = 0.0
    end_s: float = 1.0
    span_s: float = 1.0
    fps: float = 25.0
    width: int = 64
    height: int = 36
    has_audio: bool = False
    chunks: int = 1

    @property
    def journal(self) -> TemporaryJournal:
        """There are no chunks to be kept."""
        return TemporaryJournal()

    def chunk(self, number: int, needs: Needs) -> EmptyClip:
        return self

    def whole(self, needs: Needs) -> EmptyClip:
        return self

    def release(self, until: int) -> None: ...

    def wait(self, timeout_s: float) -> None: ...

    def share(self) -> EmptyClip:
        return self

    def export(self) -> EmptyClip:
        return self

    def open(self) -> EmptyClip:
        return self

    def close(self) -> None: ...

    def frames(self, fps: float, size: int) -> Frames:
        raise NothingToAnalyze("the clip is empty")

    def audio(self) -> None:
        raise NothingToAnalyze("the clip is empty")

    def levels(self) -> Levels:
        raise NothingToAnalyze("the clip is empty")


class Ready:
    """A worker that answers at once, with all that a real one says."""

    def __init__(self, spec: WorkerSpec) -> None:
        self.name, self.asked = spec.worker.name, 0
        self.said: deque[Report] = deque([protocol.Ready(0)])

    def send(self, command: Command) -> None:
        match command:
            case protocol.Load(task):
                self.said.append(protocol.Loaded(task.analyzer))
            case protocol.Analyze(clip=clip, task=task):
                name, seconds = task.analyzer, DURATIONS_S[self.asked % len(DURATIONS_S)]
                self.asked += 1
                done = Outcome(name, "ok", self.name, "cpu", analyze_s=seconds)
                span = Span(self.name, name, "analyze", 0.0, seconds, clip)
                self.said += [
                    protocol.Began(name, "analyze"),
                    protocol.Ended(span),
                    protocol.Done(clip, done),
                ]

    def recv(self) -> Report:
        if not self.said:
            raise EOFError
        return self.said.popleft()

    def poll(self, timeout_s: float) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError("there is no file")

    def kill(self, grace_s: float = 0.0) -> None: ...

    def died_of(self) -> str:
        return "it was ended"


class AtOnce(Connected):
    """An executor with such workers: scheduling and supervision are the real ones."""

    def open(self, spec: WorkerSpec) -> Link:
        return Ready(spec)

    def wait(self, links: Sequence[Link], timeout_s: float) -> Sequence[Link]:
        return [link for link in links if isinstance(link, Ready) and link.said]


class Nobody:
    """An observer that does not look."""

    def began(self, worker: str, analyzer: str, phase: Phase) -> None: ...

    def ended(self, span: Span) -> None: ...
