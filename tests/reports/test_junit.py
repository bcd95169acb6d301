"""junit.xml: a case per target with its outcome, readable by whatever reads such files."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from clipbench.reports import formatting
from clipbench.reports.run import junit
from tests.support import report_results
from tests.support.minimal_result import a_result


def written(run, tmp_path) -> ElementTree.Element:
    """The root of the file; parsing it is half the test."""
    return ElementTree.parse(junit.write(run, tmp_path)).getroot()


def test_pass_fail_and_not_measured(tmp_path):
    run = report_results.a_run()
    run.targets[3].status, run.targets[3].observed = "fail", 0.1
    root = written(run, tmp_path)
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert set(cases) == {t.metric for t in run.targets} | {"verdict"}
    assert [child.tag for child in cases["rtf_warm"]] == ["system-out"]
    missed = cases[run.targets[3].metric]
    assert [child.tag for child in missed] == ["failure", "system-out"]
    assert missed[0].get("message") == f"{run.targets[3].metric} is 0.1, limit: ≥ 0.5"
    assert cases["gpu_utilization"].find("skipped").get("message") == "not measured: no GPU"
    for one in (root, root[0]):
        counts = {key: one.get(key) for key in ("tests", "failures", "errors", "skipped")}
        assert counts == {"tests": "23", "failures": "1", "errors": "0", "skipped": "1"}


def test_every_target_missed_is_a_failure_each(tmp_path):
    root = written(report_results.all_red(report_results.a_run()), tmp_path)
    assert root.get("failures") == "22" and root.get("tests") == "23"


def test_a_run_that_measured_nothing_does_not_look_green(tmp_path):
    run = report_results.a_run()
    for target in run.targets:
        target.status, target.observed = "not_measured", None
    run.verdict, run.verdict_reason = "invalid", "no target was measured"
    root = written(run, tmp_path)
    (error,) = root.iter("error")
    assert error.get("message") == "no target was measured" and root.get("errors") == "1"
    assert root.get("skipped") == "22"


@pytest.mark.parametrize(
    "text", [report_results.HOSTILE, report_results.LONG, "\x0b\ufffe\uffff\ud800", "]]><!-- &amp; <![CDATA["]
)
def test_text_from_outside_is_only_text(tmp_path, text):
    run = report_results.hostile(report_results.all_red(report_results.a_run()), text)
    run.targets[0].reason, run.verdict = text, "invalid"
    root = written(run, tmp_path)
    shape = {
        "testsuites",
        "testsuite",
        "properties",
        "property",
        "testcase",
        "failure",
        "error",
        "system-out",
    }
    assert {element.tag for element in root.iter()} == shape
    assert next(root.iter("failure")).text == formatting.printable(text)


def test_the_order_of_elements_is_that_of_the_schema(tmp_path):
    suite = written(report_results.all_red(report_results.a_run()), tmp_path)[0]
    assert [child.tag for child in suite] == ["properties", *["testcase"] * 23]
    assert suite.get("timestamp") == "2026-11-22T16:50:09" and float(suite.get("time")) > 0


def test_a_run_without_targets_has_its_verdict(tmp_path):
    run = a_result()
    run.targets = []
    assert [case.get("name") for case in written(run, tmp_path).iter("testcase")] == ["verdict"]


def test_times_are_what_was_measured(tmp_path):
    run = report_results.a_run(repeats=3)
    name = report_results.NAMES[4]
    run.analyzers[name].analyze_s, run.analyzers[report_results.NAMES[5]].analyze_s = [1.0, 7.0, 2.5], []
    root = written(run, tmp_path)
    times = {case.get("name"): float(case.get("time")) for case in root.iter("testcase")}
    assert times[f"quality.{name}.f1"] == 2.5
    assert times[f"quality.{report_results.NAMES[5]}.f1"] == 0
    measured = sum(p.end_s - p.start_s for p in run.run.passes if not p.warmup)
    assert times["rtf_warm"] == pytest.approx(measured, abs=0.001)
    assert times["verdict"] == pytest.approx(max(s.end_s for s in run.spans), abs=0.001)
    assert float(root.get("time")) == float(root[0].get("time")) == times["verdict"]


def test_seconds_in_which_several_clips_were_under_way_count_once(tmp_path):
    run = report_results.offline()
    cases = {case.get("name"): case for case in written(run, tmp_path).iter("testcase")}
    whole = max(p.end_s for p in run.run.passes) - min(p.start_s for p in run.run.passes if not p.warmup)
    assert 0 < float(cases["rtf_warm"].get("time")) <= whole
