"""Standard output and error that cost no result: closed, full, gone, or unable to write a character.

The command that the user types and every process of it have them.
"""

from __future__ import annotations

import io
import os
import select
import sys
from typing import Any

#: Error handlers that would raise, or that write bytes which are not in the stream's encoding.
STRICT = ("strict", "surrogateescape")


class Forgiving(io.FileIO):
    """A file whose other end may be full or gone: what it does not take is lost, and nothing else."""

    def write(self, data: Any) -> Any:
        try:
            while (written := super().write(data)) is None:  # somebody made it non-blocking, and it is full
                select.select([], [self], [])
        except OSError:
            return memoryview(data).nbytes
        return written


def make_forgiving() -> None:
    """Have `sys.stdout` and `sys.stderr` take everything; a character that they cannot write is escaped.

    Where a stream was closed, what is opened next would be in its place, and would be written to: there it
    is /dev/null.
    """
    null = os.open(os.devnull, os.O_RDWR)
    while null < 3:
        null = os.dup(null)
    os.close(null)
    sys.stdout, sys.stderr = forgiving(sys.stdout, 1), forgiving(sys.stderr, 2)


def forgiving(stream: Any, descriptor: int) -> io.TextIOWrapper:
    """`stream`, as it was opened by Python, on a file that forgives."""
    file = Forgiving(descriptor, "w", closefd=False)
    encoding, errors = getattr(stream, "encoding", "utf-8"), getattr(stream, "errors", "strict")
    return io.TextIOWrapper(
        io.BufferedWriter(file),
        encoding=encoding,
        errors="backslashreplace" if errors in STRICT else errors,
        line_buffering=file.isatty() or descriptor == 2,
    )
