"""A sweep's folder, held by one process at a time."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from clipbench.bench.errors import InputError


@contextlib.contextmanager
def locked(folder: Path, setting: str = "hydra.sweep.dir") -> Iterator[None]:
    """Hold `folder` for this process; raises InputError if another has it, or it cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise InputError(
            f"{setting}: {folder} cannot be written to ({error.strerror}); name another folder"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{setting}: another process is at the sweep in {folder}; name another folder"
            ) from None
        yield
