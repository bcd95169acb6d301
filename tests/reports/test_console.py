"""The report on the terminal: nothing is lost at any width, and text out of a video is only text."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from clipbench.bench.runs.results import ClipSummary, PassSummary, TargetResult
from clipbench.reports.run import console as report
from tests.support.minimal_result import a_result


@pytest.fixture
def result():
    made = a_result()
    made.run.clip = ClipSummary("[red]a.mp4", "ab" * 32, 1.0, 2, 3, 4.0, has_audio=True)
    made.run.passes = [PassSummary(True, 0.0, 1.0)]
    made.metrics.append(type(made.metrics[0])("quality.a.f1", 0.5, "", "higher"))
    made.metrics.append(type(made.metrics[0])("gpu_utilization", None, "%", "higher", [], "no GPU"))
    made.targets.append(
        TargetResult("gpu_utilization", "between", [85, 95], None, "%", "not_measured", "no GPU")
    )
    made.analyzers["a"].headline = "[bold]<script>[/]"
    return made


def printed(result, width: int) -> str:
    console = Console(width=width, file=io.StringIO())
    report.show(result, console)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 120, 170])
def test_nothing_is_lost_at_any_width(result, width):
    text = printed(result, width)
    for word in (
        "rtf_warm",
        "1.4 … 1.6 in 2 repeats",
        "f1 0.5",
        "not measured",
        "no GPU",
        "85 … 95 %",
        "verdict: pass",
    ):
        assert word in text


def test_text_of_a_video_is_not_markup(result):
    text = printed(result, 170)
    assert "[red]a.mp4" in text and "[bold]<script>[/]" in text


def test_failures_are_told_with_their_reason(result):
    result.analyzers["a"].status, result.analyzers["a"].reason = "failed", "ValueError: [x]"
    result.warnings = ["a [warning]"]
    text = printed(result, 100)
    assert "a failed: ValueError: [x]" in text and "a [warning]" in text


def test_stand_ins_are_marked(result):
    result.analyzers["a"].stand_in = "no such model"
    assert all("stand-in" in printed(result, width) for width in (80, 120, 170))


def test_what_is_odd_about_the_clip_is_told_beside_it_and_only_then(result):
    assert "note:" not in printed(result, 80)
    result.run.clip.tracks, result.run.clip.remarks = "video track 1 of 2", ["1 [picture] is missing"]
    head = printed(result, 80).split("grouping=")[0]
    assert "note: video track 1 of 2; 1 [picture] is missing" in head
