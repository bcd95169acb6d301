"""Sweeps: turns in their order, failures that cost only themselves, and the budget."""

from __future__ import annotations

import dataclasses
import json

from clipbench.bench.runs import child_run
from clipbench.bench.runs.serialization import to_json
from tests.support.stored_results import a_result, without
from tests.support.sweeps import Notes, a_sweep, gone, order


def test_the_jobs_take_turns(tmp_path, child):
    three = a_sweep(tmp_path / "s", "well", "well", "well")
    assert order(three) == ["A1", "B1", "C1", "A2", "B2", "C2", "A3", "B3", "C3"]
    three.run(notes := Notes())
    assert child() == [f"{name} {number} 1" for number in (1, 2, 3) for name in "ABC"]
    assert [(b[0], b[1], b[2], b[3]) for b in notes.begun[:2]] == [(1, 9, "A", 1), (2, 9, "B", 1)]
    assert notes.begun[0][4] is None and notes.begun[8][4] > 0
    state = json.loads((tmp_path / "s" / "sweep.json").read_text())
    assert state["complete"] and [j["done"] for j in state["jobs"]] == [3, 3, 3]
    assert {t["value"] for t in state["turns"]} == {1.5}


def test_every_second_round_is_the_other_way_round(tmp_path):
    """A drift within a round is then no difference between the jobs: it changes its sign."""
    three = a_sweep(tmp_path, *["well"] * 3, rounds=3, order="alternating")
    assert order(three) == ["A1", "B1", "C1", "C2", "B2", "A2", "A3", "B3", "C3"]


def test_a_shuffled_order_has_every_job_once_a_round_and_is_the_seed_s(tmp_path):
    def rounds(seed: int) -> list[list[str]]:
        names = order(a_sweep(tmp_path, *["well"] * 6, rounds=9, repeats=9, order="shuffled", seed=seed))
        return [[name[0] for name in names[at : at + 6]] for at in range(0, 54, 6)]

    assert all(sorted(names) == list("ABCDEF") for names in rounds(1))
    assert len({"".join(names) for names in rounds(1)}) > 1
    assert rounds(1) == rounds(1) != rounds(2)


def test_repeats_are_shared_out_over_the_rounds(tmp_path, child):
    a_sweep(tmp_path / "s", "well", rounds=3, repeats=8).run(Notes())
    assert child() == ["A 1 3", "A 2 3", "A 3 2"]


def test_a_failing_job_is_given_up_and_costs_only_itself(tmp_path, child):
    five = a_sweep(tmp_path / "s", "die", "refuse", "well", "nothing", "vary", rounds=4, repeats=4)
    five.run(notes := Notes())
    assert set(notes.dropped) == {"A", "B", "D"}
    reasons = {t.job: t.reason for t in notes.done}
    assert reasons["A"] == "it was ended by SIGKILL"
    assert reasons["B"] == "exit code 2: there is no such clip"
    assert reasons["D"].startswith("exit code 0: ") and "result.json" in reasons["D"]
    assert reasons["E"].startswith("exit code 1: failure at")
    assert [len(five.turns_of(name)) for name in "ABCDE"] == [2, 2, 4, 2, 4]
    state = json.loads((tmp_path / "s" / "sweep.json").read_text())
    assert [j["done"] for j in state["jobs"]] == [0, 0, 4, 0, 0] and state["complete"]
    assert state["jobs"][0]["given_up"] == "it failed 2 times in a row: it was ended by SIGKILL"
    assert "no such clip" in (tmp_path / "s" / "B" / "1" / "log.txt").read_text()


def test_what_hangs_is_ended_with_all_it_started(tmp_path, child, monkeypatch):
    monkeypatch.setattr(child_run, "GRACE_S", 0.2)
    one = a_sweep(tmp_path / "s", "hang", rounds=1, repeats=1, timeout_s=1.0)
    one.run(notes := Notes())
    assert notes.done[0].reason == "it took longer than hydra.sweeper.timeout_s=1"
    assert gone(int(child()[1]))


def test_a_verdict_is_no_failure_to_measure_and_a_crash_is(tmp_path, child):
    four = a_sweep(tmp_path / "s", "exit=3", "exit=5", "exit=1", "exit=2", rounds=1, repeats=1)
    four.run(Notes())
    assert [four.turns_of(name)[0].state for name in "ABCD"] == ["done", "done", "failed", "failed"]


def test_analyzers_that_all_fail_are_no_fast_run(tmp_path, child, monkeypatch):
    result = without(without(a_result([1.5]), "text"), "cuts")
    monkeypatch.setenv("RESULT", json.dumps(to_json(result)))
    one = a_sweep(tmp_path / "s", "well", rounds=1, repeats=1)
    one.run(Notes())
    assert (one.turns_of("A")[0].state, one.turns_of("A")[0].reason) == ("failed", "no analyzer succeeded")


def test_no_turn_begins_after_the_budget_and_what_is_left_is_said(tmp_path, child, monkeypatch):
    monkeypatch.setenv("CHILD_S", "0.3")
    two = a_sweep(tmp_path / "s", "well", "well", budget_s=0.2)
    two.run(notes := Notes())
    assert notes.left == ["A1", "B1", "A2", "B2", "A3", "B3"] and notes.interrupted
    monkeypatch.setenv("CHILD_S", "0")
    a_sweep(tmp_path / "s", "well", "well", budget_s=0.0).run(notes := Notes())
    assert notes.left[0] == "A1" and notes.interrupted is False and notes.begun == []
    a_sweep(tmp_path / "s", "well", "well", budget_s=60.0).run(notes := Notes())
    assert notes.left == [] and len(notes.done) == 6 and notes.interrupted is None


def test_a_job_can_have_repeats_of_its_own(tmp_path, child):
    two = a_sweep(tmp_path / "s", "well", "well", rounds=1, repeats=2)
    two.jobs[1] = dataclasses.replace(two.jobs[1], repeats=8)
    two.run(Notes())
    assert child() == ["A 1 2", "B 1 8"]
