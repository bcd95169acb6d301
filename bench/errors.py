"""Exit codes, and the errors that are the user's to mend: one line each, no traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import IntEnum


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
    """Ctrl-C or SIGTERM ended what was going on; `code` is what to exit with."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def nearest(word: str, candidates: Iterable[str]) -> str:
    """' (did you mean …?)' with the candidate closest to `word`, or the candidates where none is close."""
    candidates = sorted(candidates)
    if close := difflib.get_close_matches(word, candidates, n=1, cutoff=0.5):
        return f"; did you mean {close[0]}?"
    return f"; there are: {', '.join(candidates)}" if candidates else ""
