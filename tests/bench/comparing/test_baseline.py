"""Baselines: what is saved and what is not, refusals, every outcome, and exit code 4 at the prompt."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from clipbench.bench.comparing import baselines, calibration
from clipbench.bench.errors import Exit, InputError
from clipbench.bench.measuring.runner import Run, executor_factory
from clipbench.bench.runs.child_run import literal
from clipbench.bench.runs.remeasure import Unmeasured
from clipbench.bench.runs.results import (
    AnalyzerResult,
    Environment,
    MetricValue,
    Result,
    RunSummary,
    TargetResult,
)
from clipbench.bench.runs.serialization import from_json, to_json
from clipbench.bench.runs.telemetry import NotMeasured
from clipbench.executors.faults import Fault
from clipbench.executors.layout import Group
from clipbench.reports.comparison import baseline_console as report
from tests.support.clips import numbered_frames, write_clip
from tests.support.fakes import FAKES, Notes, plan, planned, task, use_fakes

PROJECT = Path(__file__).resolve().parents[3]
ENFORCED = SimpleNamespace(mode="enforce", require=["baseline"])
REPORTED = SimpleNamespace(mode="report", require=["baseline"])


@pytest.fixture(autouse=True)
def uncalibrated(tmp_path, monkeypatch):
    monkeypatch.setattr(calibration, "store", tmp_path / "calibration.json")


def made(
    rtf=(1.0, 1.01, 0.99), number=1, other_cores=0.0, interrupted=False, cores=2, quality=0.9, **seconds
) -> Result:
    """A result with these samples; analyzers by name with their seconds, None for one that failed."""
    times = {"steady": 1.0, "sleeper": 2.0} | seconds
    rows = {
        name: AnalyzerResult(
            "ok" if s else "timeout", [], {}, None, "all", "main", "cpu", 0.1, [s or 0.0] * len(rtf), 1, ""
        )
        for name, s in times.items()
    }
    return Result(
        run=from_json(
            RunSummary,
            {
                "id": f"run{number}",
                "started_at": f"2026-01-{number:02d}T00:00:00+00:00",
                "interrupted": interrupted,
                "other_cores": other_cores,
                "other_cores_reason": "" if other_cores is not None else "no core counts",
                "clip": {"path": "a.mp4", "sha256": "0" * 64},
                "grouping": "sequential",
                "executor": "sequential",
                "models": "embedded",
                "threads": 2,
                "workers": 1,
                "command": "python run.py",
                "scenario": {"name": "single_stream", "warmup": 1, "repeats": len(rtf)},
            },
        ),
        environment=from_json(
            Environment,
            {
                "machine": "x86_64",
                "cpu": "A processor",
                "cores_allowed": cores,
                "gpus": {"reason": "none"},
                "git_commit": "abc",
                "git_dirty": False,
                "os": "Linux",
                "python": "3.11.7",
                "packages": {"torch": "2.13.0"},
            },
        ),
        metrics=[
            MetricValue("rtf_warm", sorted(rtf)[len(rtf) // 2] if rtf else None, "", "lower", list(rtf)),
            MetricValue("quality.steady.f1", quality, "", "higher", [], "" if quality else "no truth"),
        ],
        targets=[TargetResult("quality.steady.f1", ">=", 0.8, quality, "", "pass")],
        verdict="pass",
        verdict_reason="",
        analyzers=rows,
        spans=[],
        telemetry=NotMeasured(),
    )


@pytest.fixture
def kept(tmp_path) -> baselines.Baseline:
    """A baseline of five runs."""
    found = baselines.find(tmp_path / "store", KEY)
    for number in range(1, 6):
        assert baselines.save(found, made([1.0, 1.0 + number / 500, 1.0 - number / 500], number)).saved
        found = baselines.read(found.path)
    return found


KEY = {"grouping.name": "sequential", "executor.name": "threads", "models.profile": "embedded", "x": [1]}
SLOW = {"rtf": (1.5, 1.51, 1.49), "sleeper": 2.5}


def compared(kept, result, *again):
    """The outcome of a comparison in which fresh runs give `again`, one after the other."""
    left = list(again)

    def fresh() -> Result:
        one = left.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    outcome = baselines.conclude("compare", kept, result, fresh)
    assert not left, "a confirmation run was not made"
    assert result.run.baseline is outcome and json.dumps(to_json(outcome), allow_nan=False)
    shown = io.StringIO()
    report.show(outcome, Console(file=shown, width=160))
    assert f"baseline: {outcome.call}" in shown.getvalue()
    return outcome, shown.getvalue()


# What is saved.


def test_runs_are_appended_and_only_the_newest_are_kept(tmp_path):
    found = baselines.find(tmp_path / "not" / "there", KEY)
    for number in range(1, baselines.KEEP + 4):
        outcome = baselines.conclude("save", found, (result := made(number=number)), lambda: None)
        assert result.run.baseline is outcome
        found = baselines.find(tmp_path / "not" / "there", KEY)
    assert outcome.runs == len(found.runs) == baselines.KEEP
    assert [r["id"] for r in found.runs] == [f"run{n}" for n in range(4, baselines.KEEP + 4)]
    one = json.loads(found.path.read_text())["runs"][0]
    assert one["rtf_warm"] == [1.0, 1.01, 0.99] and one["analyze_s"]["sleeper"] == [2.0] * 3
    assert one["git_commit"] == "abc" and one["versions"]["torch"] == "2.13.0"
    assert one["metrics"] == {"quality.steady.f1": 0.9}


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (made(interrupted=True), "the run was interrupted"),
        (made(sleeper=None), "not every analyzer succeeded: sleeper (timeout)"),
    ],
)
def test_an_unfit_run_is_not_saved_and_says_why(result, reason, kept):
    before = kept.path.read_text()
    outcome = baselines.save(kept, result)
    assert not outcome.saved and outcome.reason == reason and kept.path.read_text() == before
    assert baselines.exit_code(outcome, REPORTED) == Exit.NOTHING_VALID
    shown = io.StringIO()
    report.show(outcome, Console(file=shown, width=160))
    assert "not saved" in shown.getvalue() and reason in shown.getvalue()


def test_a_busy_machine_is_told_when_saving_and_when_comparing(kept):
    for others, told in ((0.2, False), (0.3, True), (None, False)):
        outcome, shown = baselines.save(kept, made(other_cores=others)), io.StringIO()
        report.show(outcome, Console(file=shown, width=160))
        assert outcome.saved and outcome.busy is told
        assert ("other work took 0.30 cores meanwhile" in shown.getvalue()) is told
    assert "other work was going on" not in compared(kept, made())[1]
    for run in kept.runs[:2]:
        run["other_cores"] = 0.9
    outcome, shown = compared(kept, made())
    assert outcome.busy_runs == 2 and "other work was going on during 2 of the saved runs" in shown


def test_where_the_noise_is_from_is_said(kept):
    assert "noise floor not calibrated" in compared(kept, made())[1]
    kept.runs[0]["rtf_warm"] = [1.6] * 3
    outcome, shown = compared(kept, made())
    assert outcome.noise > 0.3 and "noise floor from how far the saved runs lie apart" in shown


def test_a_store_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "store").touch()
    with pytest.raises(InputError, match=r"baseline_store: .*cannot be written to"):
        baselines.save(baselines.find(tmp_path / "store", KEY), made())


def test_configurations_do_not_share_a_file(tmp_path):
    names = {baselines.find(tmp_path, KEY | change).path.name for change in ({}, {"x": [2]}, {"y": 1})}
    assert len(names) == 3
    odd = baselines.find(tmp_path, KEY | {"grouping.name": "../up \n"}).path
    assert odd.parent == tmp_path and odd.name.startswith("___up__-threads-embedded-")


# What is refused before anything is measured.


@pytest.fixture
def session(tmp_path, monkeypatch):
    use_fakes(monkeypatch)
    (tmp_path / "clip.mp4").write_bytes(b"a clip")
    cfg = SimpleNamespace(
        baseline="compare",
        baseline_store=str(tmp_path / "store"),
        profile=None,
        scenario=SimpleNamespace(name="single_stream", repeats=3, warmup=1, in_flight=1),
        faults=SimpleNamespace(kind="slow"),
        models=SimpleNamespace(profile="embedded"),
        grouping=SimpleNamespace(name="sequential", stages=False),
        executor=SimpleNamespace(name="sequential", address=None),
    )
    return SimpleNamespace(cfg=cfg, plan=plan("steady", "sleeper"), clips=[tmp_path / "clip.mp4"])


def refused(session) -> str:
    with pytest.raises(InputError) as error:
        baselines.check(session)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_nothing_asked_for_nothing_looked_for(session):
    session.cfg.baseline, session.clips = None, []
    assert baselines.check(session) is None


def test_bad_configurations_are_refused(session):
    session.cfg.scenario.repeats = 2
    assert "scenario.repeats=3 or more" in refused(session)
    session.cfg.scenario.name = "offline"
    assert "scenario=single_stream" in refused(session)
    session.cfg.baseline = "svae"
    assert "write save or compare" in refused(session)


def test_profiled_and_planted_runs_are_not_saved(session):
    session.plan = plan("steady", profile=("torch", ""))
    session.cfg.profile = "torch"
    assert "profile=torch" in refused(session)
    session.plan = plan("steady", faults=(Fault("slow", "steady"),))
    session.cfg.baseline = "save"
    assert "a planted fault (faults=slow) is not saved" in refused(session)


def test_a_missing_clip_is_named(session):
    session.clips[0].unlink()
    assert "clip.path: there is no file" in refused(session)


def test_without_a_baseline_there_is_nothing_to_compare_with(session):
    line = refused(session)
    assert "has no baseline" in line and "baseline=save" in line


def test_another_configuration_is_refused_with_what_differs(session, monkeypatch):
    session.cfg.baseline = "save"
    baselines.save(baselines.check(session), made())
    session.cfg.baseline = "compare"
    assert len(baselines.check(session).runs) == 1
    session.plan = plan("steady", "sleeper", faults=(Fault("slow", "steady"),))
    assert baselines.check(session)  # a planted fault does not make another configuration
    monkeypatch.setattr(baselines.environment, "cpu_name", lambda: "Another processor")
    session.plan = plan("steady", "late", threads=7)
    session.clips[0].write_bytes(b"another clip")
    line = refused(session)
    for part in (
        "machine.cpu: ",
        " → Another processor",
        "clip.sha256: ",
        "executor.threads: 1 → 7",
        'grouping.groups.all.analyzers: ["steady", "sleeper"] → ["steady", "late"]',
        "models.sleeper.seconds: 0.05 → null",
        "baseline=save",
    ):
        assert part in line


def test_what_changes_the_times_makes_another_configuration(session):
    key = baselines.configuration(session)
    session.cfg.grouping.stages, session.cfg.scenario.in_flight = True, 2
    session.plan = plan("steady", "sleeper", memory_fraction=0.5)
    assert baselines.differences(key, baselines.configuration(session)) == [
        "grouping.stages: false → true",
        "executor.memory_fraction: null → 0.5",
        "scenario.in_flight: 1 → 2",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"schema": 99, "key": {}, "runs": []}',
        '{"schema": 1, "key": 1, "runs": 1}',
        '{"schema": 1}',
    ],
)
def test_a_file_that_is_no_baseline_is_named(text, session):
    store = Path(session.cfg.baseline_store)
    store.mkdir()
    session.cfg.baseline = "save"
    own = baselines.check(session).path
    (store / "broken.json").write_text(text)
    session.cfg.baseline = "compare"
    assert "has no baseline" in refused(session)  # what is no baseline of this one is left alone
    own.write_text(text)
    line = refused(session)
    assert f"{own.name} is no baseline" in line and "delete it" in line


# What comes of a comparison.


def test_the_same(kept):
    outcome, _ = compared(kept, made())
    assert (outcome.call, outcome.runs, outcome.samples) == ("same", 5, 15)
    assert outcome.confirmed is None and outcome.moved == []
    assert outcome.low <= outcome.ratio <= outcome.high
    assert baselines.exit_code(outcome, ENFORCED) == Exit.OK


def test_slower_and_confirmed(kept):
    outcome, shown = compared(kept, made(**SLOW), made(**SLOW))
    assert (outcome.call, outcome.confirmed) == ("slower", True)
    assert [m.analyzer for m in outcome.moved] == ["sleeper"]
    assert "sleeper 2 s → 2.5 s" in shown and "measured again" in shown
    assert baselines.exit_code(outcome, REPORTED) == Exit.SLOWER


def test_slower_but_no_single_analyzer(kept):
    outcome, shown = compared(kept, *[made(rtf=SLOW["rtf"]) for _ in range(2)])
    assert outcome.call == "slower" and outcome.moved == []
    assert "no analyzer moved beyond its own noise" in shown


@pytest.mark.parametrize(
    ("second", "reason", "valid"),
    [
        (made(), "slower at first, but not when measured again", True),
        (made(sleeper=None), "slower at first, but not when measured again", False),
        (Unmeasured("exit code 1"), "slower, but it could not be measured again: exit code 1", False),
    ],
)
def test_slower_but_not_confirmed(kept, second, reason, valid):
    outcome, _ = compared(kept, made(**SLOW), second)
    assert (outcome.call, outcome.reason, outcome.valid) == ("undecided", reason, valid)
    assert baselines.exit_code(outcome, REPORTED) == Exit.OK
    assert baselines.exit_code(outcome, ENFORCED) == (Exit.OK if valid else Exit.TARGET_MISSED)


def test_faster(kept):
    outcome, _ = compared(kept, made((0.5, 0.51, 0.49)))
    assert outcome.call == "faster" and baselines.exit_code(outcome, ENFORCED) == Exit.OK


def test_less_work_is_not_faster_and_not_slower(kept):
    for rtf in ((0.5, 0.51, 0.49), SLOW["rtf"]):
        outcome, _ = compared(kept, made(rtf, sleeper=None))
        assert outcome.call == "undecided" and "sleeper (timeout)" in outcome.reason
        assert baselines.exit_code(outcome, REPORTED) == Exit.OK
        assert baselines.exit_code(outcome, ENFORCED) == Exit.TARGET_MISSED


def test_fewer_metrics_are_not_faster_but_may_be_slower(kept):
    outcome, _ = compared(kept, made((0.5, 0.51, 0.49), quality=None))
    assert (outcome.call, outcome.reason) == ("undecided", "no longer measured: quality.steady.f1")
    assert baselines.exit_code(outcome, ENFORCED) == Exit.TARGET_MISSED
    slow = [made(**SLOW, quality=None) for _ in range(2)]
    assert compared(kept, *slow)[0].call == "slower"


def test_too_few_runs_are_undecided(kept):
    kept.runs = kept.runs[:2]
    outcome, shown = compared(kept, made(**SLOW))
    assert outcome.call == "undecided" and "2 of the 3 runs" in outcome.reason and "of 2 runs" in shown
    assert baselines.exit_code(outcome, REPORTED) == Exit.OK
    assert baselines.exit_code(outcome, ENFORCED) == Exit.TARGET_MISSED


def test_a_busy_machine_is_not_slower_code(kept):
    outcome, _ = compared(kept, made(**SLOW, other_cores=1.0))
    assert (outcome.call, outcome.valid, outcome.busier) == ("undecided", False, 2.0)
    assert compared(kept, *[made(**SLOW, other_cores=0.2)] * 2)[0].call == "slower"
    for run in kept.runs:
        run["other_cores"] = 1.0
    assert compared(kept, *[made(**SLOW, other_cores=1.0)] * 2)[0].call == "slower"


def test_where_other_work_is_not_known_there_is_no_correction_for_it(kept):
    outcome, shown = compared(kept, *[made(**SLOW, other_cores=None)] * 2)
    assert (outcome.call, outcome.busier, outcome.other_cores) == ("slower", None, None)
    assert "other cores not known, and not corrected for: no core counts" in shown
    kept.runs[0]["other_cores"] = None
    assert compared(kept, made(other_cores=1.0))[0].busier == 2.0
    for run in kept.runs:
        run["other_cores"] = None
    assert compared(kept, made(other_cores=1.0))[0].busier is None


def test_an_interrupted_run_is_compared_with_nothing(kept):
    outcome, _ = compared(kept, made((), interrupted=True))
    assert (outcome.call, outcome.reason) == ("undecided", "the run was interrupted")


def test_what_has_changed_since_is_said(kept):
    kept.runs[-1]["versions"]["torch"] = "2.12.0[/]"
    outcome, shown = compared(kept, made())
    assert outcome.since == ["torch: 2.12.0[/] → 2.13.0"] and "torch: 2.12.0[/] → 2.13.0" in shown


def test_no_comparison_no_say_in_the_exit_code():
    assert baselines.exit_code(None, ENFORCED) == Exit.OK


# On times that were really measured.


def test_real_passes_are_not_slower_than_themselves_and_a_sleep_is_found(tmp_path, monkeypatch):
    """Many short runs of three passes each: every sixth is saved, since what else the machine does changes
    meanwhile; twenty others are compared."""
    use_fakes(monkeypatch)
    clip = write_clip(tmp_path / "clip.mp4", numbered_frames(30, 64, 64))

    def measure(count: int, *faults: Fault) -> list[Result]:
        group = Group("all", "cpu", (task("steady", ()), task("sleeper", (), seconds=0.02)))
        run = Run(
            planned([group], "sequential", {"threads": 1}, faults=faults),
            Notes(),
            executor_factory("sequential"),
        )
        for _ in range(3 * count + 1):
            run.burst([clip], False, 1, 1)
        run.executor.close()
        passes = run.record.passes[1:]
        found = []
        for number in range(count):
            three = passes[3 * number : 3 * number + 3]
            result = made([p.end_s - p.start_s for p in three], number + 1)
            for name, row in result.analyzers.items():
                row.analyze_s = [p.outcomes[name].analyze_s for p in three]
            found.append(result)
        return found

    kept = baselines.find(tmp_path, KEY)
    runs = measure(30)
    for result in runs[::6]:
        baselines.save(kept, result)
        kept = baselines.read(kept.path)
    others = [result for number, result in enumerate(runs) if number % 6]
    for number in range(20):
        outcome = baselines.compare(kept, others[number], partial(others.__getitem__, number + 1))
        assert baselines.exit_code(outcome, REPORTED) == Exit.OK, outcome
    slow = iter(measure(2, Fault("slow", "sleeper", 0.2)))
    outcome = baselines.compare(kept, next(slow), lambda: next(slow))
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
