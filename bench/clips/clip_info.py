"""Facts about a clip's file: what result.json records of it, and its checksum."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from clipbench.bench.errors import InputError


@dataclass(frozen=True)
class ClipInfo:
    """What result.json records of a clip. Width and height are as shown, after rotation."""

    path: str
    sha256: str
    duration_s: float
    width: int
    height: int
    fps: float
    has_audio: bool


def sha256(path: Path) -> str:
    """The file's SHA-256 in hex. Raises InputError if the file cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"clip.path: {path} cannot be read: {error.strerror}") from error
