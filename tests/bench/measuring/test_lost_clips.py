"""A run that lost clips says so: in its verdict, its warnings, its exit code and its reports."""

from __future__ import annotations

from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from clipbench.bench.errors import Exit
from clipbench.bench.measuring import run_summary, verdict
from clipbench.bench.measuring.record import Record
from clipbench.bench.planning.config import GateConfig, MinimumConfig
from clipbench.bench.runs import remeasure
from clipbench.bench.runs.results import LostClip, TargetResult
from clipbench.bench.sweeping.verdict import judge_job
from clipbench.reports.run import html, junit, markdown
from tests.support import ideal_run
from tests.support.fake_plans import plan, use_fakes
from tests.support.minimal_result import a_result

MET = [TargetResult("rtf_warm", "<", 3.0, 1.0, "", "pass")]
MISSED = [TargetResult("rtf_warm", "<", 3.0, 4.0, "", "fail")]
ENOUGH = MinimumConfig(analyzers=1, repeats=0, seconds=0)


@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    use_fakes(monkeypatch)


def a_record(lost: int) -> Record:
    """A run of one analyzer over a clip, in which `lost` others could not be read."""
    record = ideal_run.record(plan("steady"), {"steady": []})
    record.lost = [LostClip(f"/clips/{n}.mp4", "it is truncated") for n in range(lost)]
    return record


def decided(lost: int, targets=MET) -> verdict.Decision:
    return verdict.decide(a_record(lost), targets, ENOUGH)


def test_a_run_that_lost_a_clip_does_not_pass():
    assert decided(0).verdict == "pass"
    without_one = decided(1)
    assert without_one.verdict == "incomplete" and without_one.reason.startswith(
        "lost 1 of 2 clips (0.mp4); 1 of 1 targets"
    )
    assert "and 15 more" in decided(20).reason
    assert decided(1, MISSED) == verdict.Decision("fail", "missed: rtf_warm; lost 1 of 2 clips (0.mp4)")


def test_every_lost_clip_is_warned_of_up_to_a_number():
    lines = [line for line in run_summary.warnings(a_record(30)) if line.startswith("lost: ")]
    assert lines[0] == "lost: /clips/0.mp4: it is truncated"
    assert len(lines) == 21 and "10 more clips" in lines[-1]


@pytest.mark.parametrize(
    ("lost", "read", "mode", "code"),
    [
        (0, 2, "enforce", Exit.OK),
        (1, 1, "report", Exit.OK),
        (1, 1, "enforce", Exit.BAD_INPUT),
        (2, 0, "report", Exit.NOTHING_VALID),
        (2, 0, "enforce", Exit.NOTHING_VALID),
    ],
)
def test_exit_codes(lost, read, mode, code):
    result = a_result()
    result.lost_clips = [LostClip(f"{n}.mp4", "it is truncated") for n in range(lost)]
    result.run.clips = [result.run.clip] * read
    assert verdict.exit_code_of_clips(result, GateConfig(mode=mode)) == code


@pytest.fixture
def lossy():
    result = a_result()
    result.lost_clips = [LostClip("/clips/<b>.mp4", "it is truncated")]
    result.warnings = ["lost: /clips/<b>.mp4: it is truncated"]
    return result


def test_the_reports_name_the_clip(lossy, tmp_path):
    root = ElementTree.parse(junit.write(lossy, tmp_path)).getroot()
    (case,) = [case for case in root.iter("testcase") if case.get("name") == "clip /clips/<b>.mp4"]
    assert case.find("error").text == "it is truncated" and root.get("errors") == "1"
    assert "/clips/&lt;b&gt;.mp4: it is truncated" in html.render(lossy)
    assert r"lost: /clips/\<b\>.mp4: it is truncated" in markdown.render(lossy)


def test_it_is_no_baseline_and_no_calibration(lossy):
    assert remeasure.unfit(lossy, "rtf_warm") == "clips were lost: /clips/<b>.mp4"


def test_a_sweep_with_an_enforced_gate_says_which_clip(lossy):
    candidate = SimpleNamespace(runs=[SimpleNamespace(result=lossy)], first=lossy, metric=lossy.metric)
    for mode, judged in {"enforce": (Exit.BAD_INPUT, "lost /clips/<b>.mp4"), "report": (Exit.OK, "")}.items():
        job = SimpleNamespace(gate=GateConfig(mode=mode), minimum=ENOUGH)
        assert judge_job(job, candidate, MET) == judged
