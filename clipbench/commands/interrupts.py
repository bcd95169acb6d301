"""Ctrl-C, SIGTERM and a closed terminal (SIGHUP): when they end a run, and when they are ignored."""

from __future__ import annotations

import functools
import os
import signal
import sys
from typing import NoReturn

from clipbench.executors.held_signals import held


@functools.cache
def signals() -> tuple[signal.Signals, ...]:
    """The signals that are ours to handle: a SIGHUP that nohup has had ignored stays ignored."""
    found = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        found.append(signal.SIGHUP)
    return tuple(found)


def end_at_once() -> None:
    """From now on they end the process with one line: there is nothing yet that could be written."""
    for number in signals():
        signal.signal(number, leave)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals())  # whoever started us may have held them


def accept() -> None:
    """From now on they raise `Interrupted`."""
    from multiprocessing import resource_tracker

    # The process that frees what others leave must outlive a closed terminal: what is blocked here stays
    # blocked there.
    with held():
        resource_tracker.ensure_running()
    say_nothing_in_destructors()
    for number in signals():
        signal.signal(number, interrupt)


@functools.cache
def say_nothing_in_destructors() -> None:
    """No traceback for an `Interrupted` that arrives while an object is destroyed.

    Python can only print it, and goes on; `Interrupted.check` raises it again.
    """
    from clipbench.bench.errors import Interrupted

    show = sys.unraisablehook

    def shown(found: sys.UnraisableHookArgs) -> None:
        if not isinstance(found.exc_value, Interrupted):
            show(found)

    sys.unraisablehook = shown


def ignore() -> None:
    """From now on they do nothing: results are being written, which takes a moment."""
    for number in signals():
        signal.signal(number, signal.SIG_IGN)


def interrupt(number: int, _: object) -> NoReturn:
    """The signal handler: end the run, and ignore every later signal."""
    from clipbench.bench.errors import Interrupted

    ignore()
    Interrupted.arrived = 128 + number
    raise Interrupted(128 + number)


def leave(number: int, _: object) -> NoReturn:
    """The signal handler while there is nothing to write."""
    name = signal.Signals(number).name
    try:
        os.write(2, f"clipbench: interrupted by {name}; nothing was measured\n".encode())
    finally:
        os._exit(128 + number)
