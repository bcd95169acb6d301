"""A sweep: jobs that take turns (A B C A B C …), one process a turn, resumed where it was interrupted."""

from __future__ import annotations

import datetime
import random
import shlex
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from clipbench.bench.errors import InputError
from clipbench.bench.invocation import literal
from clipbench.bench.measuring import metrics
from clipbench.bench.planning.config import GateConfig, MinimumConfig
from clipbench.bench.runs import sweep_state
from clipbench.bench.runs.child_run import Program, run_child
from clipbench.bench.runs.facts import Facts, differences
from clipbench.bench.runs.sweep_state import Identity, JobState, Order, SweepState, Turn
from clipbench.bench.sweeping import identity
from clipbench.bench.sweeping.folder_lock import locked
from clipbench.bench.sweeping.identity import first_few

#: A job that fails this often in a row, for the same reason, gets no more turns.
STRIKES = 2

#: A turn only measures: whether targets are met is a question to all turns of a job.
ONLY_MEASURE = ("progress=false", "gate.mode=report", "gate.require=[]")


@dataclass(frozen=True)
class Job:
    """One configuration of a sweep.

    `overrides` are for the command line of its turns. `key` is its comparability key, and `settings` its
    whole configuration, as JSON. `gate` and `minimum` are what its results are held to. `repeats` are its
    own, if they are not those of the sweep.
    """

    name: str
    overrides: tuple[str, ...]
    key: Facts
    settings: dict[str, Any]
    gate: GateConfig = field(default_factory=lambda: GateConfig("report"))
    minimum: MinimumConfig = field(default_factory=MinimumConfig)
    repeats: int | None = None

    @property
    def predicted(self) -> bool:
        """Whether it is simulated, so that nothing of it is measured."""
        return bool(self.key.get("simulated"))


class Watcher(Protocol):
    """Told about the progress of a sweep, for a live display."""

    def began(self, number: int, of: int, job: str, round_: int, left_s: float | None) -> None: ...

    def ended(self, turn: Turn) -> None: ...

    def gave_up(self, job: str, reason: str) -> None: ...

    def budget_over(self, left: Sequence[tuple[int, Job]], interrupted: bool, command: str) -> None:
        """The budget is over with these turns `left`, the first of them if `interrupted` under way; `command`
        takes them."""


