"""The wheels to install on a machine that only has PyTorch for its GPU: docs/gpu-wheels.txt.

    python -m tools.gpu_wheels > docs/gpu-wheels.txt

They are derived from the requirements of the distributions that are installed here, with their versions.
PRESENT and its requirements are left out, and so is everything that only tests, `ray` and the like need.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).resolve().parents[1]
#: The distributions that the machine has, with everything that they require.
PRESENT = ("numpy", "torch", "torchvision", "transformers")
#: The machine's Python.
PYTHON = {"python_version": "3.12", "python_full_version": "3.12.0"}
#: Which of the project's own requirements are needed.
EXTRAS = ("", "embedded", "full")


def alone() -> set[str]:
    """The distributions that are installed without what they require."""
    lines = (PROJECT / "requirements-nodeps.txt").read_text(encoding="utf-8").splitlines()
    return {
        canonicalize_name(Requirement(text).name)
        for line in lines
        if (text := line.partition("#")[0].strip())
    }


def required(name: str, extras: Iterable[str] = ("",)) -> set[str]:
    """What a distribution requires on that machine, under any of `extras`."""
    found: set[str] = set()
    for line in metadata.requires(name) or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({**PYTHON, "extra": extra}) for extra in extras):
            found.add(canonicalize_name(requirement.name))
    return found


def closure(names: Iterable[str], without: Iterable[str] = ()) -> set[str]:
    """`names` and everything that they require, directly or not, except through those in `without`."""
    found: set[str] = set()
    todo = set(names)
    while todo:
        name = todo.pop()
        found.add(name)
        if name not in without:
            todo |= required(name) - found
    return found


def missing() -> list[str]:
    """The names of the distributions to install."""
    wanted = (required("clipbench", EXTRAS) | alone()) - {"clipbench"}  # an extra may name another one
    return sorted(closure(wanted - set(PRESENT), {*alone(), *PRESENT}) - closure(PRESENT))


def main() -> int:
    """Print a requirements file."""
    print("# Made by `python -m tools.gpu_wheels`; docs/gpu.md says what for.")
    for name in missing():
        print(f"{name}=={metadata.version(name)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
