"""clipbench as a user has it: installed from a wheel, with the checkout not on the path.

Nothing is downloaded: the libraries are those of the environment that runs the tests. A .pth file names its
site-packages; the .pth files in there are not read, so that the editable installation is not active.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

from tests.support.command_line import PROJECT

#: What of a checkout is no source.
NO_SOURCE = (
    ".git",
    ".venv",
    ".*cache",
    ".benchmarks",
    "__pycache__",
    "*.egg-info",
    "build",
    "dist",
    "outputs",
    "multirun",
    "baselines",
)


@dataclass(frozen=True)
class Installed:
    """An environment with clipbench in it, and the folder for its caches."""

    folder: Path

    @property
    def commands(self) -> Path:
        """The folder of `clipbench`, `clipbench-compare` and `python`."""
        return self.folder / "bin"

    @property
    def package(self) -> Path:
        """Where the package was installed to."""
        return next(self.folder.glob("lib/python*/site-packages")) / "clipbench"

    @property
    def cache(self) -> Path:
        """The user's cache folder."""
        return self.folder / "cache"

    def run(self, *words: str, cwd: Path, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a command line such as `clipbench --help` in the working directory `cwd`."""
        variables = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        variables |= {
            "PATH": f"{self.commands}{os.pathsep}{os.environ['PATH']}",
            "XDG_CACHE_HOME": str(self.cache),
            "VIRTUAL_ENV": str(self.folder),
        }
        return subprocess.run(
            [shutil.which(words[0], path=variables["PATH"]) or words[0], *words[1:]],
            cwd=cwd,
            env=variables,
            capture_output=True,
            text=True,
            timeout=timeout,
        )


def build_wheel(folder: Path) -> Path:
    """Build the wheel of the checkout into `folder`, from a copy: a build leaves files behind."""
    source = copy_source(folder / "source")
    wheel = wheel_of(source, folder)
    shutil.rmtree(source)
    return wheel


def copy_source(folder: Path) -> Path:
    """Copy the checkout's files, without its repository and what was made in it, to `folder`."""
    shutil.copytree(PROJECT, folder, symlinks=True, ignore=shutil.ignore_patterns(*NO_SOURCE))
    return folder


def wheel_of(source: Path, folder: Path) -> Path:
    """Build the wheel of the sources in `source` into `folder`."""
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(source))
    return next(folder.glob("clipbench-*.whl"))


def install(folder: Path, wheel: Path) -> Installed:
    """Make an environment in `folder` and install the wheel into it."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    pip("--python", str(python), "install", "--no-deps", "--no-index", "--ignore-installed", str(wheel))
    installed = Installed(folder)
    borrowed = installed.package.parent / "libraries_of_the_tests.pth"
    borrowed.write_text(sysconfig.get_path("purelib") + "\n")
    return installed


def pip(*arguments: str) -> None:
    """Run pip; raises AssertionError with what it said where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
