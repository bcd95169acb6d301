"""A sweep: jobs that take turns (A B C A B C …), and its state on disk, from which it can be gone on with."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import fcntl
import hashlib
import json
import random
import shlex
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from clipbench import plugins
from clipbench.bench.comparing.comparability import same
from clipbench.bench.errors import InputError
from clipbench.bench.locations import PACKAGE
from clipbench.bench.probes import environment
from clipbench.bench.runs import storage
from clipbench.bench.runs.child_run import Turn, literal, take

SCHEMA = 1

#: As often as this, in a row and for the same reason, a job may fail before it is given up.
STRIKES = 2

#: Differences that a refusal names before it says how many more there are.
NAMED = 6

#: A turn only measures: whether targets are met is a question to all turns of a job.
ONLY_MEASURE = ("progress=false", "gate.mode=report", "gate.require=[]")

#: What of the environment must be as it was for a sweep to be gone on with.
MACHINE = ("machine", "cpu", "cores_allowed", "memory_gb", "gpus", "python", "packages")


@dataclass(frozen=True)
class Job:
    """One configuration of a sweep. `overrides` are for the command line, `config` is what they come to."""

    name: str
    overrides: tuple[str, ...]
    config: dict[str, Any]


class Watcher(Protocol):
    """Told how far a sweep is, for a live display."""

    def began(self, number: int, of: int, job: str, round_: int, left_s: float | None) -> None: ...

    def ended(self, turn: Turn) -> None: ...

    def gave_up(self, job: str, reason: str) -> None: ...


@dataclass
class Sweep:
    """`rounds` turns for each job, which share its `repeats`; `order` fixed, or shuffled anew each round.

    `turns` has the finished ones, also those of an earlier start of the same sweep.
    """

    folder: Path
    jobs: list[Job]
    rounds: int
    repeats: int
    order: Literal["fixed", "shuffled"]
    seed: int
    timeout_s: float
    identity: dict[str, Any]
    command: list[str]
    progress: bool = True
    notes: list[str] = field(default_factory=list)
    turns: dict[tuple[str, int], Turn] = field(default_factory=dict)
    started_at: str = ""  # of the first start, in ISO 8601

    def schedule(self) -> Iterator[tuple[int, Job]]:
        """The turns in their order: every round has one of each job."""
        dice = random.Random(self.seed)
        for number in range(1, self.rounds + 1):
            jobs = list(self.jobs)
            if self.order == "shuffled":
                dice.shuffle(jobs)
            for job in jobs:
                yield number, job

    def run(self, watcher: Watcher) -> None:
        """Take the turns that are not yet taken, and write the state down after each.

        Raises InputError where another process is at this sweep, where its folder cannot be written to, and
        before a turn that would run other code than those before.
        """
        with locked(self.folder):
            self.resume()
            self.save()
            for at, (number, job) in enumerate(self.schedule(), start=1):
                if (job.name, number) in self.turns or self.given_up(job.name):
                    continue
                if changed := listed(differences(self.identity["code"], code(), "code")):
                    raise InputError(
                        f"the code has changed since this sweep began; {changed}. Put it back, and go on"
                        f" with: {self.resumption()}"
                    )
                watcher.began(at, len(self.jobs) * self.rounds, job.name, number, self.left_s())
                folder = self.folder / job.name / str(number)
                turn = take(job.name, number, self.arguments(job, number, folder), folder, self.timeout_s)
                self.turns[job.name, number] = turn
                self.save()
                watcher.ended(turn)
                if reason := self.given_up(job.name):
                    watcher.gave_up(job.name, reason)

    def arguments(self, job: Job, number: int, folder: Path) -> list[str]:
        """What `run.py` is called with for this turn: the job, and its share of the repeats."""
        share, rest = divmod(self.repeats, self.rounds)
        repeats = f"repeats={share + (number <= rest)}"  # above scenario.repeats, in a configuration file too
        return [*job.overrides, repeats, *ONLY_MEASURE, f"hydra.run.dir={literal(folder)}"]

    def resumption(self) -> str:
        """The command that goes on with this sweep."""
        where = "hydra.sweep.dir="
        words = [word for word in self.command if not word.startswith(where)]
        return shlex.join([*words, f"{where}{literal(self.folder)}"])

    def of(self, job: str) -> list[Turn]:
        """The finished turns of a job, by round."""
        return sorted((t for t in self.turns.values() if t.job == job), key=lambda t: t.round)

    def given_up(self, job: str) -> str:
        """Why a job gets no more turns, or ''."""
        last = self.of(job)[-STRIKES:]
        alike = {(t.code, t.reason) for t in last}
        if len(last) == STRIKES and len(alike) == 1 and last[-1].state == "failed":
            return f"it failed {STRIKES} times in a row: {last[-1].reason}"
        return ""

    def left_s(self) -> float | None:
        """About how long the remaining turns take, from how long each job's turns took before."""
        usual = {
            j.name: statistics.median(t.seconds for t in self.of(j.name))
            for j in self.jobs
            if self.of(j.name)
        }
        if not usual:
            return None
        mean = statistics.mean(usual.values())
        return sum(
            (self.rounds - len(self.of(j.name))) * usual.get(j.name, mean)
            for j in self.jobs
            if not self.given_up(j.name)
        )

    def save(self) -> None:
        """Write sweep.json: there whole, or as it was before."""
        state = {
            "schema": SCHEMA,
            "command": shlex.join(self.command),
            "started_at": self.started_at,
            "complete": all(self.given_up(j.name) or len(self.of(j.name)) == self.rounds for j in self.jobs),
            "rounds": self.rounds,
            "repeats": self.repeats,
            "order": self.order,
            "seed": self.seed,
            "notes": self.notes,
            "jobs": [
                {
                    "name": job.name,
                    "overrides": list(job.overrides),
                    "done": sum(t.state == "done" for t in self.of(job.name)),
                    "failed": sum(t.state == "failed" for t in self.of(job.name)),
                    "given_up": self.given_up(job.name),
                }
                for job in self.jobs
            ],
            "turns": [dataclasses.asdict(turn) for turn in self.turns.values()],
            "identity": self.identity,
        }
        storage.write_json(self.folder / "sweep.json", state)

    def resume(self) -> None:
        """Take over the turns that this sweep has finished before, where its folder has any.

        Raises InputError where the folder holds another sweep, or something else.
        """
        path = self.folder / "sweep.json"
        if not path.exists():
            if any(not p.name.startswith(".") for p in self.folder.iterdir()):
                raise InputError(
                    f"hydra.sweep.dir: {self.folder} is not empty and holds no sweep; name another folder"
                )
            self.started_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            return
        before = read(path)
        mine = {"rounds": self.rounds, "repeats": self.repeats, "order": self.order, "seed": self.seed}
        if changed := listed(
            differences({k: before[k] for k in mine} | before["identity"], mine | self.identity)
        ):
            raise InputError(
                f"hydra.sweep.dir: {self.folder} holds another sweep; {changed}. Start anew in another folder"
            )
        self.started_at = before["started_at"]
        for raw in before["turns"]:
            turn = Turn(**raw)
            if (self.folder / turn.job / str(turn.round)).is_dir():  # who deletes a turn wants it again
                self.turns[turn.job, turn.round] = turn


