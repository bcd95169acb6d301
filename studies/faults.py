"""Random faults, from a seed: each costs the analyzer that it strikes, and nothing else.

    python -m studies.faults --count 1000 --seed 1

A fault is something that an analyzer raises or returns, or an end of its process, at one of the places where
it is called. Several strike in one run, each another analyzer, beside five that are well; the runs are under
every executor that is installed, each with the kinds that it contains. Asserted is that each victim has the
status of its fault and a reason, that the others are ok and written, that result.json is valid, that the exit
code is 0, and that no process, shared memory or temporary file is left. Exit code 1: something was not so.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from clipbench.bench.errors import InputError
from clipbench.bench.runs import storage
from clipbench.executors import registry as executors
from clipbench.executors.faults import DEADLY, HUNG
from clipbench.reports import terminal
from studies.watched_runs import watched
from tests.support import wild_kinds
from tests.support.fake_plans import FOLDER
from tests.support.video_files import numbered_frames, write_clip

PLUGIN = FOLDER / "wild.py"
#: How many faults strike in one run, and the analyzers that are well in it.
IN_ONE_RUN = 12
WELL = ("wild_whole", "wild_fed", "wild_reader", "wild_deaf", "wild_sum")
#: Kind of fault → what it does, as wild.py calls it.
RAISED = wild_kinds.ERRORS
RETURNED = tuple(kind for kind in wild_kinds.VALUES if kind not in wild_kinds.RIGHT_SOMEWHERE)
ODD = wild_kinds.GOOD
ENDED = ("exit", "kill", "segfault", "abort")
#: Where an analyzer is called: while the run is planned, to load it, to work, and to clean up.
PLANNED, CLEANED = (
    ("init", "needs", "models", "random"),
    {"unload": ("unload",), "offload": ("offload", "wake")},
)
WORKED = ("analyze", "facts", "headline")
WORKED_IN_CHUNKS = ("begin", "feed", "finish", "facts", "headline")
#: Seconds that a hang waits for, and that a run may take.
TIMEOUT_S, LIMIT_S = 6, 300


@dataclass(frozen=True)
class Planted:
    """What goes wrong with one analyzer: `kind` is raised, returned, odd, ended or hung."""

    analyzer: str
    kind: str
    where: str
    what: str

    @property
    def status(self) -> str:
        """What becomes of the analyzer."""
        if self.kind in ("odd", "ended", "hung"):
            return {"odd": "ok", "ended": "crashed", "hung": "timeout"}[self.kind]
        starved = self.what == "memory" and self.where not in (*PLANNED, "unload", "offload", "wake")
        return "oom" if starved else "failed"


@dataclass(frozen=True)
class Case:
    """One run, and what is planted in it."""

    number: int
    executor: str
    cleanup: str
    faults: tuple[Planted, ...]

    @property
    def names(self) -> list[str]:
        """The analyzers that run; every second one is in the first of two groups."""
        return [fault.analyzer for fault in self.faults] + list(WELL)

    def right(self, fault: Planted) -> set[str]:
        """What may become of a victim. An end of its process comes before it cleans up, or after."""
        group = self.names.index(fault.analyzer) % 2
        ends = any(other.kind in ("ended", "hung") for other in self.faults[group::2])
        return {fault.status} | ({"ok"} if ends and fault.where in ("unload", "offload", "wake") else set())

    def command(self, clip: Path, folder: Path) -> list[str]:
        """The command of the run."""
        names = self.names
        half = ",".join(names[::2])
        groups = [f"grouping.groups.all.analyzers=[{half}]", "++grouping.groups={b:{analyzers:['*']}}"]
        planted = [
            f"models.{fault.analyzer}.{key}={value}"
            for fault in self.faults
            for key, value in (("where", fault.where), ("what", fault.what))
        ]
        return [
            sys.executable, "run.py", f"executor={self.executor}", f"executor.cleanup={self.cleanup}",
            f"executor.timeout_s={TIMEOUT_S}", f"only=[{','.join(names)}]", *groups, *planted,
            "scenario.warmup=0", "scenario.repeats=1", "scenario.wake=true", f"clip.path={clip}",
            f"hydra.run.dir={folder}",
        ]  # fmt: skip


def planted(dice: random.Random, analyzer: str, executor: str, cleanup: str) -> Planted:
    """A random fault that the executor contains."""
    chunked = int(analyzer[-2:]) % 3 == 0
    contains, work = executors.strategy(executor).contains, WORKED_IN_CHUNKS if chunked else WORKED
    kinds = ["raised"] * 5 + ["returned"] * 4 + ["odd"] + ["ended"] * 2 * (contains >= DEADLY)
    kind = dice.choice(kinds)
    last = "finish" if chunked else "analyze"
    match kind:
        case "raised":
            where = dice.choice((*PLANNED, "load", *work, *CLEANED.get(cleanup, ())))
            return Planted(analyzer, kind, where, dice.choice(RAISED))
        case "returned":
            places = ("needs", "models", "facts", "headline", last, *(["feed"] if chunked else []))
            return Planted(analyzer, kind, dice.choice(places), dice.choice(RETURNED))
        case "odd":
            return Planted(analyzer, kind, last, dice.choice(ODD))
    return Planted(analyzer, kind, dice.choice(("load", *work)), dice.choice(ENDED))


def cases(count: int, seed: int, among: Sequence[str]) -> list[Case]:
    """Runs with `count` faults in all; they depend on `seed` alone."""
    dice, made = random.Random(seed), []
    while count > 0:
        number, executor = len(made), among[len(made) % len(among)]
        cleanup = dice.choice(("unload", "offload", "exit"))
        victims = range(1, min(IN_ONE_RUN, count) + 1)
        faults = [planted(dice, f"wild_v{n:02}", executor, cleanup) for n in victims]
        if executors.strategy(executor).contains >= HUNG and dice.random() < 0.3:  # each costs seconds
            chunked = int(faults[-1].analyzer[-2:]) % 3 == 0
            where = "feed" if chunked else "analyze"
            faults[-1] = Planted(faults[-1].analyzer, "hung", where, "hang")
        made.append(Case(number, executor, cleanup, tuple(faults)))
        count -= len(faults)
    return made


def strike(case: Case, clip: Path, folder: Path) -> list[str]:
    """Run it; what was not as it should be."""
    run = watched(case.command(clip, folder), LIMIT_S, {"CLIPBENCH_PLUGINS": str(PLUGIN)})
    if run.code is None:
        return [f"it did not end within {LIMIT_S} s"]
    wrong = list(run.left)
    if run.code:
        wrong.append(f"exit code {run.code}")
    if "Traceback" in run.err:
        wrong.append(f"a traceback: {run.err.strip().splitlines()[-1]}")
    return wrong + list(judged(case, folder))


def judged(case: Case, folder: Path) -> Iterator[str]:
    """What is wrong with the result."""

    def no_number(word: str) -> None:
        raise ValueError(f"{word} is no number of JSON")

    try:
        json.loads((folder / "result.json").read_text(encoding="utf-8"), parse_constant=no_number)
        found = storage.read_result(folder).analyzers
    except (OSError, ValueError, InputError) as error:
        yield f"result.json: {error}"
        return
    for fault in case.faults:
        one, what = found[fault.analyzer], f"{fault.analyzer} ({fault.what} in {fault.where})"
        if one.status not in case.right(fault):
            yield f"{what} is {one.status} ({one.reason}), not {fault.status}"
        if one.status != "ok" and (not one.reason or "\n" in one.reason):
            yield f"{what} has no reason in one line"
    for name in WELL:
        if found[name].status != "ok":
            yield f"{name} is {found[name].status} ({found[name].reason}), and nothing was planted there"
        if not (folder / "segments" / f"{name}.json").exists():
            yield f"{name} has no segments"


def table(done: Sequence[tuple[Case, list[str]]]) -> Iterator[str]:
    """How many faults of each kind struck under each executor, and what was wrong."""
    kinds = ("raised", "returned", "odd", "ended", "hung")
    yield f"{'executor':12}{'runs':>6}{''.join(f'{kind:>10}' for kind in kinds)}{'wrong':>8}"
    for executor in dict.fromkeys(case.executor for case, _ in done):
        own = [(case, wrong) for case, wrong in done if case.executor == executor]
        struck = Counter(fault.kind for case, _ in own for fault in case.faults)
        row = "".join(f"{struck[kind]:>10}" for kind in kinds)
        yield f"{executor:12}{len(own):>6}{row}{sum(len(wrong) for _, wrong in own):>8}"
    for case, wrong in done:
        yield from (f"run {case.number}, {case.executor}: {line}" for line in wrong)


def study(count: int, seed: int, among: Sequence[str]) -> list[tuple[Case, list[str]]]:
    """Strike, and say of each run what was wrong; Ctrl-C ends it early, and what was done is kept."""
    done: list[tuple[Case, list[str]]] = []
    with (
        contextlib.suppress(KeyboardInterrupt),
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
    ):
        clip = write_clip(Path(folder) / "clip.mp4", numbered_frames(30, 64, 64))
        for case in terminal.track(cases(count, seed, among), "striking"):
            done.append((case, strike(case, clip, Path(folder) / str(case.number))))
    return done


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--executor", nargs="*", default=[n for n in executors.running() if not executors.lacking(n)]
    )
    asked = parser.parse_args()
    done = study(asked.count, asked.seed, asked.executor)
    print(*table(done), sep="\n")
    wrong = sum(len(lines) for _, lines in done)
    faults = sum(len(case.faults) for case, _ in done)
    print(f"{faults} faults in {len(done)} runs: {wrong or 'nothing'} wrong")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
