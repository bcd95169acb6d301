"""How a GPU check divides its time, by a clock of its own and runs that take as long as they are told to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clipbench.bench.runs.child_run import ChildRun
from clipbench.bench.sweeping import identity, sweep
from clipbench.bench.sweeping.gpu_check_pace import LEAST_RUNS, PacedSweep
from clipbench.bench.sweeping.sweep import Job
from tests.support.sweeps import Notes

BUDGET_S = 470.0
NAMES = "ABCDEFGHIJKL"
FOREVER = 1e9


class Clock:
    """Runs that take `seconds_of` their name and repeats, or are ended at their limit."""

    def __init__(self, seconds_of: Callable[[str, int], float]) -> None:
        self.now_s, self.seconds_of = 1000.0, seconds_of
        self.repeats: dict[str, int] = {}

    def monotonic(self) -> float:
        return self.now_s

    def run(self, arguments, folder, timeout_s, metrics, limit="", program=None) -> ChildRun:
        name = arguments[0].partition("=")[2]
        self.repeats[name] = next(int(a.partition("=")[2]) for a in arguments if a.startswith("repeats="))
        took_s = self.seconds_of(name, self.repeats[name])
        assert timeout_s > 0
        self.now_s += min(took_s, timeout_s)
        if took_s > timeout_s:
            return ChildRun("failed", f"it took longer than {limit}", None, timeout_s)
        return ChildRun("done", "", 0, took_s, "rtf_warm", 1.0)


@pytest.fixture
def checked(monkeypatch, tmp_path):
    """Make a check of twelve runs, the last of them the short one, and see what came of it."""

    def made(seconds_of: Callable[[str, int], float]) -> tuple[PacedSweep, Notes, Clock]:
        clock, notes = Clock(seconds_of), Notes()
        monkeypatch.setattr(sweep, "run_child", clock.run)
        monkeypatch.setattr(sweep.time, "monotonic", clock.monotonic)
        monkeypatch.setattr(identity, "code", dict)
        jobs = [Job(name, (f"executor={name}",), {}, {}, repeats=12 if name in "BD" else 3) for name in NAMES]
        jobs[-1] = Job("L", ("executor=L",), {}, {}, repeats=1)
        made = PacedSweep(
            tmp_path, jobs, 1, 3, "fixed", 0, FOREVER, {}, ["python"], "python", BUDGET_S, own_folder=False
        )
        made.run(notes)
        assert clock.now_s <= 1000 + BUDGET_S
        return made, notes, clock

    return made


def test_runs_that_are_short_are_all_made_with_all_their_repeats(checked):
    _, notes, clock = checked(lambda name, repeats: 30.0)
    assert [turn.job for turn in notes.done] == list(NAMES) and notes.interrupted is None
    assert clock.repeats == {name: 12 if name in "BD" else 1 if name == "L" else 3 for name in NAMES}


def test_eight_are_begun_even_if_each_hangs(checked):
    made, notes, _ = checked(lambda name, repeats: FOREVER)
    assert len(notes.begun) >= LEAST_RUNS == 8
    assert made.turns["A", 1].seconds == pytest.approx(BUDGET_S / 3)
    assert made.turns["A", 1].reason == "it took longer than the 157 s that it may take of 470"
    assert all(turn.seconds >= BUDGET_S / 8 / 2 - 1e-6 for turn in list(made.turns.values())[:8])


def test_one_that_hangs_costs_no_more_than_its_share(checked):
    made, notes, _ = checked(lambda name, repeats: FOREVER if name == "A" else 35.0)
    assert [turn.job for turn in notes.done] == list("ABCDEFGHI")
    assert [turn.job for turn in made.turns.values() if turn.state == "failed"] == ["A"]


def test_long_runs_have_fewer_repeats_so_that_eight_are_made(checked):
    made, _, clock = checked(lambda name, repeats: 30.0 + 14.0 * repeats / (4 if name in "BD" else 1))
    assert {name: clock.repeats[name] for name in "ABCD"} == {"A": 3, "B": 4, "C": 1, "D": 4}
    assert sum(turn.state == "done" for turn in made.turns.values()) >= 8


def test_what_would_not_fit_is_not_begun_but_for_the_last_which_is_short(checked):
    made, notes, _ = checked(lambda name, repeats: 5.0 if name == "L" else 50.0)
    assert [turn.job for turn in notes.done] == [*"ABCDEFGHI", "L"]
    assert notes.left == ["J1", "K1"] and notes.interrupted is False
    assert all(turn.state == "done" for turn in made.turns.values()), "no time went to one that was cut off"
