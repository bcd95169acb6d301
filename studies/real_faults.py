"""python -m studies.real_faults: every fault under every executor that contains it, over the real analyzers.

Each is a run of its own, from the prompt, of one pass over the reference clip: ten seconds and more. The
table says what became of it; a line ends with what was wrong. tests/e2e/test_real_faults.py does a few.
"""

from __future__ import annotations

import argparse
import itertools
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from clipbench.bench.errors import Exit
from clipbench.bench.quality import metric_names
from clipbench.bench.runs import storage
from clipbench.bench.runs.results import Result
from clipbench.executors import registry as executors
from studies.watched_runs import watched

#: Kind → the status it gives, and words of the reason. A process that is gone tells by which signal or code.
EXPECTED = {
    "raise": ("failed", "RuntimeError: planted fault"),
    "no_load": ("failed", "cannot be loaded: RuntimeError: planted fault"),
    "oom": ("oom", "MemoryError: planted fault"),
    "hang": ("timeout", "took longer than"),
    "segfault": ("crashed", "SIGSEGV"),
    "sigkill": ("crashed", "SIGKILL"),
    "exit": ("crashed", "code 7"),
    "no_start": ("ok", ""),  # the next worker does the work
}
#: Kinds that are planted into what others read; the others, into what nobody but the last one reads.
READ_BY_OTHERS = {"raise": "object_detection", "segfault": "text_overlay"}
#: Seconds: above what any analyzer takes on a busy machine, since each hang waits for as long.
TIMEOUT_S = 60
LIMIT_S = 400


@dataclass(frozen=True)
class Case:
    """One fault under one executor. With the gate `require`, what is lost must not be missing."""

    executor: str
    kind: str
    gate: str = "enforce"

    @property
    def struck(self) -> str:
        """The analyzer that the fault is planted into."""
        return READ_BY_OTHERS.get(self.kind, "color_analysis")

    @property
    def gates(self) -> list[str]:
        """The gate, as arguments."""
        if self.gate != "require":
            return [f"gate={self.gate}", "gate.allow_unmeasured=['*']"]
        figure = next(name for name in metric_names() if name.startswith(f"quality.{self.struck}."))
        return ["gate=enforce", f"gate.require=[{figure}]", "gate.allow_unmeasured=['*']"]

    def command(self, folder: Path) -> list[str]:
        """One pass, judged by what does not depend on how busy the machine is."""
        grouping = "sequential" if self.executor == "sequential" else "two_core"
        return [
            sys.executable, "run.py", f"executor={self.executor}", f"grouping={grouping}",
            f"faults={self.kind}", f"faults.analyzer={self.struck}", *self.gates,
            "scenario.warmup=0", "scenario.repeats=1", f"executor.timeout_s={TIMEOUT_S}",
            "executor.cleanup=offload",  # so that no model is loaded only to see how long it takes
            "targets.minimum.repeats=1", "targets.minimum.seconds=0", "targets.limits.rtf_warm=null",
            f"hydra.run.dir={folder}",
        ]  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What became of a run: its exit code, its verdict, the struck analyzer's outcome, and what was wrong."""

    code: int
    seconds: float
    verdict: str = ""
    status: str = ""
    reason: str = ""
    ok: int = 0
    wrong: tuple[str, ...] = ()


def cases() -> list[Case]:
    """Every executor with every kind of fault that it contains, under the three gates in turn."""
    installed = [name for name in executors.running() if not executors.lacking(name)]
    pairs = [(name, kind) for name in installed for kind in sorted(executors.strategy(name).contains)]
    gates = itertools.cycle(("report", "enforce", "require"))
    return [Case(*pair, gate) for pair, gate in zip(pairs, gates, strict=False)]


def strike(case: Case, folder: Path) -> Told:
    """Run it, and look at what it says and at what it leaves."""
    run = watched(case.command(folder), LIMIT_S)
    if run.code is None:
        return Told(-signal.SIGKILL, LIMIT_S, wrong=("it did not end",))
    if not (folder / "result.json").exists():
        last = (run.err.strip().splitlines() or ["no result"])[-1]
        return Told(run.code, run.seconds, wrong=(last, *run.left))
    return judged(case, storage.read_result(folder), run.code, run.seconds, run.left)


def judged(case: Case, result: Result, code: int, seconds: float, left: list[str]) -> Told:
    """What the result says, against what it must say."""
    status, words = EXPECTED[case.kind]
    words = "" if case.executor == "ray" and status == "crashed" else words  # Ray does not say of what
    row, wrong = result.analyzers[case.struck], list(left)
    lost = {name for name, a in result.analyzers.items() if a.status != "ok"}
    missed = [t.metric for t in result.targets if t.status == "fail"]
    own = [t for t in result.targets if t.metric.startswith(f"quality.{case.struck}.")]
    if row.status != status or words not in row.reason or (status != "ok" and not row.reason):
        wrong.append(f"{case.struck} is {row.status} ({row.reason}), not {status}")
    if len(result.analyzers) != 20 or lost - {case.struck}:
        wrong.append(f"lost: {', '.join(sorted(lost))}, of {len(result.analyzers)}")
    if status != "ok" and not all(t.status == "fail" and t.observed is None for t in own):
        wrong.append("a target on what was lost is not missed")
    bad = bool(missed) or (case.gate == "require" and status != "ok")
    if result.verdict != ("fail" if bad else "incomplete"):  # the models have stand-ins, if not for a GPU
        wrong.append(f"the verdict is {result.verdict} ({result.verdict_reason})")
    if status != "ok" and f"without {case.struck}" not in result.verdict_reason:
        wrong.append(f"the verdict does not say what is lost ({result.verdict_reason})")
    if result.metric("success_rate").value != 100 - 5 * len(lost):
        wrong.append(f"success_rate is {result.metric('success_rate').value}")
    if code != (Exit.TARGET_MISSED if bad and case.gate != "report" else Exit.OK):
        wrong.append(f"exit code {code}, {len(missed)} targets missed")
    if not any("a fault was planted" in warning for warning in result.warnings):
        wrong.append("no warning of the fault")
    ok = len(result.analyzers) - len(lost)
    return Told(code, seconds, result.verdict, row.status, row.reason, ok, tuple(wrong))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--executor", nargs="*", default=executors.running(), help="only these")
    chosen = [case for case in cases() if case.executor in parser.parse_args().executor]
    print("executor    fault     struck            became   ok verdict  gate     code     s")
    wrong = 0
    for case in chosen:
        with tempfile.TemporaryDirectory() as folder:
            told = strike(case, Path(folder))
        wrong += bool(told.wrong)
        became = (
            f"{told.status:8} {told.ok:2} {told.verdict:8} {case.gate:8} {told.code:4} {told.seconds:5.1f}"
        )
        about = "; ".join([told.reason, *told.wrong])
        print(f"{case.executor:11} {case.kind:9} {case.struck:17} {became}  {about}", flush=True)
    print(f"{len(chosen) - wrong} of {len(chosen)} as they should be")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
