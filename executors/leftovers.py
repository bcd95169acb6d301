"""What a run that was killed has left behind, found and removed by the next one.

Shared memory and temporary folders are called `clipbench-<process id>-<random>`. Their owner holds a lock
on them: what nobody holds, and whose process is gone, is left over. The lock also tells of an owner in
another container, whose process cannot be seen here.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from clipbench.executors.held_signals import held

PREFIX = "clipbench"
NAME = re.compile(rf"{PREFIX}-(\d+)-[0-9a-f]+")
#: Where Linux keeps shared memory.
SHARED = Path("/dev/shm")
#: Seconds that a reaper has for its work.
REAP_S = 10.0


def name() -> str:
    """A name for something that this process owns."""
    return f"{PREFIX}-{os.getpid()}-{secrets.token_hex(4)}"


def hold(descriptor: int) -> None:
    """Hold what is open as `descriptor` for as long as it is open, where the file system can do that."""
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)


class OwnFolder:
    """A temporary folder of this process, which nobody else may look into.

    It is removed by `close`, or by the next run. Raises OSError where it cannot be made.
    """

    def __init__(self, within: str | None = None) -> None:
        self.path = Path(within or tempfile.gettempdir()) / name()
        self.path.mkdir(mode=0o700)
        self.name = str(self.path)
        self._descriptor: int | None = os.open(self.path, os.O_RDONLY)
        hold(self._descriptor)

    def close(self) -> None:
        """Remove the folder with all that is in it; may be called twice."""
        if self._descriptor is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._descriptor)
            self._descriptor = None


def remove(places: Iterable[Path] | None = None) -> str:
    """Remove what is left over of this user's runs; what that was, in words, or ""."""
    runs: set[str] = set()
    memory_bytes, folders, processes = 0, 0, 0
    for path in found(places or {SHARED, Path("/tmp"), Path(tempfile.gettempdir())}):
        if (owner := owner_of(path)) is None:
            continue
        with contextlib.suppress(OSError):
            if path.is_dir():
                processes += end_users_of(path)
                shutil.rmtree(path)
                folders += 1
            else:
                size = path.stat().st_blocks * 512
                path.unlink()
                memory_bytes += size
            runs.add(owner)
    if not runs:
        return ""
    parts = [
        f"{memory_bytes / 1e6:.0f} MB of shared memory" if memory_bytes else "",
        f"{folders} temporary folder{'s' if folders > 1 else ''}" if folders else "",
        f"{processes} process{'es' if processes > 1 else ''}" if processes else "",
    ]
    what = ", ".join(filter(None, parts)) or "an empty piece of shared memory"
    return f"removed what a run that was killed had left (process {', '.join(sorted(runs))}): {what}"


def found(places: Iterable[Path]) -> list[Path]:
    """All that is called as what runs own, and belongs to this user."""
    paths = []
    for place in places:
        with contextlib.suppress(OSError):
            paths += [path for path in place.iterdir() if NAME.fullmatch(path.name)]
    return [path for path in paths if not path.is_symlink() and is_mine(path)]


def is_mine(path: Path) -> bool:
    """Whether this user owns it; not where it is gone meanwhile."""
    try:
        return path.lstat().st_uid == os.geteuid()
    except OSError:
        return False


def owner_of(path: Path) -> str | None:
    """The process that has left this, or None where it is in use."""
    named = NAME.fullmatch(path.name)
    if named is None or runs_since(int(named[1]), path):
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return named[1]


def runs_since(pid: int, path: Path) -> bool:
    """Whether the process of this number was there when `path` was made: numbers are given again."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return process.create_time() <= path.lstat().st_ctime + 1
    except (psutil.NoSuchProcess, OSError):
        return False
    except psutil.Error:
        return True


def end_users_of(folder: Path) -> int:
    """End the processes of Ray that have something of `folder` open or in their command; how many it were."""
    ended = 0
    for entry in Path("/proc").glob("[0-9]*"):
        pid = int(entry.name)
        if pid != os.getpid() and is_rays(entry) and uses(entry, str(folder)):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                ended += 1
    return ended


def is_rays(process: Path) -> bool:
    """Whether a process of /proc is one of Ray's, and not a user's that looks into its files."""
    try:
        named = (process / "comm").read_text().strip()
        if named in ("raylet", "gcs_server") or named.startswith("ray::"):
            return True
        return named.startswith("python") and b"/ray/" in (process / "cmdline").read_bytes()
    except OSError:
        return False


def uses(process: Path, folder: str) -> bool:
    """Whether a process of /proc has to do with a folder."""
    try:
        if folder.encode() in (process / "cmdline").read_bytes():
            return True
        return any(os.readlink(link).startswith(folder) for link in (process / "fd").iterdir())
    except OSError:
        return False


class Reaper:
    """A process that outlives this one. Then it ends the processes of Ray, and removes their folder.

    Ray's agents stay where the process that started them is killed.
    """

    def __init__(self, folder: Path) -> None:
        import clipbench

        paths = [str(Path(clipbench.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        with held():
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "clipbench.executors.leftovers", str(folder)],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def close(self) -> None:
        """Have it do its work now, and wait until it has."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.communicate(timeout=REAP_S)
            return
        self._process.kill()
        self._process.communicate()


def reap(folder: Path) -> None:
    """Wait until standard input ends, which it does when the process that started us does; then clean up."""
    while os.read(0, 4096):
        pass
    deadline = time.monotonic() + REAP_S / 2
    while end_users_of(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    reap(Path(sys.argv[1]))
