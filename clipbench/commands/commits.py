"""`clipbench-compare --commits A B`: measure two commits in turns, and compare them."""

from __future__ import annotations

import datetime
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from clipbench.bench import invocation
from clipbench.bench.comparing import comparison
from clipbench.bench.enough import ENOUGH_PAIRS
from clipbench.bench.errors import Exit, InputError, Interrupted
from clipbench.bench.locations import checkout
from clipbench.bench.runs import folders, sweep_state
from clipbench.bench.sweeping import commit_setup
from clipbench.bench.sweeping.commit_sweep import ROUNDS, WORKTREES, CommitSweep, make_sweep, resumed_words
from clipbench.bench.sweeping.folder_lock import locked
from clipbench.bench.sweeping.repository import Repository
from clipbench.commands import interrupts
from clipbench.reports import terminal
from clipbench.reports.comparison import console as comparison_console
from clipbench.reports.comparison import files
from clipbench.reports.comparison.commits import concluded
from clipbench.reports.formatting import one_line
from clipbench.reports.live.run_progress import waiting
from clipbench.reports.live.sweep_progress import sweep_progress

if TYPE_CHECKING:
    import argparse

#: Seconds after which a turn is ended as hanging, unless others are asked for.
TIMEOUT_S = 3600.0
#: Uncommitted files that a message names.
NAMED = 4


def main(asked: argparse.Namespace, given: Mapping[str, str]) -> int:
    """Do what `--commits` asks for; runs have the environment variables `given`. Returns the exit code."""
    try:
        return conduct(prepare(asked), asked, given)
    except InputError as error:
        say(str(error))
        return Exit.BAD_INPUT


def prepare(asked: argparse.Namespace) -> CommitSweep:
    """The sweep that is asked for, of which nothing is set up; raises InputError."""
    rounds = ROUNDS if asked.rounds is None else asked.rounds
    timeout_s = TIMEOUT_S if asked.timeout is None else asked.timeout
    if rounds < 1:
        raise InputError(f"--rounds={rounds} is out of range: a comparison requires 1 or more")
    if not timeout_s > 0:
        raise InputError(f"--timeout={timeout_s:g} is out of range: it must be above 0")
    where = checkout()
    if where is None or not (where / ".git").exists():
        raise InputError(
            "--commits: this clipbench is no checkout with a repository; run it in a clone of it"
        )
    repository = Repository(where)
    stamp = datetime.datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    folder = asked.output or Path("outputs", "comparisons", stamp)
    notes = refuse_dirty(repository, folder, bool(asked.allow_dirty))
    sweep = make_sweep(repository, asked.commits, asked.candidates, folder, rounds, timeout_s)
    if rounds < ENOUGH_PAIRS:
        notes.append(
            f"--rounds={rounds} shows large differences at most: others require {ENOUGH_PAIRS} or more"
        )
    sweep.notes = notes
    if asked.output is None:
        sweep.folder = Path(folders.unused(str(sweep.folder)))
    sweep.resumption = resumption(asked, sweep)
    return sweep


def refuse_dirty(repository: Repository, folder: Path, allowed: bool) -> list[str]:
    """Raise InputError if there are uncommitted changes, or give a note of them where that is `allowed`."""
    changed = repository.uncommitted(besides=folder)
    if not changed:
        return []
    more = f" and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
    listed = f"{', '.join(changed[:NAMED])}{more}"
    if allowed:
        return [f"uncommitted changes are not measured: {listed}"]
    raise InputError(
        f"--commits: uncommitted changes would not be measured ({listed}); commit them, "
        "or measure the commits without them: --allow-dirty"
    )


def resumption(asked: argparse.Namespace, sweep: CommitSweep) -> str:
    """The command that goes on with a sweep, also where a branch has moved on since."""
    words = ["--commits", *resumed_words(sweep), "--rounds", str(sweep.rounds), "--output", str(sweep.folder)]
    for name in ("metric", "timeout"):
        if (value := getattr(asked, name)) is not None:
            words += [f"--{name}", str(value)]
    words += [
        f"--{name.replace('_', '-')}" for name in ("allow_dirty", "keep", "gate") if getattr(asked, name)
    ]
    if asked.candidates:
        words += ["--", *asked.candidates]
    return f"{invocation.program('compare')} {shlex.join(words)}"


def conduct(sweep: CommitSweep, asked: argparse.Namespace, given: Mapping[str, str]) -> int:
    """Set the commits up, take the turns, and compare; returns the exit code."""
    for note in sweep.notes:
        say(note)
    interrupts.accept()
    try:
        with locked(sweep.folder / WORKTREES, "--output"):
            try:
                with locked(sweep.folder, "--output"):
                    sweep.begin()
                if sweep.left():
                    set_up(sweep, given)
                    with sweep_progress(terminal.console(stderr=True), True) as display:
                        sweep.run(display)
            finally:
                if not asked.keep:
                    remove(sweep)
                discard_unused(sweep.folder)
        return compare(sweep, asked)
    except Interrupted as stop:
        say(f"interrupted; continue with: {sweep.resumption}")
        return stop.code


def set_up(sweep: CommitSweep, given: Mapping[str, str]) -> None:
    """Give each job its program, and let each commit check the settings; raises InputError."""
    stderr = terminal.console(stderr=True)

    def tell(line: str) -> None:
        stderr.print(terminal.safe(line), highlight=False, soft_wrap=True)

    for job in sweep.jobs:
        commit, place = sweep.commits[job.name], sweep.place(job.name)
        with waiting(stderr, True, f"setting up {job.name}"):
            program = commit_setup.set_up(commit, sweep.repository, place, given, tell)
            commit_setup.check_overrides(commit, program, job.overrides, place)
        sweep.programs[job.name] = program


def remove(sweep: CommitSweep) -> None:
    """Remove the worktrees, with the environments in them."""
    places = [sweep.place(name) for name in sweep.commits]
    with waiting(terminal.console(stderr=True), True, "removing the worktrees"):
        for place in places:
            sweep.repository.remove_worktree(place)
        sweep.repository.remove_folder(places[0].parent)


def compare(sweep: CommitSweep, asked: argparse.Namespace) -> int:
    """Compare the commits, print and write the comparison, and name the logs of what failed.

    Commits may differ in what they measure (settings, models): the report begins with that.
    """
    candidates = comparison.load([sweep.folder])
    for turn, log in sweep.failed_turns():
        say(f"{turn.job} failed in round {turn.round}: {turn.reason}; what it printed is in {log}")
    if empty := [one.name for one in candidates if not one.runs]:
        say(f"there is nothing to compare: {' and '.join(empty)} left no result")
        return Exit.NOTHING_VALID
    made = concluded(comparison.compare(candidates, None, asked.metric, allow_mismatch=True))
    comparison_console.show(made, terminal.console(), files.write(made, sweep.folder))
    return made.exit_code() if asked.gate else Exit.OK


def discard_unused(folder: Path) -> None:
    """Remove the folder of a sweep that was refused before its first turn."""
    if sweep_state.exists(folder) and not sweep_state.read(folder).turns:
        (folder / sweep_state.FILE).unlink()
    folders.discard(folder)


def say(line: str) -> None:
    """Print one line on stderr."""
    print(f"clipbench: {one_line(line)}", file=sys.stderr)
