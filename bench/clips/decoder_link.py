"""The decoders of a run, as the process that measures holds them: they are started, reused, ended."""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

from clipbench.bench.clips.decoder_protocol import Command, Finished, Refused, Report
from clipbench.bench.clips.shared_memory import MemoryPool
from clipbench.executors.held_signals import held
from clipbench.executors.processes import describe_exit

#: Seconds that a decoder has for leaving a clip, or for ending.
GRACE_S = 5.0


class DecoderDied(Exception):
    """The decoder has ended, or does not answer: the message says which."""


class DecoderLink:
    """A decoder at the other end of a pipe, and the memory that it decodes into."""

    def __init__(self, connection: Connection[Command, Report]) -> None:
        self.connection = connection
        self.pool = MemoryPool()
        self.alive = True
        self._heard_s = time.monotonic()

    def send(self, command: Command) -> None:
        """Tell the decoder; that it has ended is noticed when it is listened to."""
        self._heard_s = time.monotonic()
        with contextlib.suppress(OSError):
            self.connection.send(command)

    def recv(self, timeout_s: float) -> Report:
        """The next report; raises DecoderDied where there is none in time."""
        while True:
            if (report := self.poll(timeout_s, timeout_s)) is not None:
                return report

    def poll(self, wait_s: float, limit_s: float) -> Report | None:
        """The next report, or None after `wait_s`; raises DecoderDied after a silence of `limit_s`."""
        try:
            if self.connection.poll(wait_s):
                report = self.connection.recv()
                self._heard_s = time.monotonic()
                return report
        except (EOFError, OSError) as error:
            self.alive = False
            raise DecoderDied(self.died_of()) from error
        if time.monotonic() - self._heard_s > limit_s:
            self.kill()
            raise DecoderDied(f"the decoder took longer than {limit_s:g} s")
        return None

    def leave(self, stop: Command) -> None:
        """Have the decoder leave its clip, and wait until it has; one that does not is ended."""
        if not self.alive:
            return
        self.send(stop)
        try:
            while not isinstance(self.poll(GRACE_S, GRACE_S), Finished | Refused):
                pass
        except DecoderDied:
            self.alive = False

    def died_of(self) -> str:
        """Why the decoder has ended, in words."""
        return "the decoder has ended"

    def kill(self) -> None:
        """End the decoder at once, as far as that is possible, and free the memory of its clips."""
        self.alive = False
        self.pool.close()
        self.connection.close()


class ProcessDecoder(DecoderLink):
    """A decoder in a process of its own, which keeps to these cores, if any are named."""

    def __init__(self, cores: tuple[int, ...] = ()) -> None:
        from clipbench.bench.clips.decoder import serve_process

        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self.process = context.Process(
            target=serve_process, args=(theirs, cores), name="decoder", daemon=True
        )
        with held():
            self.process.start()
        theirs.close()
        super().__init__(ours)

    def died_of(self) -> str:
        self.process.join(GRACE_S)
        return describe_exit(self.process.exitcode).replace("the worker", "the decoder")

    def kill(self) -> None:
        self.process.kill()
        self.process.join()
        super().kill()


class ThreadDecoder(DecoderLink):
    """A decoder in a thread of this process, for one clip that is known to be sound."""

    def __init__(self) -> None:
        from clipbench.bench.clips.decoder import serve

        ours, theirs = multiprocessing.Pipe()
        self.thread = threading.Thread(target=serve, args=(theirs,), name="decoder", daemon=True)
        self.thread.start()
        super().__init__(ours)

    def kill(self) -> None:
        super().kill()
        self.thread.join(GRACE_S)


class Decoders:
    """The decoders of a run: as many as there are clips under way, each used for clip after clip.

    They keep to the `cores`, if any are named.
    """

    def __init__(self, cores: tuple[int, ...] = ()) -> None:
        self._cores = cores
        self._idle: list[ProcessDecoder] = []

    def __enter__(self) -> Decoders:
        return self

    def __exit__(self, *error: object) -> None:
        for link in self._idle:
            link.kill()
        self._idle = []

    @contextlib.contextmanager
    def lend(self) -> Iterator[DecoderLink]:
        """A decoder for one clip."""
        link = self._idle.pop() if self._idle else ProcessDecoder(self._cores)
        try:
            yield link
        finally:
            if link.alive:
                self._idle.append(link)
            else:
                link.kill()
