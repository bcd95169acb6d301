"""Which candidate is recommended, in which words, and when none is."""

from __future__ import annotations

import pytest

from clipbench.bench.comparing import comparison
from clipbench.bench.comparing.statistics import CONFIDENCE, MIN_PAIRS
from clipbench.bench.errors import Exit, InputError
from clipbench.bench.runs.results import MetricValue
from tests.support.comparisons import SLOW, compared
from tests.support.stored_results import STEADY, a_result, a_sweep, missing_target, times


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
    assert f"(repeats={MIN_PAIRS} or more)" in made.recommendation.sentence


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