def read(path: Path) -> dict[str, Any]:
    """The state in a sweep.json; raises InputError where it is none."""
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no state of a sweep: {error}") from error
    if not isinstance(state, dict) or state.get("schema") != SCHEMA:
        raise InputError(f"{path} is not of schema {SCHEMA}, which this version of clipbench goes on with")
    return state


def identify(jobs: list[Job], clips: set[Path]) -> dict[str, Any]:
    """What a sweep measures, with what, on what: a sweep is gone on with only where all of it is the same."""
    from clipbench.bench.clips.clip_info import sha256

    here = environment.describe()
    return {
        "jobs": {job.name: job.config for job in jobs},
        "clips": {str(clip): sha256(clip) for clip in sorted(clips)},
        "code": code(),
        "machine": {key: here[key] for key in MACHINE},
    }


def code() -> dict[str, str]:
    """The beginning of the SHA-256 of every file of code that measures; git is not asked."""
    project = PACKAGE
    folders = [project / room for room in ("commands", "bench", "executors", "analyzers")]
    files = [*(path for folder in folders for path in sorted(folder.rglob("*.py"))), *plugins.files()]
    return {
        str(path.relative_to(project) if path.is_relative_to(project) else path): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()[:12]
        for path in files
    }


def differences(before: Any, after: Any, key: str = "") -> Iterator[str]:
    """What is different between two nested dictionaries, as 'key: before → after'."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *(name for name in after if name not in before)]:
            inner = f"{key}.{name}" if key else str(name)
            yield from differences(before.get(name), after.get(name), inner)
    elif before != after and not (key == "machine.memory_gb" and same("memory, GB", before, after)):
        yield f"{key}: {short(before)} → {short(after)}"


def listed(changes: Iterable[str]) -> str:
    """The first of some differences, and how many more there are; '' for none."""
    found = list(changes)
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return f"different are {'; '.join(found[:NAMED])}{more}" if found else ""


def short(value: Any) -> str:
    """A value as a few characters."""
    text = "none" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}…"


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process; raises InputError where another has it, or it cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise InputError(
            f"hydra.sweep.dir: {folder} cannot be written to ({error.strerror}); name another folder"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"hydra.sweep.dir: another process is at the sweep in {folder}") from None
        yield
