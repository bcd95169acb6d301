"""The report on the terminal: nothing is lost at any width, and text out of a video is only text."""

from __future__ import annotations

import dataclasses
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


def printed(result, width: int, verbose: bool = False) -> str:
    console = Console(width=width, file=io.StringIO())
    report.show(result, console, verbose=verbose)
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


def targets():
    limit = {"op": "<=", "limit": 0.2, "unit": ""}
    crashed = "color_analysis crashed"
    return [
        *(TargetResult(f"quality.{name}.f1", ">=", 0.5, 0.9, "", "pass", "") for name in "abc"),
        TargetResult("rtf_warm", "<", 3.0, 10.5, "", "fail", ""),
        TargetResult("quality.color_analysis.f1", **limit, observed=None, status="fail", reason=crashed),
        TargetResult("quality.color_analysis.recall", **limit, observed=None, status="fail", reason=crashed),
        TargetResult("gpu_utilization", "between", [85, 95], None, "%", "not_measured", "no GPU"),
    ]


@pytest.mark.parametrize("width", [80, 200])
def test_what_was_missed_is_told_and_what_is_met_is_counted(result, width):
    result.targets = targets()
    lines = [" ".join(line.split()) for line in printed(result, width).splitlines()]
    assert "rtf_warm < 3 10.5 missed" in lines
    assert "3 targets are met (-v lists them)" in lines
    text = " ".join(lines)
    crashed = (
        "missed quality.color_analysis.f1 ≤ 0.2, quality.color_analysis.recall ≤ 0.2 (color_analysis crashed)"
    )
    assert crashed in text and "not measured gpu_utilization 85 … 95 % (no GPU)" in text
    assert "quality.a.f1 ≥" not in text and "quality.*.f1" not in text


def test_verbose_lists_what_is_met_after_what_was_missed(result):
    result.targets = targets()
    text = printed(result, 80, verbose=True)
    assert "quality.*.f1" in text and "met: 3 analyzers" in text and "-v" not in text
    assert text.index("rtf_warm   ") < text.index("quality.*.f1")


def test_what_failed_comes_first_and_then_what_is_slowest(result):
    one = result.analyzers.pop("a")
    made = {"quick": [0.0003], "slow": [2.5], "failed": [0.1], "middle": [0.05]}
    for name, times in made.items():
        status = "failed" if name == "failed" else "ok"
        result.analyzers[name] = dataclasses.replace(one, analyze_s=times, status=status)
    text = printed(result, 120)
    order = [line.split()[0] for line in text.splitlines() if line.split()[:1] and line.split()[0] in made]
    assert order[:4] == ["failed", "slow", "middle", "quick"]
    assert "0.3 ms" in text and "2.50 s" in text


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
