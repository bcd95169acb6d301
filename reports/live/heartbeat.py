"""A line now and then for a log, which shows no bar: what a run is at, how far it is, and for how long."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.text import Text

#: Seconds between two lines.
EVERY_S = 10.0


@contextlib.contextmanager
def heartbeat(
    on: Console, enabled: bool, line: Callable[[], str], every_s: float = EVERY_S
) -> Iterator[None]:
    """Print `line()` every `every_s` seconds meanwhile, if `enabled` and `on` is no terminal."""
    if not enabled or on.is_terminal:
        yield
        return
    over = threading.Event()

    def beat() -> None:
        while not over.wait(every_s):
            on.print(Text(line()), soft_wrap=True)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
