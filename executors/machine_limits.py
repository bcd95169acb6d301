"""The limits of the machine: which of them an error tells of, in one line, and what a container allows."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
from pathlib import Path

#: Descriptors that a command must still be able to open when it has failed for another reason.
SPARE = 8
#: What libraries say where memory or threads are refused, which is no error number.
NO_MEMORY = ("Cannot allocate memory", "std::bad_alloc", "failed to map segment", "Unable to allocate")
NO_THREAD = ("can't start new thread", "Resource temporarily unavailable")
#: Where Linux has the limits of a container (cgroup v2).
CGROUPS = Path("/sys/fs/cgroup")


def explain(error: BaseException) -> str:
    """The limit that an error, or one that it came from, tells of, in one line with the fix; "" for none."""
    seen: BaseException | None = error
    while seen is not None:
        if line := limit_of(seen):
            return line
        seen = seen.__cause__ or seen.__context__
    # A module that cannot be opened is told as one that is not there.
    return too_few_descriptors() if isinstance(error, ImportError) and not can_open() else ""


def limit_of(error: BaseException) -> str:
    """The limit that one error tells of."""
    number = error.errno if isinstance(error, OSError) else None
    said = str(error)
    if number in (errno.EMFILE, errno.ENFILE):
        return too_few_descriptors()
    if number == errno.EAGAIN or any(words in said for words in NO_THREAD):
        return too_few_processes()
    if number == errno.ENOMEM or isinstance(error, MemoryError) or any(words in said for words in NO_MEMORY):
        return too_little_memory()
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return too_little_space(error)
    return ""


def soft(kind: int) -> int | None:
    """A limit of this process; None for none."""
    limit = resource.getrlimit(kind)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def too_few_descriptors() -> str:
    """One line on the limit of open files."""
    limit = soft(resource.RLIMIT_NOFILE)
    return f"too few files may be open at once: the limit is {limit} (ulimit -n); raise it to 1024 or more"


def too_few_processes() -> str:
    """One line on the limit of processes and threads."""
    limits = [
        f"{value} {what}"
        for what, value in (
            ("for this user (ulimit -u)", soft(resource.RLIMIT_NPROC)),
            ("in this container (pids.max)", of_cgroup("pids.max")),
        )
        if value is not None
    ]
    return (
        f"no more processes or threads can be started: the limit is {' and '.join(limits) or 'unknown'}; "
        "raise it, or take fewer workers and executor.threads=1"
    )


def too_little_memory() -> str:
    """One line on the limit of memory."""
    space, container = soft(resource.RLIMIT_AS), of_cgroup("memory.max")
    if space is not None:
        return f"too little address space: the limit is {space / 1e9:.1f} GB (ulimit -v); raise it"
    if container is not None:
        return f"too little memory: the limit of the container is {container / 1e9:.1f} GB; raise it"
    return "too little memory: the machine has no more; end other programs, or run fewer analyzers (only=)"


def hint() -> str:
    """What may have ended a process that does not say why: a limit of its address space, if it has one."""
    space = soft(resource.RLIMIT_AS)
    return "" if space is None else f" (its address space is limited to {space / 1e9:.1f} GB: ulimit -v)"


def too_little_space(error: BaseException) -> str:
    """One line on the space of a disk."""
    named = getattr(error, "filename", None)
    if getattr(error, "errno", None) == errno.EFBIG:
        limit = soft(resource.RLIMIT_FSIZE)
        return f"files may have {limit} bytes at most (ulimit -f), which is too little; raise it"
    temporary = os.environ.get("TMPDIR", "/tmp")
    where = named or f"the output folder or the one for temporary files, {temporary}"
    return f"no space is left for {where}; free some, or name another folder (hydra.run.dir=, TMPDIR)"


def can_open() -> bool:
    """Whether some more files can be opened."""
    opened: list[int] = []
    try:
        opened += [os.open(os.devnull, os.O_RDONLY) for _ in range(SPARE)]
    except OSError:
        return False
    finally:
        for descriptor in opened:
            os.close(descriptor)
    return True


def own_cgroups() -> list[Path]:
    """The groups that Linux has this process in, the innermost first; none without cgroup v2."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            if line.startswith("0::"):
                inner = CGROUPS / line[3:].strip("/")
                return [path for path in (inner, *inner.parents) if path.is_relative_to(CGROUPS)]
    return [CGROUPS]


def of_cgroup(file: str) -> int | None:
    """The least of a limit over the groups of this process; None for none."""
    limits = []
    for folder in own_cgroups():
        with contextlib.suppress(OSError, ValueError):  # there is none, or it is "max"
            limits.append(int((folder / file).read_text()))
    return min(limits, default=None)


def oom_kills() -> int:
    """How many processes the container's limit of memory has ended so far; 0 where that is not known."""
    for folder in own_cgroups():
        with contextlib.suppress(OSError, ValueError):
            for line in (folder / "memory.events").read_text().splitlines():
                if line.startswith("oom_kill "):
                    return int(line.split()[1])
    return 0
