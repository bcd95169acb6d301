"""What the path of a clip leads to: anything but a file is refused before it is opened."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from clipbench.bench.errors import InputError

#: What a path may lead to that is no file.
KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def what_is(path: Path) -> str:
    """What `path` leads to that is no file, or why it leads to nothing; "" for a file."""
    try:
        return KINDS.get(stat.S_IFMT(path.stat().st_mode), "")
    except OSError as error:
        return "a link that leads nowhere" if os.path.islink(path) else str(error.strerror).lower()


def check_clip(path: Path) -> None:
    """Raise InputError for what is not a file: nothing waits for a FIFO, and nothing reads from a device."""
    kind = what_is(path)
    if not kind:
        return
    if not os.path.exists(path):
        link = f" ({kind})" if os.path.islink(path) else ""
        missing = kind in ("no such file or directory", "a link that leads nowhere")
        raise InputError(
            f"clip.path: there is no file {path}{link}" if missing else f"clip.path: {path}: {kind}"
        )
    if kind == "a folder":
        kind += "; name a video file in it, or use scenario=offline for all of them"
    raise InputError(f"clip.path: {path} is {kind}")
