"""Signals at random moments, from a seed: a run ends soon, claims no result that is none, leaves nothing.

    python -m studies.signals --count 100 --seed 1

Runs of all twenty analyzers over the reference clip, under every executor that is installed in turns, each
ended by SIGINT, SIGTERM, SIGHUP or SIGKILL, sent to the process or to its group, at a moment between its
first import and its last write. An undisturbed run under each executor says how long that takes. Asserted is
the exit code, at most one line on standard error, a result that is whole and says that it was interrupted or
none that is claimed, and that no process, shared memory or folder is left: after a SIGKILL, once the next run
has begun. More of the command line of run.py may follow, as `-- only=[color_analysis]`. Exit code 1:
something was not so.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from clipbench.bench.errors import InputError
from clipbench.bench.runs import storage
from clipbench.executors import registry as executors
from clipbench.reports import terminal
from studies.watched_runs import leavings, marked
from tests.support.command_line import PROJECT

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
#: Seconds in which a run ends after a signal, on the busiest machine: a quiet one takes one or two.
LIMIT_S = 60
#: Seconds that an undisturbed run may take.
WHOLE_S = 900
#: Moments go a little beyond the time of an undisturbed run: no two take the same.
BEYOND = 1.05


@dataclass(frozen=True)
class Case:
    """A signal: `moment` is the part of the run that is over when it comes, from 0 to BEYOND."""

    number: int
    executor: str
    signal: signal.Signals
    to_group: bool
    moment: float


@dataclass
class Started:
    """A run that was started, the mark that all of its processes have, and its temporary files."""

    process: subprocess.Popen[str]
    mark: str
    folder: Path
    temporary: Path


def cases(count: int, seed: int, among: Sequence[str]) -> list[Case]:
    """The signals; they depend on `seed` alone."""
    dice = random.Random(seed)
    return [
        Case(n, among[n % len(among)], dice.choice(SIGNALS), dice.random() < 0.5, dice.uniform(0.0, BEYOND))
        for n in range(count)
    ]


@contextlib.contextmanager
def started(executor: str, folder: Path, chosen: Sequence[str]) -> Iterator[Started]:
    """A run that has begun to import: from there on a signal is its to handle."""
    mark = uuid.uuid4().hex
    grouping = "sequential" if executor == "sequential" else "two_core"
    once = ["scenario.warmup=0", "scenario.repeats=1", f"grouping={grouping}"]
    command = [sys.executable, "run.py", f"executor={executor}", *once, f"hydra.run.dir={folder}", *chosen]
    with tempfile.TemporaryDirectory(prefix="cb") as temporary:  # a short path: Ray has sockets in it
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**os.environ, "CLIPBENCH_MARK": mark, "TMPDIR": temporary},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            while process.poll() is None and not handles_signals(process.pid):
                time.sleep(0.002)
            yield Started(process, mark, folder, Path(temporary))
        finally:
            for one in marked(mark):
                one.kill()
            process.kill()
            process.communicate()


def handles_signals(pid: int) -> bool:
    """Whether a process has a handler of its own for SIGTERM, by /proc/PID/status (proc(5))."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def seconds_of_a_run(executor: str, chosen: Sequence[str]) -> float:
    """How long an undisturbed run takes, from its first import to its end."""
    with tempfile.TemporaryDirectory() as folder, started(executor, Path(folder, "run"), chosen) as run:
        began = time.monotonic()
        _, err = run.process.communicate(timeout=WHOLE_S)
        if run.process.returncode:
            raise SystemExit(f"an undisturbed run ended with {run.process.returncode}: {err[-500:]}")
        return time.monotonic() - began


def strike(case: Case, whole_s: float, folder: Path, chosen: Sequence[str]) -> tuple[str, list[str]]:
    """Send the signal; what became of the run, and what was not as it should be."""
    with started(case.executor, folder, chosen) as run:
        time.sleep(case.moment * whole_s)
        over = run.process.poll() is not None
        if not over:
            (os.killpg if case.to_group else os.kill)(run.process.pid, case.signal)
        began = time.monotonic()
        try:
            out, err = run.process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            return "", [f"it did not end within {LIMIT_S} s"]
        took_s = time.monotonic() - began
        became, wrong = judged(case, run, out, err, over)
        if case.signal == signal.SIGKILL and not over:
            next_start(folder, chosen)
        wrong += leavings(run.mark, run.process.pid, run.temporary)
        wrong += [f"half a file left: {path.name}" for path in folder.glob(".*.partial")]
        wrong += [f"folder left: {path}" for path in Path("/tmp").glob(f"clipbench-{run.process.pid}-*")]
    return f"{became}, {took_s:.1f} s later", wrong


