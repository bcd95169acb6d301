"""The two sides of a comparison of commits: their worktrees, their environments, and that they can be run."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipbench.bench.errors import InputError
from clipbench.bench.invocation import literal
from clipbench.bench.runs.child_run import Program, last_line, run_logged
from clipbench.bench.runs.facts import Facts, differences
from clipbench.bench.sweeping.identity import first_few
from clipbench.bench.sweeping.repository import Repository
from clipbench.bench.sweeping.sweep import ONLY_MEASURE

#: Files that say which versions are installed, beside pyproject.toml.
VERSIONS = ("constraints.txt", "requirements-nodeps.txt")
#: Prints where Python would import the parts of clipbench from, as JSON; null for one that it does not find.
WHERE = """
import importlib.util, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        spec = None
    found[name] = spec.origin if spec else None
print(json.dumps(found))
"""
#: Modules of clipbench whose files have to be those of the worktree.
MODULES = ("clipbench", "clipbench.__main__", "clipbench.analyzers", "hydra_plugins.clipbench")


@dataclass(frozen=True)
class Commit:
    """One side: the commit's hash, and the name of the candidate, such as "main@1a2b3c4d5".

    `differing` says what it is installed with that the running checkout is not; then it has an environment
    of its own.
    """

    name: str
    sha: str
    differing: tuple[str, ...] = ()


def requirements(read: Callable[[str], str]) -> Facts:
    """What a version of clipbench is installed with; `read` gives the text of a file, or "".

    Raises InputError where there is no clipbench, or its pyproject.toml cannot be read.
    """
    try:
        project: dict[str, Any] = tomllib.loads(read("pyproject.toml")).get("project", {})
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"pyproject.toml cannot be read: {error}") from error
    if project.get("name") != "clipbench":
        raise InputError("it has no pyproject.toml of clipbench")
    facts: Facts = {name: project.get(name) for name in ("requires-python", "dependencies")}
    extras: Mapping[str, Any] = project.get("optional-dependencies", {})
    facts |= {f"extra {name}": listed for name, listed in extras.items()}
    for name in VERSIONS:
        lines = (line.partition("#")[0].strip() for line in read(name).splitlines())
        facts[name] = sorted(line for line in lines if line)
    return facts


def differing(repository: Repository, sha: str) -> tuple[str, ...]:
    """What a commit is installed with that the running checkout is not, a line each."""

    def here(name: str) -> str:
        path = repository.folder / name
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    there = requirements(lambda name: repository.read(sha, name))
    return tuple(differences(requirements(here), there))


def set_up(
    commit: Commit, repository: Repository, place: Path, given: Mapping[str, str], tell: Callable[[str], None]
) -> Program:
    """Check a commit out at `place`, with the environment that it needs; returns the program to run it with.

    `place` is an absolute path, `given` are the environment variables of its runs, and `tell` is told what
    takes long. Raises InputError where it cannot be set up, or would run other code than its worktree's.
    """
    tell(f"checking out {commit.name}")
    repository.check_out(commit.sha, place)
    python = Path(sys.executable)
    if commit.differing:
        why = first_few(list(commit.differing))
        tell(f"installing the environment of {commit.name}, which differs in {why}; this takes minutes")
        python = install(commit, place, given)
    paths = [str(place), given.get("PYTHONPATH", "")]
    variables = {**given, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    # It works in its worktree: the conf/ of the running checkout would count as the user's own.
    program = Program((str(python), "-P", "-m", "clipbench"), variables, place)
    refuse_other_code(commit, program, place)
    return program


def install(commit: Commit, place: Path, given: Mapping[str, str]) -> Path:
    """The Python of the commit's own environment, `.venv` in its worktree, made as its `make` would.

    Raises InputError where that fails.
    """
    python = place / ".venv" / "bin" / "python"
    if (place / ".venv" / ".ready").exists():
        return python
    if not (place / "tools" / "set_up.py").exists():
        raise InputError(
            f"{commit.name}: its dependencies differ, and it has no tools/set_up.py to install them"
        )
    log = place.with_name(f"{place.name}.set-up.txt")
    code = run_logged(Program((sys.executable, str(place / "tools" / "set_up.py")), given, place), (), log)
    if code or not python.exists():
        raise InputError(f"{commit.name}: its environment could not be installed: {last_line(log)}")
    return python


def refuse_other_code(commit: Commit, program: Program, place: Path) -> None:
    """Raise InputError unless the program imports clipbench from the worktree, and not what is installed."""
    log = place.with_name(f"{place.name}.modules.txt")
    code = run_logged(
        dataclasses.replace(program, command=[program.command[0], "-P", "-c", WHERE]), MODULES, log
    )
    try:
        found: dict[str, str | None] = json.loads(last_line(log, most=10_000))
    except ValueError as error:
        raise InputError(
            f"{commit.name}: Python does not start (exit code {code}): {last_line(log)}"
        ) from error
    for module, file in found.items():
        if file is None:
            raise InputError(f"{commit.name}: it cannot be run, it has no module {module}")
        if not Path(file).resolve().is_relative_to(place.resolve()):
            raise InputError(f"{commit.name}: {module} would be imported from {file}, not from {place}")


def check_overrides(commit: Commit, program: Program, overrides: Sequence[str], place: Path) -> None:
    """Raise InputError, with the line that the commit itself says, where it refuses these overrides."""
    log = place.with_name(f"{place.name}.plan.txt")
    elsewhere = place.with_name(f"{place.name}.plan")
    arguments = [*overrides, "repeats=1", *ONLY_MEASURE, "plan=true", f"hydra.run.dir={literal(elsewhere)}"]
    if run_logged(program, arguments, log):
        raise InputError(f"{commit.name}: {last_line(log)}")
