"""Baselines on times that were really measured, and at the prompt: exit code 4."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from clipbench.bench.comparing import baseline_comparison, baselines
from clipbench.bench.enough import ENOUGH
from clipbench.bench.errors import Exit
from clipbench.bench.invocation import literal
from clipbench.bench.measuring.runner import Runner, executor_factory
from clipbench.bench.planning.config import GateConfig
from clipbench.bench.runs.results import Result
from clipbench.executors.faults import Fault
from clipbench.executors.layout import Group
from tests.support.baselines import a_saved_result
from tests.support.fake_plans import FAKES, Notes, planned, task, use_fakes
from tests.support.video_files import numbered_frames, write_clip

PROJECT = Path(__file__).resolve().parents[3]
ENFORCED = GateConfig("enforce", ["baseline"])
REPORTED = GateConfig("report", ["baseline"])
KEY = {"grouping.name": "sequential", "executor.name": "threads", "models.profile": "embedded"}


def test_real_passes_are_not_slower_than_themselves_and_a_sleep_is_found(tmp_path, monkeypatch):
    """Many short runs: every sixth is saved, since what else the machine does changes meanwhile; twenty
    others are compared."""
    use_fakes(monkeypatch)
    clip = write_clip(tmp_path / "clip.mp4", numbered_frames(30, 64, 64))

    def measure(count: int, *faults: Fault) -> list[Result]:
        group = Group("all", "cpu", (task("steady", ()), task("sleeper", (), seconds=0.02)))
        plan = planned([group], "sequential", {"threads": 1}, faults=faults)
        run = Runner(plan, Notes(), executor_factory("sequential"))
        for _ in range(ENOUGH * count + 1):
            run.burst([clip], False, 1, 1)
        run.executor.close()
        passes = run.record.passes[1:]
        found = []
        for number in range(count):
            own = passes[ENOUGH * number : ENOUGH * (number + 1)]
            result = a_saved_result([p.end_s - p.start_s for p in own], number + 1)
            for name, row in result.analyzers.items():
                row.analyze_s = [p.outcomes[name].analyze_s for p in own]
            found.append(result)
        return found

    kept = baselines.find(tmp_path, KEY)
    runs = measure(30)
    for result in runs[::6]:
        baseline_comparison.save(kept, result)
        kept = baselines.read(kept.path)
    others = [result for number, result in enumerate(runs) if number % 6]
    for number in range(20):
        outcome = baseline_comparison.compare(kept, others[number], partial(others.__getitem__, number + 1))
        assert baseline_comparison.exit_code(outcome, REPORTED) == Exit.OK, outcome
    slow = iter(measure(2, Fault("slow", "sleeper", 0.2)))
    outcome = baseline_comparison.compare(kept, next(slow), lambda: next(slow))
    assert outcome.call == "slower" and [m.analyzer for m in outcome.moved] == ["sleeper"]


def test_exit_codes_at_the_prompt(tmp_path):
    """Saved once for real; two copies that lie apart stand for runs of a machine with other work to do."""
    clip = write_clip(tmp_path / "clip.mp4", numbered_frames(30, 64, 64))
    store = tmp_path / "a 'store'"

    def run(*arguments: str, name: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [
                sys.executable,
                "run.py",
                "only=[steady,sleeper]",
                "models.sleeper.seconds=0.1",
                f"scenario.repeats={ENOUGH}",
                f"clip.path={clip}",
                f"baseline_store={literal(store)}",
                f"hydra.run.dir={literal(tmp_path / name)}",
                *arguments,
            ],
            cwd=PROJECT,
            env=os.environ | {"CLIPBENCH_PLUGINS": str(FAKES)},
            capture_output=True,
            text=True,
            timeout=120,
        )

    done = run("baseline=save", name="saved")
    assert done.returncode == 0 and "saved, 1 run kept" in done.stdout, done.stdout + done.stderr
    (path,) = store.glob("*.json")
    raw = json.loads(path.read_text())
    copies = [json.loads(json.dumps(raw["runs"][0])) for _ in range(2)]
    for copy, factor in zip(copies, (0.85, 1.15), strict=True):
        copy["rtf_warm"] = [s * factor for s in copy["rtf_warm"]]
    for each in (runs := [*raw["runs"], *copies]):
        each["other_cores"] = os.cpu_count()  # whatever is going on now, it was no less then
    path.write_text(json.dumps(raw | {"runs": runs}))

    done = run("baseline=compare", name="same")
    assert done.returncode == 0 and "of 3 runs" in done.stdout, done.stdout + done.stderr

    # Required by the gate in this process, of which the confirmation's knows nothing.
    slow = ("faults=slow", "faults.analyzer=sleeper", "faults.seconds=0.6", "gate.require=[baseline]")
    done = run("baseline=compare", *slow, name="it's slow")
    assert done.returncode == Exit.SLOWER, done.stdout + done.stderr
    assert "measuring again" in done.stdout and "baseline: slower" in done.stdout
    outcome = json.loads((tmp_path / "it's slow" / "result.json").read_text())["run"]["baseline"]
    assert outcome["confirmed"] and [m["analyzer"] for m in outcome["moved"]] == ["sleeper"]
    assert (tmp_path / "it's slow" / "confirmation" / "result.json").exists()
