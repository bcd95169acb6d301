"""What an analyzer found in the chunks of a clip: pickled, in a file, and read again when it is asked for."""

from __future__ import annotations

import os
import pickle
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, overload

#: Before what was found in a chunk: how many bytes it has.
LENGTH = struct.Struct("<Q")


@dataclass(frozen=True)
class FoundFile(Sequence[bytes]):
    """What was found in the first `chunks` chunks, which has the first `size` bytes of the file `path`.

    Every process of this machine can read it. Nothing of it is in memory.
    """

    path: Path
    size: int = 0
    chunks: int = 0

    def appended(self, found: bytes) -> FoundFile:
        """With what was found in the next chunk. What follows in the file is cut off: it did not count."""
        with open(self.path, "r+b" if self.size else "wb") as file:
            file.truncate(self.size)
            file.seek(self.size)
            file.write(LENGTH.pack(len(found)) + found)
        return FoundFile(self.path, self.size + LENGTH.size + len(found), self.chunks + 1)

    def __len__(self) -> int:
        return self.chunks

    def __iter__(self) -> Iterator[bytes]:
        if self.chunks:  # else there is no file
            with open(self.path, "rb") as file:
                for _ in range(self.chunks):
                    yield file.read(length_of(file))

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        chosen = range(self.chunks)[index]
        if isinstance(chosen, range):
            return [self[number] for number in chosen]
        with open(self.path, "rb") as file:
            for _ in range(chosen):
                file.seek(length_of(file), os.SEEK_CUR)
            return file.read(length_of(file))


def length_of(file: BinaryIO) -> int:
    """How many bytes the next findings in a file have."""
    (length,) = LENGTH.unpack(file.read(LENGTH.size))
    return int(length)


class Findings(Sequence[Any]):
    """What was found in each chunk, as `finish` gets it: unpickled each time that it is asked for.

    So no more than one chunk's is in memory, unless `finish` keeps it.
    """

    def __init__(self, pickles: Sequence[bytes]) -> None:
        self._pickles = pickles

    def __len__(self) -> int:
        return len(self._pickles)

    def __iter__(self) -> Iterator[Any]:
        for number, found in enumerate(self._pickles):
            yield unpickled(found, f"what was found in chunk {number}")

    def __getitem__(self, index: int | slice) -> Any:
        chosen = range(len(self))[index]
        if isinstance(chosen, range):
            return [self[number] for number in chosen]
        return unpickled(self._pickles[chosen], f"what was found in chunk {chosen}")


def pickled(value: object, what: str) -> bytes:
    """`value` pickled; raises TypeError, naming what it is, if it cannot be."""
    try:
        return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
        raise TypeError(f"{what} cannot be pickled: {error}") from error


def unpickled(value: bytes, what: str) -> Any:
    """What was pickled; raises TypeError, naming what it is, if it cannot be read."""
    try:
        return pickle.loads(value)
    except MemoryError:
        raise
    except Exception as error:
        raise TypeError(f"{what} cannot be unpickled: {type(error).__name__}: {error}") from error
