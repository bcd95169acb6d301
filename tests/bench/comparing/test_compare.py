"""Comparisons: what is a side, what may be compared, what is said of it, and what is recommended."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import types

import pytest

from clipbench.bench.comparing import calibration, comparison
from clipbench.bench.comparing.candidates import Side, aligned, metric_samples, tell_apart
from clipbench.bench.comparing.statistics import CONFIDENCE, MIN_PAIRS
from clipbench.bench.errors import Exit, InputError
from clipbench.bench.measuring.metrics import Record
from clipbench.bench.measuring.summary import describe_run
from clipbench.bench.planning.config import ScenarioConfig
from clipbench.bench.probes.other_load import OtherWork
from clipbench.bench.runs.results import MetricValue
from clipbench.bench.runs.telemetry import NotMeasured
from clipbench.commands import compare
from tests.e2e.test_command_line import PROJECT
from tests.support import fakes
from tests.support.runs import (
    CLIP,
    STEADY,
    a_result,
    a_sweep,
    missing_target,
    times,
    without,
    written,
)

SLOW = times(1.5)


@pytest.fixture(autouse=True)
def uncalibrated(tmp_path, monkeypatch):
    """No calibration of the machine that the tests run on."""
    monkeypatch.setattr(calibration, "store", tmp_path / "calibration.json")


def sides_of(tmp_path, **results):
    """A side for each result, named by its keyword."""
    return comparison.load(f"{name}={written(one, tmp_path / name)}" for name, one in results.items())


def compared(tmp_path, allow=False, reference=None, metric=None, **results):
    return comparison.compare(sides_of(tmp_path, **results), reference, metric, allow)


def call(made, name, reference=None):
    return made.pairs[reference or made.reference.name, name].call


# What is a side.


def test_runs_results_and_folders_of_runs_are_sides(tmp_path):
    one = written(a_result(), tmp_path / "one")
    two = written(a_result(grouping="staged"), tmp_path / "two")
    for n in range(2):
        written(a_result(executor="threads"), tmp_path / "many" / str(n))
    sides = comparison.load([one, two / "result.json", tmp_path / "many"])
    assert [(side.name, len(side.runs)) for side in sides] == [
        ("grouping=sequential,executor=sequential", 1),
        ("grouping=staged,executor=sequential", 1),
        ("grouping=sequential,executor=threads", 2),
    ]
    assert len(sides[2].metric("rtf_warm").samples) == 2 * len(STEADY)


def test_sides_of_the_same_name_are_pooled_and_those_of_the_same_configuration_told_apart(tmp_path):
    paths = [written(a_result(), tmp_path / name) for name in ("a", "b", "c")]
    pooled = comparison.load([f"before={paths[0]}", f"before={paths[1]}", f"after={paths[2]}"])
    assert [(side.name, len(side.runs)) for side in pooled] == [("before", 2), ("after", 1)]
    alike = comparison.load(paths[:2])
    assert [side.name.rpartition(" ")[2] for side in alike] == [
        f"({tmp_path.name}/a)",
        f"({tmp_path.name}/b)",
    ]
    newer = written(a_result(environment={"git_commit": "e" * 40}), tmp_path / "newer")
    assert [s.name[-11:] for s in comparison.load([paths[0], newer])] == ["(fffffffff)", "(eeeeeeeee)"]


def test_sweeps_of_the_same_jobs_are_told_apart_by_their_folders(tmp_path):
    for name, factor in (("a", 1.0), ("b", 2.0)):
        a_sweep(tmp_path / name / "s", {"job": [a_result([factor * x]) for x in STEADY]})
    made = comparison.compare(comparison.load([tmp_path / "a" / "s", tmp_path / "b" / "s"]))
    assert [side.name for side in made.sides] == ["job (a/s)", "job (b/s)"]
    assert call(made, "job (b/s)") == "slower"
    for name in ("a", "b"):
        written(a_result(), tmp_path / name / "deep" / "runs" / "1")
    alike = comparison.load([tmp_path / name / "deep" / "runs" for name in ("a", "b")])
    assert [side.name.rpartition(" ")[2] for side in alike] == ["(a/deep/runs/1)", "(b/deep/runs/1)"]


def test_two_sides_of_one_name_are_refused(tmp_path):
    paths = [written(a_result(), tmp_path / name) for name in ("a", "b", "c")]
    taken = f"grouping=sequential,executor=sequential ({tmp_path.name}/a)"
    with pytest.raises(InputError, match="two sides are called"):
        tell_apart([*comparison.load(paths[:1]), *comparison.load(paths[1:2]), Side(taken, [])])
    empty = a_sweep(tmp_path / "empty", {"job": ["it was ended by SIGSEGV"]})
    with pytest.raises(InputError, match="two sides are called job"):
        comparison.load([empty, empty])


def test_a_link_to_the_latest_run_is_no_run_of_its_own(tmp_path):
    written(a_result(), tmp_path / "day" / "noon")
    (tmp_path / "latest").symlink_to("day/noon", target_is_directory=True)
    (tmp_path / "day" / "latest").symlink_to("noon", target_is_directory=True)
    for folder in (tmp_path, tmp_path / "day"):
        (side,) = comparison.load([folder])
        assert [run.path for run in side.runs] == [tmp_path / "day" / "noon" / "result.json"]


def test_sides_that_are_pooled_keep_what_was_lost(tmp_path):
    first = a_sweep(tmp_path / "1", {"job": [a_result(), a_result()]})
    second = a_sweep(tmp_path / "2", {"job": ["it was ended by SIGSEGV", a_result()]}, rounds=5)
    (side,) = comparison.load([f"x={first}", f"x={second}"])
    assert (len(side.runs), side.failures, side.missing) == (3, ["round 1: it was ended by SIGSEGV"], 3)


def test_the_rounds_of_a_sweep_are_pooled_and_make_pairs(tmp_path):
    # The machine gets slower from round to round, by more than the sides differ.
    drift = [1.0, 1.2, 1.5, 1.9, 2.4, 3.0, 3.7, 4.5, 5.4]
    jobs = {
        "grouping=sequential": [a_result([x]) for x in drift],
        "grouping=staged": [a_result([1.1 * x], grouping="staged") for x in drift],
    }
    sides = comparison.load([a_sweep(tmp_path / "sweep", jobs)])
    first, second, paired = aligned(*sides, metric_samples("rtf_warm"))
    assert paired and first == drift and len(second) == 9
    made = comparison.compare(sides)
    assert call(made, "grouping=staged") == "slower"
    apart = comparison.load(
        [f"a={tmp_path / 'sweep' / 'grouping=sequential'}", f"b={tmp_path / 'sweep' / 'grouping=staged'}"]
    )
    assert not aligned(*apart, metric_samples("rtf_warm"))[2]
    assert call(comparison.compare(apart), "b") == "undecided"


def test_a_round_that_one_side_has_lost_is_in_no_pair(tmp_path):
    jobs = {
        "a": [a_result([1.0 + n]) for n in range(6)],
        "b": ["it was ended by SIGSEGV", *(a_result([1.0 + n]) for n in range(1, 6))],
    }
    sides = comparison.load([a_sweep(tmp_path, jobs)])
    first, second, paired = aligned(*sides, metric_samples("rtf_warm"))
    assert paired and first == second == [2.0, 3.0, 4.0, 5.0, 6.0]
    assert sides[1].failures == ["round 1: it was ended by SIGSEGV"]


def test_a_sweep_that_is_not_complete_is_told(tmp_path):
    rounds = [a_result([x]) for x in STEADY[:4]]
    made = comparison.compare(comparison.load([a_sweep(tmp_path, {"a": rounds[:2], "b": rounds[2:3]})]))
    assert "the sweep is not complete; rounds that are missing: b (1)" in made.warnings


def test_what_every_round_warns_of_is_said_once(tmp_path):
    busy = [a_result([x], warnings=[f"other work (load average {n}.5)", "odd"]) for n, x in enumerate(STEADY)]
    made = comparison.compare(
        comparison.load([a_sweep(tmp_path, {"a": busy, "b": [a_result() for _ in busy]})])
    )
    assert made.warnings == [
        "a: other work (load average 0.5) (and alike in 8 more runs)",
        "a: odd (and alike in 8 more runs)",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not the result of a run"),
        ('{"schema": 99}', "not of schema 1"),
        ('{"schema": 1, "metrics": []}', "it has no analyzers"),
        ('{"schema": 1, "metrics": [{}], "targets": [], "analyzers": {}}', "it has no environment"),
    ],
)
def test_what_is_no_result_is_refused_by_name(tmp_path, text, says):
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(InputError, match=says) as refused:
        comparison.load([tmp_path])
    assert str(tmp_path / "result.json") in str(refused.value)


def test_what_is_not_there_or_empty_or_twice_is_refused(tmp_path):
    run = written(a_result(), tmp_path / "run")
    (tmp_path / "link").symlink_to(run)
    (tmp_path / "empty").mkdir()
    for given, says in (
        ([tmp_path / "nothing"], "there is no such file"),
        ([tmp_path / "empty"], "holds no result of a run"),
        ([run, run], "given twice"),
        ([run, tmp_path / "link"], "the same run"),
        ([f"x={a_sweep(tmp_path / 'sweep', {'a': [a_result()], 'b': [a_result()]})}"], "takes no name"),
    ):
        with pytest.raises(InputError, match=says):
            comparison.load(given)


# What may be compared.

DIFFERENT = {
    "processor": {"environment": {"cpu": "Intel Xeon"}},
    "cores allowed": {"environment": {"cores_allowed": 8}},
    "memory, GB": {"environment": {"memory_gb": 60.0}},
    "GPUs": {"environment": {"gpus": [{"name": "H100", "driver": "570", "memory_gb": 80}]}},
    "Python": {"environment": {"python": "3.12.1"}},
    "version of torch": {"environment": {"packages": {"torch": "2.14.0"}}},
    "clip (SHA-256)": {"run": {"clips": [CLIP | {"sha256": "ef" * 32}]}},
    "models": {"run": {"models": "random"}},
    "models.text.fps": {"run": {"settings": {"text": {"fps": 5.0}}}},
    "seed": {"run": {"seed": 7}},
    "faults": {"run": {"faults": [{"kind": "slow", "analyzer": "text"}]}},
    "scenario.warmup": {"run": {"scenario": {"warmup": 0}}},
    "scenario.in_flight": {"run": {"scenario": {"in_flight": 4}}},
    "analyzers, beside what all have": {"analyzers": {"more": a_result().analyzers["text"]}},
}


@pytest.mark.parametrize("key", DIFFERENT)
def test_sides_that_do_not_match_are_refused_with_what_differs(tmp_path, key):
    with pytest.raises(InputError, match="do not match") as refused:
        compared(tmp_path, a=a_result(), b=a_result(**DIFFERENT[key]))
    lines = str(refused.value).splitlines()[1:-1]
    assert any(line.strip().startswith(f"{key}: ") and " in a" in line and " in b" in line for line in lines)
    made = compared(tmp_path / "again", allow=True, a=a_result(), b=a_result(**DIFFERENT[key]))
    assert len(made.mismatches) == len(lines) and "do not match" in made.advice.sentence


def test_a_run_tells_its_settings(monkeypatch, tmp_path):
    fakes.use_fakes(monkeypatch)
    plan = fakes.plan("sleeper")
    cfg = types.SimpleNamespace(
        grouping=types.SimpleNamespace(name="g"),
        executor=types.SimpleNamespace(name="e"),
        models=types.SimpleNamespace(profile="embedded"),
        scenario=ScenarioConfig("single_stream"),
        clip=types.SimpleNamespace(path="a.mp4"),
        seed=0,
    )
    record = Record(plan, [], [], NotMeasured(), 0.0)
    told = describe_run(cfg, record, "", False, OtherWork(), tmp_path).settings
    assert told == {"sleeper": dataclasses.asdict(plan.tasks()[0].settings)} != {"sleeper": {}}


def test_other_weights_are_refused(tmp_path):
    other = a_result()
    other.analyzers["text"].weights = {"net": "00" * 32}
    with pytest.raises(InputError, match="weights of text"):
        compared(tmp_path, a=a_result(), b=other)


def test_what_a_comparison_is_about_may_differ(tmp_path):
    other = a_result(
        SLOW,
        grouping="staged",
        executor="threads",
        run={"threads": 1, "workers": 4},
        environment={"git_commit": "e" * 40, "git_dirty": True, "memory_gb": 25.4},
    )
    made = compared(tmp_path, a=a_result(), b=other)
    assert made.mismatches == []
    assert any("git commit: fffffffff in a; eeeeeeeee in b" in line for line in made.warnings)
    assert any("not made in turns" in line for line in made.warnings)


def test_runs_of_one_side_must_be_of_one_configuration(tmp_path):
    written(a_result(), tmp_path / "many" / "1")
    written(a_result(grouping="staged"), tmp_path / "many" / "2")
    sides = comparison.load([tmp_path / "many", f"b={written(a_result(), tmp_path / 'b')}"])
    with pytest.raises(InputError, match=r"grouping: sequential in .*; staged in "):
        comparison.compare(sides)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (a_result(run={"interrupted": True}), "it was interrupted"),
        (a_result(run={"profile": "torch"}), "profile=torch"),
        (a_result([]), "no repeat was measured"),
        (without(without(a_result(), "text"), "cuts"), "no analyzer succeeded"),
    ],
)
def test_what_is_no_measurement_is_refused(tmp_path, bad, says):
    with pytest.raises(InputError, match=f"b is no measurement: .*{says}"):
        compared(tmp_path, a=a_result(), b=bad)
    made = compared(tmp_path / "again", allow=True, a=a_result(), b=bad)
    assert made.mismatches and made.advice.use != "b"


def test_a_subset_of_the_analyzers_can_be_compared_with_the_same_subset(tmp_path):
    one, two = (a_result(verdict="invalid", verdict_reason="only 2 of 20 analyzers ran") for _ in range(2))
    assert call(compared(tmp_path, a=one, b=two), "b") == "same"


def test_the_reference_and_the_metric_are_chosen_by_name(tmp_path):
    sides = sides_of(tmp_path, a=a_result(), b=a_result(SLOW))
    assert comparison.compare(sides).reference.name == "a"
    made = comparison.compare(sides, "b", "rss_peak")
    assert (made.reference.name, made.metric) == ("b", "rss_peak")
    assert comparison.compare(sides, str(tmp_path / "b")).reference.name == "b"
    for arguments, says in (
        (("c",), "there is no such side; there are: a, b"),
        ((None, "rtf_wram"), "did you mean rtf_warm"),
        ((None, "throughput"), "was not measured in a: one clip at a time"),
        ((None, "success_rate"), "there is no metric success_rate to compare"),
    ):
        with pytest.raises(InputError, match=says):
            comparison.compare(sides, *arguments)


def test_the_noise_floor_is_that_of_the_machine(tmp_path):
    sides = sides_of(tmp_path, a=a_result(), b=a_result(times(1.2)))
    assert call(comparison.compare(sides), "b") == "slower"
    key = calibration.digest(calibration.key_of(sides[1].first))
    found = {"noise": 0.3, "measured_at": "2026-01-01"}
    calibration.store.write_text(json.dumps({"schema": 1, "calibrations": {key: found}}))
    made = comparison.compare(sides)
    assert call(made, "b") == "same" and made.noise["b"] == (0.3, "calibrated on 2026-01-01")


# What is said.


def test_every_call(tmp_path):
    # Up to 2 noise floors and more, so that neither a difference nor its absence can be said.
    wild = [0.7, 1.4, 1.0, 0.8, 1.3, 0.9, 1.2, 0.75, 1.1]
    made = compared(
        tmp_path,
        a=a_result(),
        same=a_result(),
        slow=a_result(SLOW),
        fast=a_result(times(0.5)),
        wild=a_result(wild),
        few=a_result(SLOW[:3]),
    )
    calls = {name: call(made, name) for name in ("same", "slow", "fast", "wild", "few")}
    assert calls == {
        "same": "same",
        "slow": "slower",
        "fast": "faster",
        "wild": "undecided",
        "few": "undecided",
    }
    assert "3 samples" in made.pairs["a", "few"].reason
    assert call(made, "a", reference="slow") == "faster"
    moved = made.moved["slow"]
    assert [(m.analyzer, round(m.change_s, 2), m.difference.call) for m in moved] == [
        ("text", 2.5, "slower"),
        ("cuts", 2.5, "slower"),
    ]


def test_the_analyzer_that_changed_most_comes_first(tmp_path):
    other = a_result(times(1.1))
    other.analyzers["text"].analyze_s = times(5.1)
    other.analyzers["cuts"].analyze_s = times(4.0)
    moved = compared(tmp_path, a=a_result(), b=other).moved["b"]
    assert [(m.analyzer, m.difference.call) for m in moved] == [("cuts", "faster"), ("text", "same")]


def test_less_time_with_fewer_analyzers_is_not_faster(tmp_path):
    made = compared(tmp_path, a=a_result(), b=without(a_result(times(0.5)), "text"))
    assert call(made, "b") == "undecided"
    assert made.pairs["a", "b"].reason == "not the same analyzers gave results: text"
    assert made.sides[1].lost() == {"text": "crashed: by SIGSEGV"}
    assert [m.analyzer for m in made.moved["b"]] == ["cuts"]
    assert made.advice.use == "a" and "b" in made.advice.left_out


def test_quality_that_differs_is_told(tmp_path):
    other = a_result()
    other.metrics[-1] = MetricValue("quality.text.recall", 0.4, "", "higher")
    made = compared(tmp_path, a=a_result(), b=other)
    assert [row.metric for row in made.quality] == ["quality.text.recall"]
    assert compared(tmp_path / "again", a=a_result(), b=a_result()).quality == []


def test_targets_are_judged_over_all_runs(tmp_path):
    rounds = [a_result([2.0]), a_result([3.5]), a_result([4.0])]
    side = comparison.load([a_sweep(tmp_path, {"a": rounds, "b": [a_result([1.0])]})])[0]
    assert [(t.metric, t.status, t.observed) for t in comparison.judge(side)] == [
        ("rtf_warm", "fail", 3.5),
        ("throughput", "not_measured", None),
    ]


# What is recommended.


def advice(tmp_path, **results):
    return compared(tmp_path, **results).advice


def test_the_fastest_is_recommended(tmp_path):
    given = advice(tmp_path, a=a_result(), b=a_result(times(0.5), grouping="two_core", executor="threads"))
    assert given.use == "b"
    assert given.sentence.startswith("Use grouping=two_core executor=threads (b): its rtf_warm of 0.5 is the")
    assert f"is 2 times it ({100 * CONFIDENCE:.0f} % interval 1.9" in given.sentence
    assert given.sentence.endswith("its 1 measured target holds (1 was not measured).")


def test_of_equals_the_one_with_fewer_workers_is_recommended(tmp_path):
    given = advice(
        tmp_path,
        a=a_result(times(0.999), run={"workers": 4}),
        b=a_result(run={"workers": 2}),
        c=a_result(SLOW, run={"workers": 1}),
    )
    assert given.use == "b" and "not told apart from" in given.sentence and "(same)" in given.sentence
    assert "takes the fewest workers (2)" in given.sentence


def test_of_equals_with_as_many_workers_the_one_with_less_memory_is_recommended(tmp_path):
    other = a_result(times(1.001))
    other.metrics[3] = MetricValue("rss_peak", 1.0, "GB", "lower")
    given = advice(tmp_path, a=a_result(), b=other)
    assert given.use == "b" and "takes the least memory (rss_peak 1 GB)" in given.sentence


def test_of_equals_in_all_the_fastest_is_recommended(tmp_path):
    given = advice(tmp_path, a=a_result(times(1.001)), b=a_result())
    assert given.use == "b" and "workers and memory being alike" in given.sentence


def test_nothing_is_recommended_from_too_few_samples(tmp_path):
    given = advice(tmp_path, a=a_result(STEADY[:3]), b=a_result(times(0.5)[:3]))
    assert given.use is None and "Nothing can be recommended yet" in given.sentence
    assert "(b) has the lowest so far, 0.5" in given.sentence


def test_nothing_is_recommended_from_too_few_pairs(tmp_path):
    jobs = {name: [a_result([factor * x]) for x in STEADY[:6]] for name, factor in (("a", 1), ("b", 0.5))}
    made = comparison.compare(comparison.load([a_sweep(tmp_path, jobs)]))
    assert made.advice.use is None
    assert "with 6 samples a side of rtf_warm nothing is told apart" in made.advice.sentence
    assert f"(repeats={MIN_PAIRS} or more)" in made.advice.sentence


def test_what_misses_a_target_is_not_recommended_however_fast(tmp_path):
    given = advice(tmp_path, a=a_result(), b=missing_target(a_result(times(0.1))))
    assert given.use == "a" and given.left_out == {"b": "misses rtf_warm"}
    assert "the only one of 2 that can be chosen" in given.sentence
    neither = advice(tmp_path / "again", a=missing_target(a_result()), b=missing_target(a_result()))
    assert neither.use is None and "None can be recommended: a misses rtf_warm" in neither.sentence


def test_a_job_that_crashed_is_shown_and_not_recommended(tmp_path):
    jobs = {
        "a": [a_result() for _ in range(2)],
        "b": [a_result(times(0.5)), "exit code 1: MemoryError"],
        "c": ["it was ended by SIGKILL", "it was ended by SIGKILL"],
    }
    made = comparison.compare(comparison.load([a_sweep(tmp_path, jobs)]))
    assert [side.name for side in made.failed] == ["c"] and [s.name for s in made.sides] == ["a", "b"]
    assert made.advice.use == "a"
    assert made.advice.left_out == {
        "b": "failed (round 2: exit code 1: MemoryError)",
        "c": "left no result (round 1: it was ended by SIGKILL)",
    }
    assert made.exit_code() == Exit.NOTHING_VALID
    with pytest.raises(InputError, match="nothing to compare"):
        comparison.compare(comparison.load([a_sweep(tmp_path / "none", {"c": ["it was ended by SIGKILL"]})]))


# The command.


def test_the_gate(tmp_path):
    assert compared(tmp_path / "1", a=a_result(), b=a_result(SLOW)).exit_code() == Exit.SLOWER
    assert compared(tmp_path / "2", a=a_result(), b=a_result(times(0.5))).exit_code() == Exit.OK
    assert compared(tmp_path / "3", a=a_result(), b=a_result()).exit_code() == Exit.OK
    lost = without(a_result(times(0.5)), "text")
    assert compared(tmp_path / "4", a=a_result(), b=lost).exit_code() == Exit.NOTHING_VALID


def test_the_command_line(tmp_path, monkeypatch, capsys):
    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["compare.py", *map(str, arguments)])
        return compare.main(), capsys.readouterr()

    fast = written(a_result(), tmp_path / "fast")
    slow = written(a_result(SLOW, grouping="staged"), tmp_path / "slow")
    other = written(a_result(run={"models": "random"}), tmp_path / "other")
    out = ("--output", tmp_path / "out")
    code, said = command(fast, slow, "--gate", *out)
    assert code == 4 and "Use grouping=sequential executor=sequential" in said.out and "slower" in said.out
    assert {p.name for p in out[1].iterdir()} == {f"comparison.{kind}" for kind in ("html", "md", "json")}
    assert command(fast, slow, *out)[0] == 0
    for arguments, says in (
        ((fast,), "is the only side"),
        ((fast, tmp_path / "nothing"), "there is no such file"),
        ((fast, other), "models: embedded in "),
        ((fast, slow, "--output", fast / "result.json"), "--output: "),
    ):
        code, said = command(*arguments)
        assert code == 2 and said.err.startswith("clipbench: ") and says in said.err
    code, said = command(fast, other, "--allow-mismatch", *out)
    assert code == 0 and "does not match: models: embedded in" in said.out


def test_help_names_what_there_is_and_imports_nothing():
    done = subprocess.run(
        [sys.executable, "compare.py", "--help"], cwd=PROJECT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    for word in ("--reference", "--allow-mismatch", "--gate", "multirun/", "Exit codes"):
        assert word in done.stdout
    code = (
        "import sys, contextlib, io; sys.argv = ['compare.py', '--help']\n"
        "from clipbench.commands import compare\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()): compare.main()\n"
        "sys.exit(', '.join({'numpy', 'scipy', 'jinja2', 'rich', 'torch'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_figure_of_zero_has_no_ratio_and_is_still_the_lowest(tmp_path):
    jobs = {name: [a_result([x]) for x in STEADY] for name in ("a", "b")}
    for name, value in (("a", 0.0), ("b", 2.0)):
        for result in jobs[name]:
            result.metrics.append(MetricValue("gpu_memory_residue", value, "GB", "lower"))
    made = comparison.compare(comparison.load([a_sweep(tmp_path, jobs)]), "b", metric="gpu_memory_residue")
    assert made.advice.use == "a" and "the lowest gpu_memory_residue, 0 GB" in made.advice.sentence
    assert call(made, "a") == "faster" and made.pairs["a", "b"].as_json()["ratio"] is None
