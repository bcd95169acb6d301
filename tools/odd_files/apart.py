"""Calls in a process of their own, for files that may take a decoder down."""

from __future__ import annotations

import multiprocessing
import os
import resource
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any


class Died(Exception):
    """The process has ended in the middle of a call, or took too long; the message says which."""


def serve(connection: Connection) -> None:
    """Answer calls until the other end closes: (True, result) or (False, exception in words)."""
    while True:
        try:
            function, arguments = connection.recv()
        except EOFError:
            os._exit(0)
        try:
            answer = True, function(*arguments)
        except BaseException as error:  # told to the caller, whatever it is
            answer = False, f"{type(error).__name__}: {error}"
        connection.send(answer)


def peak_bytes() -> int:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Apart:
    """A process that answers one call after another, and is started anew when it has died.

    As a context it ends the process.
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._process: Any = None
        self._connection: Any = None

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, *error: object) -> None:
        self._end()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def _end(self) -> int | None:
        if self._process is None:
            return None
        self._process.kill()
        self._process.join()
        self._connection.close()
        code, self._process = self._process.exitcode, None
        return code

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """`function(*arguments)` in the process; raises Died, or RuntimeError for an exception there."""
        if self._process is None:
            self._start()
        self._connection.send((function, arguments))
        if not self._connection.poll(self.limit_s):
            self._end()
            raise Died(f"no answer in {self.limit_s:g} s")
        try:
            fine, answer = self._connection.recv()
        except EOFError:
            self._process.join()
            code = self._process.exitcode
            self._end()
            raise Died(f"ended with exit code {code}") from None
        if not fine:
            raise RuntimeError(answer)
        return answer
