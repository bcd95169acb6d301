"""Where the project's own files are, in a checkout and after an installation alike."""

from __future__ import annotations

import functools
from pathlib import Path

import clipbench

#: The package's folder: conf/, clips/ and the entry points are in it.
PACKAGE = Path(clipbench.__file__).resolve().parent
CONF = PACKAGE / "conf"
#: What a process needs on its path to import the package.
IMPORT_PATH = PACKAGE.parent


@functools.cache
def checkout() -> Path | None:
    """The folder of the checkout that the package is imported from, or None where it is installed."""
    import tomllib

    try:
        with (IMPORT_PATH / "pyproject.toml").open("rb") as file:
            project = tomllib.load(file).get("project", {})
    except (OSError, ValueError):
        return None
    return IMPORT_PATH if project.get("name") == "clipbench" else None


def cache() -> Path:
    """The folder for what is kept about this machine, such as noise floors. It may not exist yet."""
    import platformdirs

    return platformdirs.user_cache_path("clipbench", appauthor=False)


def data() -> Path:
    """The folder for what takes long to find out about this machine, such as costs. It may not exist yet."""
    import platformdirs

    return platformdirs.user_data_path("clipbench", appauthor=False)


def packaged(path: str) -> str:
    """The path of a file that comes with clipbench; relative where it is below the working directory.

    In configuration files: `${packaged:clips/reference.mp4}`.
    """
    found = (PACKAGE / path).resolve()
    here = Path.cwd().resolve()
    return str(found.relative_to(here) if found.is_relative_to(here) else found)
