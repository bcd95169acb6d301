"""A Python that finds the standard library and some distributions, and nothing else that is installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from tests.support.command_line import PROJECT


def linked(names: Iterable[str], folder: Path) -> Path:
    """`folder`, with links to all that these distributions have installed, and to nothing of others.

    A folder that several distributions share, as a namespace package is, is linked as a whole.
    """
    folder.mkdir(parents=True)
    for name in names:
        found = metadata.distribution(name)
        for top in {Path(file).parts[0] for file in found.files or ()} - {".."}:
            there = Path(str(found.locate_file(top)))
            if there.exists() and not (folder / top).exists() and there.suffix != ".pth":
                (folder / top).symlink_to(there)
    return folder


def command(*arguments: str) -> list[str]:
    """A Python without its installed packages: those of `environment` are all that it has."""
    return [sys.executable, "-S", *arguments]


def environment(folder: Path) -> dict[str, str]:
    """Variables with which `command`, and the processes that it spawns, find what is in `folder`."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(PROJECT), str(folder)])}
