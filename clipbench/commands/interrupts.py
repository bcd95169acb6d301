"""Ctrl-C and SIGTERM: when they end a run, and when they are ignored."""

from __future__ import annotations

import signal
from typing import NoReturn

from clipbench.bench.errors import Interrupted


def accept() -> None:
    """From now on Ctrl-C and SIGTERM raise `Interrupted`."""
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)


def ignore() -> None:
    """From now on they do nothing: results are being written, which takes a moment."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def interrupt(number: int, _: object) -> NoReturn:
    """The signal handler: end the run, and ignore every later signal."""
    ignore()
    raise Interrupted(128 + number)
