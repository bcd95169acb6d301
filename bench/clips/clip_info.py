"""Facts about a clip's file: what result.json records of it, and its checksum."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from clipbench.bench.errors import InputError


@dataclass(frozen=True)
class ClipInfo:
    """What result.json records of a clip. Width and height are as shown, after rotation.

    `frames` is how many frames the file announces, `tracks` which of several tracks were read; `remarks` are
    for people: what is odd about the file, and what could not be decoded.
    """

    path: str
    sha256: str
    duration_s: float
    width: int
    height: int
    fps: float
    has_audio: bool
    frames: int = 0
    tracks: str = ""
    remarks: list[str] = field(default_factory=list)


def sha256(path: Path) -> str:
    """The file's SHA-256 in hex. Raises InputError if the file cannot be read."""
    try:
        status = path.stat()
        return _sha256(path, status.st_size, status.st_mtime_ns, status.st_ino)
    except OSError as error:
        raise InputError(f"clip.path: {path} cannot be read: {error.strerror}") from error


@functools.lru_cache(maxsize=1024)
def _sha256(path: Path, size: int, mtime_ns: int, inode: int) -> str:
    """The checksum of a file that is as it was: a clip that is measured many times is read once."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
