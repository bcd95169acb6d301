"""Comparisons: every call, which analyzers changed, quality, targets, and the exit code of a gate."""

from __future__ import annotations

import dataclasses

import pytest

from clipbench.bench.comparing import calibration, comparison
from clipbench.bench.errors import Exit, InputError
from clipbench.bench.runs.results import HeldBack, MetricValue
from tests.support.comparisons import SLOW, call, candidates_of, compared
from tests.support.stored_results import STEADY, a_result, a_sweep, times, without


def test_the_reference_and_the_metric_are_chosen_by_name(tmp_path):
    candidates = candidates_of(tmp_path, a=a_result(), b=a_result(SLOW))
    assert comparison.compare(candidates).reference.name == "a"
    made = comparison.compare(candidates, "b", "rss_peak")
    assert (made.reference.name, made.metric) == ("b", "rss_peak")
    assert comparison.compare(candidates, str(tmp_path / "b")).reference.name == "b"
    for arguments, says in (
        (("c",), "there is no such candidate; there are: a, b"),
        ((None, "rtf_wram"), "did you mean rtf_warm"),
        ((None, "throughput"), "was not measured in a: one clip at a time"),
        ((None, "success_rate"), "there is no metric success_rate to compare"),
    ):
        with pytest.raises(InputError, match=says):
            comparison.compare(candidates, *arguments)


def with_other_cores(result):
    """The run, during which nothing else went on."""
    return dataclasses.replace(result, run=dataclasses.replace(result.run, other_cores=0.0))


def test_the_noise_floor_is_that_of_the_machine(tmp_path):
    candidates = candidates_of(tmp_path, a=a_result(), b=a_result(times(1.2)))
    assert call(comparison.compare(candidates), "b") == "slower"
    spread = [[x, 1.3 * x, x] for x in (1.0, 1.2, 0.9, 1.1, 1.0, 1.0)]
    rounds = iter([dataclasses.replace(candidates[1].first, metrics=a_result(x).metrics) for x in spread])
    found = calibration.calibrate(lambda number: with_other_cores(next(rounds)))
    made = comparison.compare(candidates)
    assert call(made, "b") == "same" and made.noise["b"].value == found.noise


def test_what_other_work_may_account_for_is_not_called(tmp_path):
    """Two cores, of which others took 1.04 during one run: what takes all of them takes twice as long."""

    def beside(cores, factor=1.0):
        return a_result(times(factor), run={"other_cores": cores})

    results = {"a": beside(0.0), "b": beside(1.04, 2.08), "c": beside(1.04, 4), "d": beside(0.0, 2)}
    made = compared(tmp_path, **results)
    assert made.pairs["a", "b"].reason == "slower, but other work may account for a factor of 2.08"
    assert call(made, "b") == "undecided" and call(made, "a", reference="b") == "undecided"
    assert {m.difference.call for m in made.analyzers["b"]} == {"undecided"}
    assert call(made, "c") == "slower" and "a factor of 2.08" in made.pairs["a", "c"].reason
    assert call(made, "d") == "slower" and made.pairs["a", "d"].reason == ""
    assert call(made, "d", reference="b") == "undecided"  # 0.96 times, beside half the work of others
    assert made.exit_code() == Exit.SLOWER


def test_what_a_limit_of_the_container_may_account_for_is_not_called(tmp_path):
    """Of two cores, a limit kept one from the second run."""
    held = a_result(times(1.9), run={"other_cores": 0.0, "held_back": HeldBack(throttled_cores=1.0)})
    made = compared(tmp_path, a=a_result(times(1.0), run={"other_cores": 0.0}), b=held)
    assert call(made, "b") == "undecided" and "factor of 2.00" in made.pairs["a", "b"].reason


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
    moved = made.analyzers["slow"]
    assert [(m.analyzer, round(m.change_s, 2), m.difference.call) for m in moved] == [
        ("text", 2.5, "slower"),
        ("cuts", 2.5, "slower"),
    ]


def test_the_analyzer_that_changed_most_comes_first(tmp_path):
    other = a_result(times(1.1))
    other.analyzers["text"].analyze_s = times(5.1)
    other.analyzers["cuts"].analyze_s = times(4.0)
    moved = compared(tmp_path, a=a_result(), b=other).analyzers["b"]
    assert [(m.analyzer, m.difference.call) for m in moved] == [("cuts", "faster"), ("text", "same")]


def test_less_time_with_fewer_analyzers_is_not_faster(tmp_path):
    made = compared(tmp_path, a=a_result(), b=without(a_result(times(0.5)), "text"))
    assert call(made, "b") == "undecided"
    assert made.pairs["a", "b"].reason == "not the same analyzers gave results: text"
    assert made.candidates[1].lost() == {"text": "crashed: by SIGSEGV"}
    assert [m.analyzer for m in made.analyzers["b"]] == ["cuts"]
    assert made.recommendation.use == "a" and "b" in made.recommendation.left_out


def test_quality_that_differs_is_told(tmp_path):
    other = a_result()
    other.metrics[-1] = MetricValue("quality.text.recall", 0.4, "", "higher")
    made = compared(tmp_path, a=a_result(), b=other)
    assert [row.metric for row in made.quality] == ["quality.text.recall"]
    assert compared(tmp_path / "again", a=a_result(), b=a_result()).quality == []


def test_targets_are_judged_over_all_runs(tmp_path):
    rounds = [a_result([2.0]), a_result([3.5]), a_result([4.0])]
    candidate = comparison.load([a_sweep(tmp_path, {"a": rounds, "b": [a_result([1.0])]})])[0]
    assert [(t.metric, t.status, t.observed) for t in comparison.judge_targets(candidate)] == [
        ("rtf_warm", "fail", 3.5),
        ("throughput", "not_measured", None),
    ]


def test_a_figure_of_zero_has_no_ratio_and_is_still_the_lowest(tmp_path):
    jobs = {name: [a_result([x]) for x in STEADY] for name in ("a", "b")}
    for name, value in (("a", 0.0), ("b", 2.0)):
        for result in jobs[name]:
            result.metrics.append(MetricValue("gpu_memory_residue", value, "GB", "lower"))
    made = comparison.compare(comparison.load([a_sweep(tmp_path, jobs)]), "b", metric="gpu_memory_residue")
    assert (
        made.recommendation.use == "a"
        and "the lowest gpu_memory_residue, 0 GB" in made.recommendation.sentence
    )
    assert call(made, "a") == "faster" and made.pairs["a", "b"].as_json()["ratio"] is None


def test_the_gate(tmp_path):
    assert compared(tmp_path / "1", a=a_result(), b=a_result(SLOW)).exit_code() == Exit.SLOWER
    assert compared(tmp_path / "2", a=a_result(), b=a_result(times(0.5))).exit_code() == Exit.OK
    assert compared(tmp_path / "3", a=a_result(), b=a_result()).exit_code() == Exit.OK
    lost = without(a_result(times(0.5)), "text")
    assert compared(tmp_path / "4", a=a_result(), b=lost).exit_code() == Exit.NOTHING_VALID
