"""Two commits in turns: a sweep whose jobs are commits, under one configuration."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clipbench.bench import invocation
from clipbench.bench.errors import InputError
from clipbench.bench.invocation import literal
from clipbench.bench.planning.file_arguments import FILE_KEYS
from clipbench.bench.probes import environment
from clipbench.bench.runs.child_run import Program
from clipbench.bench.runs.facts import Facts, machine_facts, software_facts
from clipbench.bench.runs.sweep_state import Turn
from clipbench.bench.sweeping.commit_setup import Commit, differing
from clipbench.bench.sweeping.repository import Repository
from clipbench.bench.sweeping.sweep import Job, Sweep

#: Rounds unless others are asked for: docs/statistics.md says what nine find, and how often they are wrong.
ROUNDS = 9
#: The folder of the worktrees, in that of the comparison. Hidden, since a sweep's folder holds nothing else.
WORKTREES = ".worktrees"
#: Digits of a hash that a name has.
DIGITS = 9
#: Settings with which a run is something else than a measurement, or that the comparison sets itself.
TAKEN = {"plan", "profile", "calibrate", "baseline", "resume", "hydra.run.dir", "hydra.sweep.dir"}
#: The settings that say how many passes a turn has.
REPEATS = ("repeats", "scenario.repeats")


@dataclass
class CommitSweep(Sweep):
    """`rounds` turns of each commit. `programs` and `places`, by job, are there once they are set up."""

    repository: Repository = field(kw_only=True)
    commits: dict[str, Commit] = field(default_factory=dict)
    programs: dict[str, Program] = field(default_factory=dict)

    def place(self, job: str) -> Path:
        """The worktree of a job. The paths are of one length: it moves times (docs/statistics.md)."""
        return self.folder / WORKTREES / str(list(self.commits).index(job) + 1)

    def program_of(self, job: Job) -> Program | None:
        """The `clipbench` of the job's commit."""
        return self.programs[job.name]

    def refuse_changed_code(self) -> None:
        """Raise InputError if something was changed in a worktree."""
        for name, commit in self.commits.items():
            if not self.repository.holds(commit.sha, self.place(name)):
                changed = f"{self.place(name)} is no longer {name} as it was checked out"
                raise InputError(f"{changed}; continue with: {self.resumption}")

    def given_up(self, job: str) -> str:
        """Why a job gets no more turns: it fails, or the other one does, and there is nothing to compare."""
        own = super().given_up(job)
        others = {name: super(CommitSweep, self).given_up(name) for name in self.commits if name != job}
        failed = [name for name, why in others.items() if why]
        return own or (f"there is nothing to compare it with, {failed[0]} gets none either" if failed else "")

    def begin(self) -> None:
        """Take over the turns of an earlier start, or write down that this one begins."""
        self.resume()
        self.save()

    def failed_turns(self) -> list[tuple[Turn, Path]]:
        """The turns that failed, and the file with what each printed."""
        failed = [turn for turn in self.turns.values() if turn.state == "failed"]
        return [(turn, self.folder / turn.job / str(turn.round) / "log.txt") for turn in failed]


def make_sweep(
    repository: Repository,
    words: Sequence[str],
    overrides: Sequence[str],
    folder: Path,
    rounds: int,
    timeout_s: float,
) -> CommitSweep:
    """The sweep of the commits that `words` mean, each COMMIT or NAME=COMMIT, under these overrides.

    Raises InputError for what is no commit of clipbench, and for overrides that a comparison cannot use.
    """
    commits = named_commits(repository, words)
    passes, kept = passes_of(overrides)
    here = environment.describe()
    jobs = [
        Job(
            commit.name,
            tuple(kept),
            key=key_of(commit, kept, machine_facts(here) | software_facts(here)),
            settings={"overrides": list(overrides)},
        )
        for commit in commits
    ]
    return CommitSweep(
        folder=folder.resolve(),
        jobs=jobs,
        rounds=rounds,
        repeats=rounds * passes,
        order="alternating",
        seed=0,
        timeout_s=timeout_s,
        code={commit.name: commit.sha for commit in commits},
        command=invocation.command_line(),
        resumption="",
        folder_setting="--output",
        timeout_setting="--timeout",
        repository=repository,
        commits={commit.name: commit for commit in commits},
    )


def named_commits(repository: Repository, words: Sequence[str]) -> list[Commit]:
    """The commits, with names of their own that a folder can have."""
    found: list[Commit] = []
    for word in words:
        name, revision = split(word)
        sha = repository.resolve(revision)
        plain = re.sub(r"[^A-Za-z0-9_.+^~-]+", "_", name).strip(".") or "commit"
        title = sha[:DIGITS] if sha.startswith(plain) else f"{plain}@{sha[:DIGITS]}"
        if title in {each.name for each in found}:
            title += "-2"
        try:
            found.append(Commit(title, sha, differing(repository, sha)))
        except InputError as error:
            raise InputError(f"--commits: {title} cannot be run: {error}") from error
    return found


def split(word: str) -> tuple[str, str]:
    """The name and the commit in NAME=COMMIT; what has no name is called as it is given."""
    name, equals, revision = word.partition("=")
    return (name, revision) if equals and name and revision else (word, word)


def resumed_words(sweep: CommitSweep) -> list[str]:
    """The commits as NAME=COMMIT, with which a sweep goes on also where a branch has moved on."""
    return [f"{name.partition('@')[0]}={commit.sha}" for name, commit in sweep.commits.items()]


def passes_of(overrides: Sequence[str]) -> tuple[int, list[str]]:
    """The measured passes of each turn, and the other overrides; raises InputError for what is not usable."""
    passes, kept = 1, []
    for word in overrides:
        key, equals, value = word.lstrip("+~").partition("=")
        if word.startswith("-") or not equals:
            raise InputError(f"--commits: {word} is no setting; after --, write KEY=VALUE, as for run.py")
        if key in TAKEN:
            raise InputError(f"--commits: {key} is not for a comparison of commits; leave it out")
        if key in FILE_KEYS and Path(value).is_file():
            kept.append(f"{key}={literal(Path(value).resolve())}")  # the same file for both, wherever it is
        elif key not in REPEATS:
            kept.append(word)
        elif not value.isdecimal() or int(value) < 1:
            raise InputError(f"--commits: {word} is out of range: a turn has 1 measured pass or more")
        else:
            passes = int(value)
    return passes, kept


def key_of(commit: Commit, overrides: Sequence[str], here: Facts) -> Facts:
    """What must be the same when a sweep goes on; where a commit has an environment of its own, also that."""
    return {
        **here,
        "overrides": list(overrides),
        "commit": commit.sha,
        "installed with": list(commit.differing),
    }