def next_start(folder: Path, chosen: Sequence[str]) -> None:
    """Begin another run, which is refused once it has looked around: its clip is not there."""
    words = [sys.executable, "run.py", *chosen, "clip.path=not-there.mp4", f"hydra.run.dir={folder}"]
    subprocess.run(words, cwd=PROJECT, capture_output=True, timeout=LIMIT_S)


def judged(case: Case, run: Started, out: str, err: str, over: bool) -> tuple[str, list[str]]:
    """What became of a run, and what is wrong with its exit code, what it said, and its result."""
    code, wrong, path = run.process.returncode, [], run.folder / "result.json"
    result = None
    if path.exists():
        try:
            result = storage.read_result(path)
        except InputError as error:
            wrong.append(f"a result that is none: {error}")
    if case.signal == signal.SIGKILL and code == -signal.SIGKILL:
        return "killed", wrong
    if code == 0:  # it came when all was over but the writing
        became = "whole"
        if result is None or result.run.interrupted:
            wrong.append("exit code 0, and no whole result")
    elif code == 128 + case.signal and not over:
        became = "interrupted" if result else "nothing measured"
        if result and not result.run.interrupted:
            wrong.append("the result does not say that it was interrupted")
        if result is None and str(path) in out:
            wrong.append("a result is claimed, and there is none")
    else:
        became = "odd"
        wrong.append(f"exit code {code}")
    # Another run on this machine may have been killed: what it left is told. A slow run says how far it is.
    usual = "clipbench: removed what", "pass "
    lines = [line for line in err.strip().splitlines() if not line.startswith(usual)]
    if len(lines) > 1 or "Traceback" in err or any(not line.startswith("clipbench: ") for line in lines):
        wrong.append(f"it said: {err.strip()[-300:]}")
    return became, wrong


def study(
    count: int, seed: int, among: Sequence[str], chosen: Sequence[str]
) -> list[tuple[Case, str, list[str]]]:
    """Send the signals; what became of each run, and what was wrong. Ctrl-C ends it early."""
    done: list[tuple[Case, str, list[str]]] = []
    needed = terminal.track(list(among)[:count], "undisturbed runs")
    whole_s = {executor: seconds_of_a_run(executor, chosen) for executor in needed}
    with (
        contextlib.suppress(KeyboardInterrupt),
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
    ):
        for case in terminal.track(cases(count, seed, among), "signals"):
            place = Path(folder, str(case.number))
            done.append((case, *strike(case, whole_s[case.executor], place, chosen)))
    return done


def table(done: Sequence[tuple[Case, str, list[str]]]) -> Iterator[str]:
    """How many runs each signal has ended and how; and each run with which something was wrong."""
    ways = ("nothing measured", "interrupted", "whole", "killed", "odd")
    yield f"{'signal':10}{''.join(f'{way:>18}' for way in ways)}{'wrong':>8}"
    for number in SIGNALS:
        own = [(became.partition(",")[0], wrong) for case, became, wrong in done if case.signal == number]
        ended = Counter(became for became, _ in own)
        row = "".join(f"{ended[way]:>18}" for way in ways)
        yield f"{number.name:10}{row}{sum(bool(wrong) for _, wrong in own):>8}"
    for case, became, wrong in done:
        to = "the group" if case.to_group else "the process"
        for line in wrong:
            at = f"{case.executor}, {case.signal.name} to {to} at {case.moment:.2f}"
            yield f"{case.number}: {at}: {became}: {line}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    installed = [name for name in executors.running() if not executors.lacking(name)]
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--executor", nargs="*", default=installed, help="only these")
    parser.add_argument("overrides", nargs="*", help="more of the command line of run.py")
    asked = parser.parse_args()
    done = study(asked.count, asked.seed, asked.executor, asked.overrides)
    print(*table(done), sep="\n")
    wrong = sum(bool(lines) for _, _, lines in done)
    print(f"{len(done)} signals: {wrong or 'nothing'} wrong")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
