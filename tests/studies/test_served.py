"""The study of scenario=server: both sides are one command line, and errors are of what they say."""

from __future__ import annotations

from argparse import Namespace

import pytest

from studies.served import Compared, command_line, table


def test_a_rate_is_measured_and_predicted_by_one_command_line_but_for_the_executor():
    asked = Namespace(executor="gpu_pinned", limit=4.0, overrides=["only=[color_analysis]"])
    measured, predicted = (command_line(asked, side) for side in (False, True))
    apart = {"executor=gpu_pinned", "executor=simulated", "executor.like=gpu_pinned"}
    assert set(measured) ^ set(predicted) == apart
    assert "only=[color_analysis]" in measured and "scenario.latency_limit_s=4.0" in measured


def test_latencies_are_compared_by_fractions_and_goodput_in_points_of_the_rate():
    late = Compared(2.0, "latency_p95", 1.1, 1.0)
    good = Compared(2.0, "goodput", 1.9, 1.96)
    assert late.error == pytest.approx(0.1) and good.error == pytest.approx(-0.03)
    lines = list(table([late, good]))
    assert lines[2].endswith("| +10.0 % |") and lines[3].endswith("| -3.0 points |")


def test_what_was_not_measured_has_no_error():
    grew = Compared(2.0, "latency_p95", 5.0, None)
    assert grew.error is None
    assert list(table([grew]))[2] == "| 2 | `latency_p95` | 5 | not measured | – |"
