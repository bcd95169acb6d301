"""Exit codes, and the errors that are the user's to mend: one line each, no traceback."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Iterable
from enum import IntEnum
from typing import ClassVar


class Exit(IntEnum):
    """What `run.py` exits with; 1 is left to a crash of the harness itself."""

    OK = 0
    BAD_INPUT = 2
    TARGET_MISSED = 3
    SLOWER = 4
    NOTHING_VALID = 5


class InputError(Exception):
    """Bad configuration, clip or output folder: the message names what is wrong, where, and the fix."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, SIGTERM or a closed terminal ended what was going on; `code` is what to exit with.

    It is raised wherever the signal finds the program, and may be lost there: a library swallows it, or it
    comes while an object is destroyed. `arrived` is its code until it was seen to, and 0 otherwise.
    """

    arrived: ClassVar[int] = 0

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code

    @classmethod
    def check(cls) -> None:
        """Raise it again where it was lost; in the main thread, whose it is."""
        if cls.arrived and threading.current_thread() is threading.main_thread():
            raise cls(cls.arrived)


def nearest(word: str, candidates: Iterable[str]) -> str:
    """' (did you mean …?)' with the candidate closest to `word`, or the candidates where none is close."""
    candidates = sorted(candidates)
    if close := difflib.get_close_matches(word, candidates, n=1, cutoff=0.5):
        return f"; did you mean {close[0]}?"
    return f"; there are: {', '.join(candidates)}" if candidates else ""
