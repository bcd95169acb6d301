"""The wheels that a machine lacks which has PyTorch for its GPU and little else: docs/gpu-wheels.txt.

    python -m tools.gpu_wheels > docs/gpu-wheels.txt

Derived from what the distributions installed here say they require, with the versions that are here. What
PRESENT brings with it is left out, and so is all that only tests, `ray` and the like need.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).resolve().parents[1]
#: What is there, with all that these require.
PRESENT = ("numpy", "torch", "torchvision", "transformers")
#: The Python that is there.
PYTHON = {"python_version": "3.12", "python_full_version": "3.12.0"}
#: What is needed of the project's own requirements.
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
    """What a distribution requires on such a machine, under any of `extras`."""
    found = set()
    for line in metadata.requires(name) or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({**PYTHON, "extra": extra}) for extra in extras):
            found.add(canonicalize_name(requirement.name))
    return found


def closure(names: Iterable[str], without: Iterable[str] = ()) -> set[str]:
    """`names` and all that they require, and what that requires; nothing that those in `without` require."""
    found, todo = set(), set(names)
    while todo:
        name = todo.pop()
        found.add(name)
        if name not in without:
            todo |= required(name) - found
    return found


def missing() -> list[str]:
    """The distributions that have to be brought, by name."""
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
