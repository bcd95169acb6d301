"""Sweeps whose turns run a small script instead of run.py, which does what it is told."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from clipbench.bench.planning.config import GateConfig, MinimumConfig
from clipbench.bench.runs.sweep_state import Turn
from clipbench.bench.sweeping.sweep import Job, Sweep

#: A run.py that takes a moment, does what it is told by does= or by the environment, and leaves a result.
CHILD = """
import json, os, pathlib, signal, subprocess, sys, time
said = dict(word.split("=", 1) for word in sys.argv[1:])
folder = pathlib.Path(said["hydra.run.dir"].strip("'"))
journal = open(os.environ["JOURNAL"], "a")
print(said["executor"], folder.name, said["repeats"], file=journal, flush=True)
time.sleep(float(os.environ.get("CHILD_S", 0)))
does = "die" if said["executor"] == os.environ.get("DIES") else said.get("does")
if does == "die":
    os.kill(os.getpid(), signal.SIGKILL)
elif does == "refuse":
    print("clipbench: there is no such clip", file=sys.stderr)
    sys.exit(2)
elif does == "hang":
    below = subprocess.Popen(["sleep", "600"])
    print(below.pid, file=journal, flush=True)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)
elif does == "vary":
    sys.exit(f"failure at {time.monotonic_ns()}")
elif does == "nothing":
    sys.exit(0)
result = json.loads(os.environ["RESULT"])
result["run"] |= {"id": str(os.getpid()), "executor": said["executor"]}
(folder / "result.json").write_text(json.dumps(result))
sys.exit(int(said.get("exit", 0)))
"""


class Notes:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.begun: list[tuple[int, int, str, int, float | None]] = []
        self.done: list[Turn] = []
        self.dropped: dict[str, str] = {}
        self.left: list[str] = []
        self.interrupted: bool | None = None

    def began(self, number: int, of: int, job: str, round_: int, left_s: float | None) -> None:
        self.begun.append((number, of, job, round_, left_s))

    def ended(self, turn: Turn) -> None:
        self.done.append(turn)

    def gave_up(self, job: str, reason: str) -> None:
        self.dropped[job] = reason

    def budget_over(self, left: Sequence[tuple[int, Job]], interrupted: bool, command: str) -> None:
        self.left, self.interrupted = [f"{job.name}{number}" for number, job in left], interrupted


def a_sweep(folder: Path, *does: str, rounds: int = 3, repeats: int = 3, **options: Any) -> Sweep:
    """Jobs A, B, C …, each of which does what it is told."""
    gate = GateConfig("enforce", list(options.pop("require", ())), list(options.pop("allow_unmeasured", ())))
    minimum = MinimumConfig(**({"analyzers": 2, "repeats": 2, "seconds": 20} | options.pop("minimum", {})))
    key, settings = options.pop("key", {"seed": 0}), options.pop("settings", {"seed": 0})
    jobs = [
        Job(name, (f"executor={name}", what if "=" in what else f"does={what}"), key, settings, gate, minimum)
        for name, what in zip("ABCDEF", does, strict=False)
    ]
    defaults: dict[str, Any] = {
        "order": "fixed",
        "seed": 0,
        "timeout_s": 60.0,
        "code": {"run.py": "1"},
        "command": ["python", "run.py", "-m"],
        "resumption": f"python run.py -m hydra.sweep.dir={folder}",
    }
    return Sweep(folder, jobs, rounds, repeats, **defaults | options)


def order(of: Sweep) -> list[str]:
    """The turns of a sweep in their order: job and round."""
    return [f"{job.name}{number}" for number, job in of.schedule()]


def gone(pid: int, within_s: float = 10.0) -> bool:
    """Whether a process ends in time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False
