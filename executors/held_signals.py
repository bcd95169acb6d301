"""Holding signals back while a process is started, so that neither it nor this one is caught half-way."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

#: What ends a run. The last one, a closed terminal, is not on every system.
SIGNALS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
#: Those that a terminal sends to all of its processes: they are the measuring process's to handle.
OF_TERMINAL = [number for number in SIGNALS if number != signal.SIGTERM]


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Signals take effect at the end of the block, when what it has started is known.

    A process that is started in it begins with those of the terminal blocked, until it ignores them
    (`leave_to_parent`). Nothing happens in another thread than the main one, which has no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    ours = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in ours:
        signal.signal(number, lambda found, _: arrived.append(found))
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, OF_TERMINAL)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for number, handler in ours.items():
            signal.signal(number, handler)
        if arrived:
            signal.raise_signal(arrived[0])


def put_back() -> None:
    """Install anew the handlers of what ends a run: a library in C may have replaced them unnoticed.

    Nothing happens in another thread than the main one, which cannot.
    """
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if (handler := signal.getsignal(number)) is not None:
                signal.signal(number, handler)


def block_those_of_terminal() -> None:
    """Have this thread, and all that it starts, not see Ctrl-C and a closed terminal."""
    signal.pthread_sigmask(signal.SIG_BLOCK, OF_TERMINAL)


def leave_to_parent() -> None:
    """In a process that was started in `held`: Ctrl-C and a closed terminal are its parent's to handle."""
    for number in OF_TERMINAL:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, OF_TERMINAL)
