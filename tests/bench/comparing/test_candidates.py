"""Candidates: what is one, under which name, with which samples."""

from __future__ import annotations

import pytest

from clipbench.bench.comparing import comparison
from clipbench.bench.comparing.candidates import Candidate, make_names_unique, metric_samples, sides_of
from clipbench.bench.errors import InputError
from tests.support.comparisons import call
from tests.support.stored_results import STEADY, a_result, a_sweep, written


def test_runs_results_and_folders_of_runs_are_candidates(tmp_path):
    one = written(a_result(), tmp_path / "one")
    two = written(a_result(grouping="staged"), tmp_path / "two")
    for n in range(2):
        written(a_result(executor="threads"), tmp_path / "many" / str(n))
    candidates = comparison.load([one, two / "result.json", tmp_path / "many"])
    assert [(candidate.name, len(candidate.runs)) for candidate in candidates] == [
        ("grouping=sequential,executor=sequential", 1),
        ("grouping=staged,executor=sequential", 1),
        ("grouping=sequential,executor=threads", 2),
    ]
    assert len(candidates[2].metric("rtf_warm").samples) == 2 * len(STEADY)


def test_sides_of_the_same_name_are_pooled_and_those_of_the_same_configuration_told_apart(tmp_path):
    paths = [written(a_result(), tmp_path / name) for name in ("a", "b", "c")]
    pooled = comparison.load([f"before={paths[0]}", f"before={paths[1]}", f"after={paths[2]}"])
    assert [(candidate.name, len(candidate.runs)) for candidate in pooled] == [("before", 2), ("after", 1)]
    alike = comparison.load(paths[:2])
    assert [candidate.name.rpartition(" ")[2] for candidate in alike] == [
        f"({tmp_path.name}/a)",
        f"({tmp_path.name}/b)",
    ]
    newer = written(a_result(environment={"git_commit": "e" * 40}), tmp_path / "newer")
    assert [s.name[-11:] for s in comparison.load([paths[0], newer])] == ["(fffffffff)", "(eeeeeeeee)"]


def test_sweeps_of_the_same_jobs_are_told_apart_by_their_folders(tmp_path):
    for name, factor in (("a", 1.0), ("b", 2.0)):
        a_sweep(tmp_path / name / "s", {"job": [a_result([factor * x]) for x in STEADY]})
    made = comparison.compare(comparison.load([tmp_path / "a" / "s", tmp_path / "b" / "s"]))
    assert [candidate.name for candidate in made.candidates] == ["job (a/s)", "job (b/s)"]
    assert call(made, "job (b/s)") == "slower"
    for name in ("a", "b"):
        written(a_result(), tmp_path / name / "deep" / "runs" / "1")
    alike = comparison.load([tmp_path / name / "deep" / "runs" for name in ("a", "b")])
    assert [candidate.name.rpartition(" ")[2] for candidate in alike] == [
        "(a/deep/runs/1)",
        "(b/deep/runs/1)",
    ]


def test_two_candidates_of_one_name_are_refused(tmp_path):
    paths = [written(a_result(), tmp_path / name) for name in ("a", "b", "c")]
    taken = f"grouping=sequential,executor=sequential ({tmp_path.name}/a)"
    with pytest.raises(InputError, match="two candidates are called"):
        make_names_unique([*comparison.load(paths[:1]), *comparison.load(paths[1:2]), Candidate(taken, [])])
    empty = a_sweep(tmp_path / "empty", {"job": ["it was ended by SIGSEGV"]})
    with pytest.raises(InputError, match="two candidates are called job"):
        comparison.load([empty, empty])


def test_a_link_to_the_latest_run_is_no_run_of_its_own(tmp_path):
    written(a_result(), tmp_path / "day" / "noon")
    (tmp_path / "latest").symlink_to("day/noon", target_is_directory=True)
    (tmp_path / "day" / "latest").symlink_to("noon", target_is_directory=True)
    for folder in (tmp_path, tmp_path / "day"):
        (candidate,) = comparison.load([folder])
        assert [run.path for run in candidate.runs] == [tmp_path / "day" / "noon" / "result.json"]


def test_sides_that_are_pooled_keep_what_was_lost(tmp_path):
    first = a_sweep(tmp_path / "1", {"job": [a_result(), a_result()]})
    second = a_sweep(tmp_path / "2", {"job": ["it was ended by SIGSEGV", a_result()]}, rounds=5)
    (candidate,) = comparison.load([f"x={first}", f"x={second}"])
    assert candidate.failures == ["round 1: it was ended by SIGSEGV"]
    assert (len(candidate.runs), candidate.missing) == (3, 3)


def test_the_rounds_of_a_sweep_are_pooled_and_make_pairs(tmp_path):
    # The machine gets slower from round to round, by more than the candidates differ.
    drift = [1.0, 1.2, 1.5, 1.9, 2.4, 3.0, 3.7, 4.5, 5.4]
    jobs = {
        "grouping=sequential": [a_result([x]) for x in drift],
        "grouping=staged": [a_result([1.1 * x], grouping="staged") for x in drift],
    }
    candidates = comparison.load([a_sweep(tmp_path / "sweep", jobs)])
    sides = sides_of(*candidates, metric_samples("rtf_warm"))
    assert sides.paired and sides.reference == [[x] for x in drift] and len(sides.other) == 9
    made = comparison.compare(candidates)
    assert call(made, "grouping=staged") == "slower"
    apart = comparison.load(
        [f"a={tmp_path / 'sweep' / 'grouping=sequential'}", f"b={tmp_path / 'sweep' / 'grouping=staged'}"]
    )
    assert not sides_of(*apart, metric_samples("rtf_warm")).paired
    assert call(comparison.compare(apart), "b") == "undecided"


def test_a_round_that_one_candidate_has_lost_is_in_no_pair(tmp_path):
    jobs = {
        "a": [a_result([1.0 + n]) for n in range(6)],
        "b": ["it was ended by SIGSEGV", *(a_result([1.0 + n]) for n in range(1, 6))],
    }
    candidates = comparison.load([a_sweep(tmp_path, jobs)])
    sides = sides_of(*candidates, metric_samples("rtf_warm"))
    assert sides.paired and sides.reference == sides.other == [[2.0], [3.0], [4.0], [5.0], [6.0]]
    assert candidates[1].failures == ["round 1: it was ended by SIGSEGV"]


def test_a_sweep_that_is_not_complete_is_told(tmp_path):
    rounds = [a_result([x]) for x in STEADY[:4]]
    made = comparison.compare(comparison.load([a_sweep(tmp_path, {"a": rounds[:2], "b": rounds[2:3]})]))
    assert "the sweep is not complete; missing rounds: b (1)" in made.warnings


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
        (
            [f"x={a_sweep(tmp_path / 'sweep', {'a': [a_result()], 'b': [a_result()]})}"],
            "so it cannot be named",
        ),
    ):
        with pytest.raises(InputError, match=says):
            comparison.load(given)
