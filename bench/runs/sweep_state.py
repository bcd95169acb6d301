"""sweep.json: the state of a sweep on disk, and how it is written (atomically) and read back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from clipbench.bench.errors import InputError
from clipbench.bench.runs.child_run import ChildRun
from clipbench.bench.runs.serialization import from_json, to_json
from clipbench.bench.runs.storage import write_json

SCHEMA = 2
FILE = "sweep.json"

#: Dotted name → JSON value of something that must stay the same while a sweep goes on.
Facts = dict[str, Any]
#: In which order the jobs of a round take their turns.
Order = Literal["alternating", "fixed", "shuffled"]


@dataclass(frozen=True)
class Turn:
    """A finished turn: the run of `job` in a round (counted from 1), with the fields of its child run."""

    job: str
    round: int
    state: Literal["done", "failed"]
    reason: str
    code: int | None
    seconds: float = 0.0
    metric: str | None = None
    value: float | None = None

    @classmethod
    def of(cls, job: str, number: int, run: ChildRun) -> Turn:
        """The turn that `run` was."""
        return cls(job, number, run.state, run.reason, run.code, run.seconds, run.metric, run.value)


@dataclass(frozen=True)
class JobState:
    """A job of a sweep, how many of its turns are `done` and `failed`, and why it gets no more, or ""."""

    name: str
    overrides: list[str] = field(default_factory=list)
    done: int = 0
    failed: int = 0
    given_up: str = ""


@dataclass(frozen=True)
class Identity:
    """What a sweep measures, with what, on what. It is resumed only if all of this is unchanged.

    `jobs` has the comparability key of each job, and `settings` its whole configuration, which also holds
    what bears on the verdict but not on the times. `code` has a digest of every file that measures.
    """

    jobs: dict[str, Facts] = field(default_factory=dict)
    settings: dict[str, Facts] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SweepState:
    """All that sweep.json holds; its fields are the file's keys. `identity` is None in files of schema 1."""

    jobs: list[JobState]
    turns: list[Turn]
    rounds: int
    repeats: int = 0
    order: Order = "fixed"
    seed: int = 0
    command: str = ""
    started_at: str = ""
    complete: bool = False
    notes: list[str] = field(default_factory=list)
    identity: Identity | None = None
    schema: int = SCHEMA


def exists(folder: Path) -> bool:
    """Whether `folder` is the folder of a sweep."""
    return (folder / FILE).exists()


def write(state: SweepState, folder: Path) -> None:
    """Write sweep.json into `folder`: whole, or not at all."""
    write_json(folder / FILE, to_json(state))


def read(folder: Path) -> SweepState:
    """The state of the sweep in `folder`; raises InputError if it cannot be read.

    Files of schema 1 are read without their identity: they can be compared, but not resumed.
    """
    path = folder / FILE
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        schema = raw["schema"]
        if schema not in (1, SCHEMA):
            raise ValueError(f"it is of schema {schema}, and this version of clipbench reads 1 and {SCHEMA}")
        if schema == 1:
            raw["identity"] = None
        return from_json(SweepState, raw)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{path} is not the state of a sweep: {why}; name another folder") from error
