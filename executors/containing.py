"""Containing what an analyzer raises: whose an exception is, and what it says, in one line."""

from __future__ import annotations

import contextlib
import signal
import threading
import traceback
from collections.abc import Callable, Iterator

from clipbench.executors import returned_segments
from clipbench.executors.base import Outcome

#: Characters of a message that are kept: an exception may hold a whole picture as text.
LONGEST = 1000


def is_the_users(error: BaseException) -> bool:
    """Whether an exception is the user's interrupt, and not the analyzer's.

    clipbench's signal handlers raise a class of their own. A plain KeyboardInterrupt comes from the analyzer,
    unless Python's handler is in place, as where clipbench is used as a library.
    """
    if type(error) is not KeyboardInterrupt:
        return isinstance(error, KeyboardInterrupt)
    here = threading.current_thread() is threading.main_thread()
    return here and signal.getsignal(signal.SIGINT) is signal.default_int_handler


@contextlib.contextmanager
def contained(failed: Callable[[BaseException], object]) -> Iterator[None]:
    """A context whose exceptions go to `failed`, SystemExit included; the user's interrupt passes."""
    try:
        yield
    except BaseException as error:
        if is_the_users(error):
            raise
        failed(error)


def failure(outcome: Outcome, error: BaseException, prefix: str = "") -> Outcome:
    """`outcome` as the record of `error`: the kind of failure, one line of reason, the traceback."""
    lack_of_memory = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    outcome.status = "oom" if lack_of_memory else "failed"
    outcome.segments, outcome.headline, outcome.facts = [], "", {}
    outcome.reason = f"{prefix}{described(error)}"
    outcome.error = returned_segments.writable(traced(error))
    return outcome


def described(error: BaseException) -> str:
    """An error in one line: its class, and what it says."""
    return f"{type(error).__name__}: {message(error)}"


def message(error: BaseException) -> str:
    """The first line of what an error says, whatever it does when it is asked."""
    try:
        said = str.__str__(str(error))
    except BaseException as another:
        if is_the_users(another):
            raise
        said = f"its message cannot be read ({type(another).__name__})"
    line = returned_segments.writable((said.strip() or "no message").splitlines()[0])
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


def traced(error: BaseException) -> str:
    """The traceback of an error, without the error itself where it cannot be shown."""
    try:
        return "".join(traceback.format_exception(error))
    except BaseException as another:
        if is_the_users(another):
            raise
        return "".join(traceback.format_tb(error.__traceback__))
