"""Which candidate is recommended, in which words, and when none is."""

from __future__ import annotations

import dataclasses

import pytest

from clipbench.bench.comparing import comparison
from clipbench.bench.enough import ENOUGH, ENOUGH_PAIRS
from clipbench.bench.errors import Exit, InputError
from clipbench.bench.resampling import CONFIDENCE
from clipbench.bench.runs.results import MetricValue
from tests.support.comparisons import SLOW, compared
from tests.support.stored_results import STEADY, a_result, a_sweep, missing_target, times, without


def advice(tmp_path, **results):
    return compared(tmp_path, **results).recommendation


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
    assert given.use == "b" and "cannot be told apart from" in given.sentence and "(same)" in given.sentence
    assert "uses the fewest workers (2)" in given.sentence


def test_of_equals_with_as_many_workers_the_one_with_less_memory_is_recommended(tmp_path):
    other = a_result(times(1.001))
    other.metrics[3] = MetricValue("rss_peak", 1.0, "GB", "lower")
    given = advice(tmp_path, a=a_result(), b=other)
    assert given.use == "b" and "uses the least memory (rss_peak 1 GB)" in given.sentence


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
    assert made.recommendation.use is None
    assert "with 6 samples each of rtf_warm no difference can be told" in made.recommendation.sentence
    assert f"which takes {ENOUGH_PAIRS}" in made.recommendation.sentence
    assert f"run next: each of them again, in turns, repeats={ENOUGH_PAIRS}." in made.recommendation.sentence


@pytest.mark.parametrize("samples", [ENOUGH - 1, ENOUGH])
def test_the_only_one_that_can_be_chosen_has_to_rest_on_enough_samples_too(tmp_path, samples):
    a, b = missing_target(a_result()), a_result(times(0.5)[:samples], grouping="two_core")
    given = advice(tmp_path, a=a, b=b)
    if samples == ENOUGH:
        assert given.use == "b" and "the only one of 2 that can be chosen" in given.sentence
        return
    assert given.use is None and "Use" not in given.sentence
    assert given.sentence.startswith(
        "Nothing can be recommended yet: grouping=two_core executor=sequential (b), which would be chosen, "
        f"rests on {samples} samples of rtf_warm, and a call takes {ENOUGH}; run next: "
    )
    command = f"python run.py -m grouping=sequential,two_core executor=sequential repeats={ENOUGH_PAIRS} "
    assert f"run next: {command}" in given.sentence


def test_nothing_is_recommended_against_a_reference_of_too_few_samples(tmp_path):
    few = missing_target(a_result(STEADY[: ENOUGH - 1]))
    given = advice(tmp_path, a=few, b=a_result(times(0.5)))
    assert given.use is None
    assert f"(a), the reference, rests on {ENOUGH - 1} samples" in given.sentence
    crashed = without(a_result(STEADY[: ENOUGH - 1]), "cuts")  # however often it were measured
    assert advice(tmp_path / "again", a=crashed, b=a_result(times(0.5))).use == "b"


@pytest.mark.parametrize("busy", ["a", "b"])
def test_nothing_is_recommended_from_a_busy_machine(tmp_path, busy):
    cores = {name: {"other_cores": 1.4 if name == busy else 0.1} for name in ("a", "b")}
    results = {
        "a": missing_target(a_result(run=cores["a"])),
        "b": a_result(times(0.1), grouping="two_core", run=cores["b"]),
    }
    given = advice(tmp_path, **results)
    assert given.use is None
    assert f"({busy})" in given.sentence and "took 1.4 of 2 cores" in given.sentence
    assert "run next with nothing else running on the machine: python run.py -m " in given.sentence
    quiet = {name: dataclasses.replace(one, run=dataclasses.replace(one.run, other_cores=0.1))
             for name, one in results.items()}  # fmt: skip
    assert advice(tmp_path / "quiet", **quiet).use == "b"


def test_nothing_is_recommended_where_it_is_undecided(tmp_path):
    given = advice(tmp_path, a=a_result(), b=a_result(times(0.9), run={"workers": 4}))
    assert given.use is None and "it is undecided whether it is better than" in given.sentence
    assert "the processes alone may account for" in given.sentence and "run next: " in given.sentence


def test_a_queue_is_run_again_in_more_rounds(tmp_path):
    one = [
        a_result(STEADY[:1], executor=name, run={"scenario": {"in_flight": 2}}) for name in ("ray", "threads")
    ]
    given = advice(tmp_path, a=one[0], b=one[1])
    rounds = f"hydra.sweeper.rounds={ENOUGH_PAIRS} repeats={ENOUGH_PAIRS}"
    assert given.use is None and f"executor=ray,threads {rounds}" in given.sentence


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
    assert [candidate.name for candidate in made.failed] == ["c"] and [s.name for s in made.candidates] == [
        "a",
        "b",
    ]
    assert made.recommendation.use == "a"
    assert made.recommendation.left_out == {
        "b": "failed (round 2: exit code 1: MemoryError)",
        "c": "left no result (round 1: it was ended by SIGKILL)",
    }
    assert made.exit_code() == Exit.NOTHING_VALID
    with pytest.raises(InputError, match="nothing to compare"):
        comparison.compare(comparison.load([a_sweep(tmp_path / "none", {"c": ["it was ended by SIGKILL"]})]))