@dataclass
class Sweep:
    """`rounds` turns for each job, which share its `repeats`.

    In `order` fixed, a round has the jobs as they are listed, so the most important go first; alternating,
    every second round has them the other way round, so that a drift falls on all alike; shuffled, they are
    shuffled anew in each round. After `budget_s` seconds no turn begins, and one that is under way is
    ended, to be taken again when the sweep is resumed. A turn that takes longer than `timeout_s` has failed.

    `turns` has the finished ones, also those of an earlier start of the same sweep. `own_folder` means that
    `folder` may hold nothing else. `command` began the sweep, and `resumption` resumes it; errors name the
    folder and the time limit by `folder_setting` and `timeout_setting`.
    """

    folder: Path
    jobs: list[Job]
    rounds: int
    repeats: int
    order: Order
    seed: int
    timeout_s: float
    code: dict[str, str]
    command: list[str]
    resumption: str
    budget_s: float | None = None
    folder_setting: str = "hydra.sweep.dir"
    timeout_setting: str = "hydra.sweeper.timeout_s"
    progress: bool = True
    own_folder: bool = True
    notes: list[str] = field(default_factory=list)
    turns: dict[tuple[str, int], Turn] = field(default_factory=dict)
    started_at: str = ""  # of the first start, in ISO 8601

    def schedule(self) -> Iterator[tuple[int, Job]]:
        """The turns in their order, with the number of their round: every round has one of each job."""
        dice = random.Random(self.seed)
        for number in range(1, self.rounds + 1):
            jobs = list(self.jobs)
            if self.order == "shuffled":
                dice.shuffle(jobs)
            elif self.order == "alternating" and number % 2 == 0:
                jobs.reverse()
            for job in jobs:
                yield number, job

    def left(self) -> list[tuple[int, Job]]:
        """The turns that are still to be taken."""
        return [
            (number, job)
            for number, job in self.schedule()
            if (job.name, number) not in self.turns and not self.given_up(job.name)
        ]

    def run(self, watcher: Watcher) -> None:
        """Take the turns that are not yet taken, and write the state down after each.

        Raises InputError if another process is at this sweep, if its folder cannot be written to, and before
        a turn that would run other code than those before.
        """
        began = time.monotonic()
        with locked(self.folder, self.folder_setting):
            self.resume()
            self.save()
            for at, (number, job) in enumerate(self.schedule(), start=1):
                if (job.name, number) in self.turns or self.given_up(job.name):
                    continue
                self.refuse_changed_code()
                left_s = None if self.budget_s is None else self.budget_s - (time.monotonic() - began)
                if not self.fits(job, left_s):
                    continue
                watcher.began(at, len(self.jobs) * self.rounds, job.name, number, self.left_s())
                turn = self.take(job, number, left_s)
                if turn is None:
                    watcher.budget_over(self.left(), True, self.resumption)
                    return
                self.turns[job.name, number] = turn
                self.save()
                watcher.ended(turn)
                if reason := self.given_up(job.name):
                    watcher.gave_up(job.name, reason)
            if left := self.left():
                watcher.budget_over(left, False, self.resumption)

    def take(self, job: Job, number: int, left_s: float | None) -> Turn | None:
        """Take a turn; None if it was ended because the budget was over before its time."""
        folder = self.folder / job.name / str(number)
        limit_s = self.limit_s(left_s)
        over_first = left_s is not None and left_s < limit_s
        timeout_s = left_s if left_s is not None and over_first else limit_s
        arguments = self.arguments(job, number, folder, left_s)
        said, program = self.limit_said(limit_s), self.program_of(job)
        child = run_child(arguments, folder, timeout_s, metrics.main_metrics(), said, program)
        return None if child.code is None and over_first else Turn.of(job.name, number, child)

    def program_of(self, job: Job) -> Program | None:
        """The `clipbench` that takes the turns of a job, if it is another one than that of this process."""
        return None

    def fits(self, job: Job, left_s: float | None) -> bool:
        """Whether a turn of a job may begin, with so many seconds left of the budget; None: there is none."""
        return left_s is None or left_s > 0

    def limit_s(self, left_s: float | None) -> float:
        """The seconds that a turn may take, with so many left of the budget."""
        return self.timeout_s

    def limit_said(self, limit_s: float) -> str:
        """That limit, in messages."""
        return f"{self.timeout_setting}={limit_s:g}"

    def repeats_of(self, job: Job, number: int, left_s: float | None) -> int:
        """The share of a job's repeats that its turn in this round has."""
        share, rest = divmod(self.repeats if job.repeats is None else job.repeats, self.rounds)
        return share + (number <= rest)

    def arguments(self, job: Job, number: int, folder: Path, left_s: float | None = None) -> list[str]:
        """The arguments of `run.py` for this turn: the job, and its share of the repeats."""
        # Above scenario.repeats, which a configuration file may have.
        repeats = f"repeats={self.repeats_of(job, number, left_s)}"
        return [*job.overrides, repeats, *ONLY_MEASURE, f"hydra.run.dir={literal(folder.resolve())}"]

    def turns_of(self, job: str) -> list[Turn]:
        """The finished turns of a job, by round."""
        return sorted((t for t in self.turns.values() if t.job == job), key=lambda t: t.round)

    def given_up(self, job: str) -> str:
        """Why a job gets no more turns, or ''."""
        last = self.turns_of(job)[-STRIKES:]
        alike = {(t.code, t.reason) for t in last}
        if len(last) == STRIKES and len(alike) == 1 and last[-1].state == "failed":
            return f"it failed {STRIKES} times in a row: {last[-1].reason}"
        return ""

    def left_s(self) -> float | None:
        """About how many seconds the remaining turns take, judging by the turns that each job has taken."""
        usual = {
            j.name: statistics.median(t.seconds for t in self.turns_of(j.name))
            for j in self.jobs
            if self.turns_of(j.name)
        }
        if not usual:
            return None
        mean = statistics.mean(usual.values())
        return sum(usual.get(job.name, mean) for _, job in self.left())

    @property
    def identity(self) -> Identity:
        """What must be unchanged for this sweep to be resumed."""
        return Identity(
            jobs={job.name: job.key for job in self.jobs},
            settings={job.name: job.settings for job in self.jobs},
            code=self.code,
        )

    def state(self) -> SweepState:
        """The state as sweep.json has it."""
        return SweepState(
            jobs=[self.job_state(job) for job in self.jobs],
            turns=list(self.turns.values()),
            rounds=self.rounds,
            repeats=self.repeats,
            order=self.order,
            seed=self.seed,
            command=shlex.join(self.command),
            started_at=self.started_at,
            complete=not self.left(),
            notes=self.notes,
            identity=self.identity,
        )

    def job_state(self, job: Job) -> JobState:
        """The state of a job, with its number of turns by outcome."""
        outcomes = [turn.state for turn in self.turns_of(job.name)]
        done, failed = outcomes.count("done"), outcomes.count("failed")
        return JobState(job.name, list(job.overrides), done, failed, self.given_up(job.name))

    def save(self) -> None:
        """Write sweep.json: whole, or as it was before."""
        sweep_state.write(self.state(), self.folder)

    def changes(self, before: SweepState) -> list[str]:
        """What is different from the sweep that `before` is the state of."""
        now = self.state()
        if before.identity is None:
            return ["it was started by an earlier version of clipbench, which recorded less of it"]
        names = ("rounds", "repeats", "order", "seed")
        settings = differences(
            {name: getattr(before, name) for name in names}, {name: getattr(now, name) for name in names}
        )
        return settings + identity.changes(before.identity, self.identity)

    def resume(self) -> None:
        """Take over the finished turns of this sweep, if its folder has any.

        Raises InputError if the folder holds another sweep, or something else.
        """
        if not sweep_state.exists(self.folder):
            if self.own_folder and any(not p.name.startswith(".") for p in self.folder.iterdir()):
                raise InputError(
                    f"{self.folder_setting}: {self.folder} is not empty and holds no sweep; name another one"
                )
            self.started_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            return
        before = sweep_state.read(self.folder)
        if changed := self.changes(before):
            raise InputError(
                f"{self.folder_setting}: {self.folder} holds another sweep; different are "
                f"{first_few(changed)}. Start anew in another folder"
            )
        self.started_at = before.started_at
        for turn in before.turns:
            if (
                self.folder / turn.job / str(turn.round)
            ).is_dir():  # to repeat a turn, people delete its folder
                self.turns[turn.job, turn.round] = turn

    def refuse_changed_code(self) -> None:
        """Raise InputError if the next turn would run other code than those before."""
        if changed := identity.code_changes(self.code, identity.code()):
            raise InputError(
                f"the code has changed since this sweep began; different are {first_few(changed)}. Put it "
                f"back, and continue with: {self.resumption}"
            )
