"""What the analyzers have found in the chunks of a clip, kept on disk, so that a run that was ended goes on.

A chunk counts once its state is in place: then what was found in it is on disk, too. A run that is ended
between the two reads that chunk again.

States and findings are read with pickle, which runs whatever code a file names: a journal has to be trusted
like code. Whoever can write into its folder can run code as the user who goes on with the run.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import struct
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import clipbench
from clipbench import plugins
from clipbench.executors.findings import FoundFile
from clipbench.executors.layout import Task
from clipbench.executors.steps import Fed

#: Before a state: the chunk that comes next, the bytes of findings that count, and the state's SHA-256.
HEADER = struct.Struct("<QQ32s")


@dataclass(frozen=True)
class Saved:
    """Where an analyzer is: the chunk that it reads next, its state, and how much of its findings counts."""

    chunk: int
    state: bytes
    found_bytes: int


class DiskJournal:
    """A journal in `folder`. See `Journal` in executors/base.py.

    It goes on with what is there of the same clip, cut alike, by the same analyzers with the same settings
    and the same version of clipbench and of the user's own parts; everything else it does not see.
    """

    def __init__(
        self, folder: Path, clip: Path, clip_sha256: str, chunk_s: float | None, tasks: Iterable[Task]
    ) -> None:
        # Two files of a queue may have the same content: each has a journal of its own.
        name = hashlib.sha256(os.fsencode(clip.resolve())).hexdigest()
        self.folder = folder / f"{clip_sha256[:16]}-{name[:8]}-{chunk_s or 'whole'}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._files = {task.analyzer: self.folder / self._name(task) for task in tasks if task.chunked}
        self._saved = {name: saved for name, file in self._files.items() if (saved := load(file))}

    @staticmethod
    def _name(task: Task) -> str:
        settings = json.dumps(asdict(task.settings), sort_keys=True, default=str)
        code = f"{clipbench.__version__} {code_version()} {sorted(plugins.digests().values())}"
        of = f"{code} {task.models} {settings}"
        return f"{task.analyzer}-{hashlib.sha256(of.encode()).hexdigest()[:16]}"

    @property
    def resumed(self) -> bool:
        """Whether a part of the clip was done before."""
        return bool(self._saved)

    def position(self, analyzer: str) -> tuple[int, bytes | None]:
        saved = self._saved.get(analyzer)
        return (saved.chunk, saved.state) if saved else (0, None)

    def fed(self, fed: Fed) -> None:
        file = self._files[fed.analyzer]
        found = self.found(fed.analyzer).appended(fed.found)  # without what a run that was ended has left
        saved = Saved(fed.chunk + 1, fed.state, found.size)
        with open(file.with_suffix(".new"), "wb") as new:
            digest = hashlib.sha256(saved.state).digest()
            new.write(HEADER.pack(saved.chunk, saved.found_bytes, digest) + saved.state)
        os.replace(new.name, file.with_suffix(".state"))
        self._saved[fed.analyzer] = saved

    def found(self, analyzer: str) -> FoundFile:
        saved, path = self._saved.get(analyzer), self._files[analyzer].with_suffix(".found")
        return FoundFile(path, saved.found_bytes, saved.chunk) if saved else FoundFile(path)

    def finish(self) -> None:
        """Remove the journal: the clip is done."""
        shutil.rmtree(self.folder, ignore_errors=True)


def load(file: Path) -> Saved | None:
    """What is saved of an analyzer; None where there is nothing that is whole."""
    try:
        data = file.with_suffix(".state").read_bytes()
        there = file.with_suffix(".found").stat().st_size
        chunk, found_bytes, digest = HEADER.unpack(data[: HEADER.size])
    except (OSError, struct.error):
        return None
    state = data[HEADER.size :]
    whole = hashlib.sha256(state).digest() == digest and there >= found_bytes
    return Saved(chunk, state, found_bytes) if whole else None


@functools.cache
def code_version() -> str:
    """A hash of the code that makes the results: analyzers, and what decodes."""
    package = Path(clipbench.__file__).parent
    digest = hashlib.sha256()
    for place in ("analyzers", "bench/clips"):
        for file in sorted((package / place).resolve().rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()
