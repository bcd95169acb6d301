"""The study of predictions: cases are those of a seed, each has every analyzer once, and sums are right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clipbench.analyzers import registry
from studies.predictions import Case, Compared, cases, summary, table

EXECUTORS, CLIPS = ["sequential", "gpu_pinned"], ["reference", "second"]


def test_cases_depend_on_the_seed_alone():
    first = cases(3, 1, EXECUTORS, CLIPS)
    assert first == cases(3, 1, EXECUTORS, CLIPS) != cases(3, 2, EXECUTORS, CLIPS)
    assert len({case.name for case in first}) == len(first) == (1 + 4 + 3) * len(CLIPS)


def test_a_random_grouping_has_every_analyzer_once():
    for case in cases(5, 1, ["gpu_pinned"], ["reference"])[4:]:
        (groups,) = (word for word in case.overrides if word.startswith("++grouping.groups"))
        named = [name for names in re.findall(r"\[(.*?)\]", groups) for name in names.split(",")]
        assert sorted(named) == sorted(registry.discover())


def test_a_case_is_measured_and_predicted_by_one_command_line_but_for_the_executor():
    case = cases(0, 1, ["gpu_pinned"], ["second"])[0]
    apart = set(case.measured()) ^ set(case.predicted(Path("store")))
    assert apart == {
        "executor=gpu_pinned",
        "executor=simulated",
        "executor.like=gpu_pinned",
        "costs.store=store",
    }


def test_errors_are_fractions_of_what_was_measured():
    one = Compared(Case("two_core", (), "gpu_pinned", "reference"), (0.5, 0.55, 0.6), (0.4, 0.5, 0.7))
    other = Compared(Case("two_core", (), "gpu_pinned", "second"), (0.49,), (0.5,))
    assert one.error == pytest.approx(0.1) and other.error == pytest.approx(-0.02)
    lines = list(table([one, other]))
    assert (
        "+10.0 %" in lines[2]
        and "| 0.500 … 0.600 | 0.500 | 0.400 … 0.700 |" in lines[2]
        and "-2.0 %" in lines[3]
    )
    assert any(line.startswith("another clip: median error 2.0 %, 1 of 1") for line in lines)
    assert summary([0.01, 0.2, 0.03]) == "median error 3.0 %, 2 of 3 within 10 %, largest 20.0 %"
