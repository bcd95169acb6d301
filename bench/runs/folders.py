"""The folder of a run: its own, held while the run goes on, and with nothing of an earlier one in it."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import itertools
import os
import sys
import tempfile
from pathlib import Path

from clipbench.bench.errors import InputError

#: What a run leaves in its folder, as patterns, beside Hydra's own files, which are written anew. Nothing
#: else is touched: a folder may have files of the user's own.
FILES = (
    *("result.json", "report.html", "report.md", "junit.xml", "trace.json", "timeline.png"),
    *("segments/*.json", "segments/*/*.json", "profile/*-*.*", "confirmation/result.json", ".*.partial"),
)
#: Words of a command line that only asks what there is: no folder is made for it.
ONLY_ASKING = ("--cfg", "-c", "--info", "-i", "--help", "-h", "--hydra-help", "--version")
#: How many bytes a folder must be able to take before a run begins.
LEAST_BYTES = 65536


@functools.cache
def unused(path: str) -> str:
    """`path`, or the first of `path`-2, `path`-3, … that does not exist; it is made at once.

    So two runs that start in the same second have folders of their own. Where it cannot be made, whoever
    writes into it will say why.
    """
    if {word.partition("=")[0] for word in sys.argv[1:]}.intersection(ONLY_ASKING):
        return path
    for number in itertools.count(1):
        choice = path if number == 1 else f"{path}-{number}"
        try:
            os.makedirs(os.path.dirname(choice) or ".", exist_ok=True)
            os.mkdir(choice)
        except FileExistsError:
            continue
        except OSError:
            pass
        return choice
    raise AssertionError("there is always another number")


def check_folder(folder: Path) -> None:
    """Raise InputError now where `folder` could not take the results later."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, prefix=".clipbench-") as probe:  # a name that nobody has
            probe.write(b"\0" * LEAST_BYTES)
            probe.flush()
    except OSError as error:
        raise InputError(
            f"hydra.run.dir: {folder} cannot be written to ({error.strerror}); name another folder"
        ) from error


def claim(folder: Path) -> None:
    """Hold `folder` until this process ends, and remove what an earlier run has left in it.

    Raises InputError where another run is at it. A link in it is removed, and what it leads to is left.
    """
    with contextlib.suppress(OSError):  # a file system without locks, which tells nobody
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise InputError(
                f"hydra.run.dir: another run is writing into {folder}; name another folder"
            ) from None
    for path in [path for pattern in FILES for path in folder.glob(pattern)]:
        with contextlib.suppress(OSError):  # what cannot be removed cannot be written either, which is told
            path.unlink()
