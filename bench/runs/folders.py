"""The folder of a run: its own, held while the run goes on, and with nothing of an earlier one in it."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import itertools
import os
import shutil
import sys
import tempfile
from pathlib import Path

from clipbench.bench.errors import InputError

#: What a run leaves in its folder, as patterns, beside Hydra's own files, which are written anew. Nothing
#: else is touched: a folder may have files of the user's own.
FILES = (
    *("result.json", "report.html", "report.md", "junit.xml", "trace.json", "timeline.png"),
    *("export/*.csv", "export/*.parquet", "export/metrics.txt", "frames/frames.json", "frames/*-*.jpg"),
    *("segments/*.json", "segments/*/*.json", "profile/*-*.*", "confirmation/result.json", ".*.partial"),
)
#: What is in the folder of a command that has measured nothing.
WITHOUT_RESULTS = frozenset({".hydra", "clipbench.log", ".lock"})
#: Words of a command line that only asks what there is: no folder is made for it.
ONLY_ASKING = ("--cfg", "-c", "--info", "-i", "--help", "-h", "--hydra-help", "--version")
#: How many bytes a folder must be able to take before a run begins.
LEAST_BYTES = 65536


#: The folders that `unused` has made in this process, outer ones first.
made: list[Path] = []


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
            missing = [each for each in reversed(Path(choice).parents) if not each.exists()]
            os.makedirs(os.path.dirname(choice) or ".", exist_ok=True)
            os.mkdir(choice)
        except FileExistsError:
            continue
        except OSError:
            pass
        made.extend([*missing, Path(choice)])
        return choice
    raise AssertionError("there is always another number")


def discard(*named: Path) -> None:
    """Remove these folders and those that `unused` has made, where there are no results in them.

    It is for a command that was refused, or that only said what it would do.
    """
    for each in (*named, *reversed(made)):
        with contextlib.suppress(OSError):  # it was never made, is gone, or another run is at it
            descriptor = os.open(each, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if {inner.name for inner in each.iterdir()} <= WITHOUT_RESULTS:
                    shutil.rmtree(each / ".hydra", ignore_errors=True)
                    for name in WITHOUT_RESULTS - {".hydra"}:
                        (each / name).unlink(missing_ok=True)
                    each.rmdir()  # not with what another run has made in it meanwhile
            finally:
                os.close(descriptor)


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


def check_place(folder: Path, option: str) -> None:
    """Raise InputError now where `folder`, which `option` names, could not be made later; it is not made."""
    there = next((each for each in (folder, *folder.absolute().parents) if os.path.lexists(each)), folder)
    if not there.is_dir():
        raise InputError(f"{option}: {folder} cannot be written to ({there} is no folder); name another")
    if not os.access(there, os.W_OK):
        raise InputError(f"{option}: {folder} cannot be written to (Permission denied); name another")


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
