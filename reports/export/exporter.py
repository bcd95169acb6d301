"""What an exporter is given, and how it fails."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from clipbench.bench.runs.results import Result


class ExportError(Exception):
    """An export has failed: the message is one line that says why."""


@dataclass(frozen=True)
class ExportedRun:
    """A run as it is kept, with the folder that its files are in."""

    result: Result
    folder: Path

    @property
    def id(self) -> str:
        return self.result.run.id

    @property
    def predicted(self) -> bool:
        """Whether every figure of the run is a prediction."""
        return self.result.run.simulated is not None


@dataclass(frozen=True)
class Destination:
    """Where to: a folder for files; for MLflow its tracking URI (None: as its own variables say)."""

    folder: Path
    tracking_uri: str | None = None
    experiment: str = "clipbench"


#: Writes runs, each with an id of its own, to a destination; returns a line for each thing that was made.
Exporter = Callable[[list[ExportedRun], Destination], list[str]]


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A path to write to, which becomes `path` when all is written, and nothing where that fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def without_password(uri: str) -> str:
    """A URI as it may be shown."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts.username else uri
