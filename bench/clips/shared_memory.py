"""Shared memory: allocating a block for a clip, and attaching to one that another process owns."""

from __future__ import annotations

import _posixshmem  # type: ignore[import-not-found]  # part of CPython, without types
import contextlib
import mmap
import os
import sys
from multiprocessing.shared_memory import SharedMemory

from clipbench.bench.errors import InputError
from clipbench.executors import leftovers, machine_limits

#: Every block is called `clipbench-<owner's process id>-<random>`.
MEMORY_PREFIX = leftovers.PREFIX


class AttachedMemory:
    """What `SharedMemory(name, track=False)` is from Python 3.13 on. See `attach`."""

    def __init__(self, name: str) -> None:
        self.name = name
        descriptor = _posixshmem.shm_open(f"/{name}", os.O_RDWR, mode=0o600)
        try:
            self._map = mmap.mmap(descriptor, 0)
        finally:
            os.close(descriptor)
        self.buf = memoryview(self._map)

    def close(self) -> None:
        """Release the mapping. Raises BufferError while an array still uses it."""
        self.buf.release()
        self._map.close()


def attach(name: str) -> SharedMemory | AttachedMemory:
    """Shared memory that another process owns and alone frees.

    Before Python 3.13, SharedMemory registers every attachment with the resource tracker. A worker that
    multiprocessing did not start has a tracker of its own, which removes the memory when that worker dies.
    """
    if sys.version_info >= (3, 13):
        return SharedMemory(name, track=False)
    return AttachedMemory(name)


def allocate(size_bytes: int) -> SharedMemory:
    """Shared memory whose pages are reserved. Raises InputError if there is not enough of it.

    Without the reservation, a full /dev/shm would be a SIGBUS at a later write.
    """
    try:
        memory = SharedMemory(leftovers.name(), create=True, size=size_bytes)
    except OSError as error:
        said = machine_limits.explain(error) or error.strerror
        raise InputError(f"the frames need {size_bytes / 1e6:.0f} MB of shared memory: {said}") from error
    try:
        leftovers.hold(memory._fd)  # type: ignore[attr-defined]  # it has no public name
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(memory._fd, 0, size_bytes)  # type: ignore[attr-defined]
    except OSError as error:
        memory.close()
        memory.unlink()
        raise InputError(
            f"the frames need {size_bytes / 1e6:.0f} MB of shared memory, which /dev/shm does not have "
            f"({error.strerror}); in a container, raise its --shm-size"
        ) from error
    return memory


class MemoryPool:
    """Shared memory that is used again: the first touch of a fresh page costs more than decoding into it."""

    def __init__(self) -> None:
        self._spare: list[SharedMemory] = []

    def take(self, size_bytes: int) -> SharedMemory:
        """Memory of at least this size. Raises InputError if there is not enough of it."""
        fitting = [m for m in self._spare if size_bytes <= m.size <= 2 * size_bytes]
        if not fitting:
            return allocate(size_bytes)
        memory = min(fitting, key=lambda m: m.size)
        self._spare.remove(memory)
        return memory

    def give(self, memory: SharedMemory) -> None:
        """Take memory back that nobody reads any more."""
        self._spare.append(memory)

    def close(self) -> None:
        """Free what is not in use."""
        while self._spare:
            free(self._spare.pop())


def free(memory: SharedMemory) -> None:
    """Free memory; it goes when the last process that has it open lets go of it."""
    with contextlib.suppress(BufferError):  # someone here still holds an array of it
        memory.close()
    memory.unlink()
