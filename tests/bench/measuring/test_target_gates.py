"""Every target of conf/targets/production.yaml: met, missed, not measured, and what the gate makes of each.

The runs are made by hand (ideal_run.py), and a violation is planted where its metric is computed from: in
segments, times or telemetry. A target for which this file plants none fails, so that none goes untested.
"""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as xml
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from clipbench.analyzers import registry
from clipbench.analyzers.base import Segment
from clipbench.bench import quality
from clipbench.bench.enough import ENOUGH
from clipbench.bench.errors import Exit
from clipbench.bench.measuring import session, targets, verdict
from clipbench.bench.probes import environment
from clipbench.bench.runs.results import Environment, quality_of
from clipbench.reports import formatting, markdown_text
from clipbench.reports.run import html, junit, markdown
from tests.support import ideal_run
from tests.support.command_line import PROJECT, run
from tests.support.spoilt_segments import OF_FRAMES, SPOILT

TARGETS = PROJECT / "conf" / "targets" / "production.yaml"
LIMITS = targets.spread(
    targets.parse(yaml.safe_load(TARGETS.read_text())["limits"], "production"), quality.metric_names()
)
Segments = list[Segment]
#: Target → how else a run misses it: arguments of ideal_run.record.
MISSED: dict[str, list[dict[str, Any]]] = {
    "rtf_warm": [{"pass_s": 31.0}],
    "gpu_utilization": [{"utilization": 40.0}, {"utilization": 100.0}],
    "success_rate": [{"lost": ("cut_analysis", "color_analysis")}],
    "gpu_memory_residue": [{"left_bytes": 2 * ideal_run.GB}],
    "vlm_segments_per_second": [{"thinned": "qwen2_vl_temporal"}],
}
MISSED |= {f"quality.{name}": [{"spoilt": name}] for name in SPOILT}
MISSED |= {f"quality.{name}.coverage": [{"overrides": [f"models.{name}.fps=0.01"]}] for name in OF_FRAMES}


class Bench:
    """The real session around runs made by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def session(self, *overrides: str, on_gpu: bool = True) -> session.Session:
        """What `python run.py gate=enforce` would run, on the GPU of a machine that has one."""
        cfg = ideal_run.composed("gate=enforce", f"clip.path={ideal_run.CLIP.path}", *overrides)
        prepared = session.prepare(cfg, self.folder)
        return replace(prepared, plan=ideal_run.on_gpu(prepared.plan)) if on_gpu else prepared

    def judge(
        self,
        prepared: session.Session,
        spoilt: str = "",
        thinned: str = "",
        emptied: tuple[str, ...] = (),
        **planted: Any,
    ):
        """The result of a run in which all is well but what is `planted`, and the exit code."""
        found = dict(ideal_run.segments())
        if spoilt:
            analyzer = spoilt.partition(".")[0]
            found[analyzer] = SPOILT[spoilt](found[analyzer])
        found |= {name: [] for name in emptied}
        if thinned:
            found[thinned] = found[thinned][::2]
        result = ideal_run.result(prepared, ideal_run.record(prepared.plan, found, **planted))
        return result, verdict.exit_code(result, prepared.cfg.gate)


@pytest.fixture
def bench(tmp_path, monkeypatch):
    described = Environment(machine="by hand", cores_allowed=2)
    monkeypatch.setattr(environment, "describe", lambda: described)
    for name, cls in registry.discover().items():
        if cls.stand_in:  # as the production back end is
            monkeypatch.setattr(registry.discover()[name], "stand_in", None)
    return Bench(tmp_path)


def target(result, name):
    return next(t for t in result.targets if t.metric == name)


def of(metric: str) -> str:
    """The analyzer that a metric is about; "" for one of the run as a whole."""
    return session.about_analyzers().get(metric, "")


def test_a_violation_is_planted_for_every_target():
    assert set(MISSED) == set(LIMITS), "plant one above for each limit, and none for a limit that is gone"


def test_all_targets_are_met(bench):
    result, code = bench.judge(bench.session())
    assert {t.metric: (t.status, t.reason) for t in result.targets} == dict.fromkeys(LIMITS, ("pass", ""))
    assert (result.verdict, code) == ("pass", Exit.OK), result.verdict_reason


#: Limits that are on every analyzer are looked at in one of them; test_form_and_coverage.py has the others.
LOOKED_AT = [n for n in LIMITS if not n.endswith(("malformed", "duplicates")) or of(n) == "cut_analysis"]


@pytest.mark.parametrize(("name", "planted"), [(n, p) for n in LOOKED_AT for p in MISSED.get(n, [])])
def test_a_violation_is_red_everywhere(bench, name, planted):
    planted = dict(planted)
    result, code = bench.judge(bench.session(*planted.pop("overrides", ())), **planted)
    assert (target(result, name).status, code) == ("fail", Exit.TARGET_MISSED)
    assert result.verdict == "fail" and name in result.verdict_reason
    # What was planted has little to do with other analyzers; those that were lost miss all of their own.
    missed = {t.metric for t in result.targets if t.status == "fail"}
    assert set(map(of, missed)) <= {of(name), *planted.get("lost", ())}, missed
    red(result, missed, bench.folder)


def without(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """How to run so that this metric is not measured: arguments of Bench.session and Bench.judge."""
    if name.startswith("gpu_"):
        return {"on_gpu": False}, {}
    return {}, {"repeats": 0}


@pytest.mark.parametrize("name", ["gpu_utilization", "gpu_memory_residue", "rtf_warm", "success_rate"])
def test_what_was_not_measured_is_no_pass_and_red_where_it_is_required(bench, name):
    how, planted = without(name)
    free = bench.session(**how)
    result, code = bench.judge(free, **planted)
    missing = target(result, name)
    assert (missing.status, missing.observed) == ("not_measured", None)
    assert missing.reason
    if planted.get("repeats") == 0:
        assert (result.verdict, code) == ("invalid", Exit.NOTHING_VALID)
        return
    assert (result.verdict, code) == ("incomplete", Exit.NOTHING_VALID), result.verdict_reason
    assert "; not measured: gpu_utilization, gpu_memory_residue" in result.verdict_reason
    allowed = bench.session("gate.allow_unmeasured=[gpu_*]", **how)
    assert bench.judge(allowed, **planted)[1] == Exit.OK

    gate = dataclasses.replace(free.cfg.gate, require=[name])
    required = replace(free, cfg=dataclasses.replace(free.cfg, gate=gate))
    result, code = bench.judge(required, **planted)
    assert (result.verdict, code) == ("fail", Exit.TARGET_MISSED)
    assert f"required, but not measured: {name}" in result.verdict_reason
    assert f"required, but not measured: {name}" in failures(result, bench.folder)["verdict"]


@pytest.mark.parametrize("analyzer", ideal_run.segments())
def test_the_promises_of_a_lost_analyzer_are_missed(bench, analyzer):
    result, code = bench.judge(bench.session("gate.allow_unmeasured=['*']"), lost=(analyzer,))
    assert (result.verdict, code) == ("fail", Exit.TARGET_MISSED)
    missing = [t for t in result.targets if of(t.metric) == analyzer]
    assert missing and {(t.status, t.observed) for t in missing} == {("fail", None)}
    assert all(f"{analyzer} failed: ValueError: planted" in t.reason for t in missing)
    assert {of(t.metric) for t in result.targets if t.status != "pass"} == {analyzer}


@pytest.mark.parametrize("analyzer", ideal_run.segments())
def test_who_finds_nothing_where_something_is_has_failed(bench, analyzer):
    result, code = bench.judge(bench.session(), emptied=(analyzer,))
    assert (result.verdict, code) == ("fail", Exit.TARGET_MISSED)
    assert analyzer in result.verdict_reason
    assert result.metric("success_rate").value == 95
    assert f"{analyzer} found nothing in reference.mp4, where the truth has something" in " ".join(
        result.warnings
    )


def test_who_finds_nothing_where_nothing_is_did_well(bench, monkeypatch):
    plain = dict(ideal_run.TRUTH, texts=[], cuts=[], fades=[], effects=[], objects=[], ignore=[], topics=[])
    monkeypatch.setattr(quality, "load_truth", lambda *_: (quality.truth.of_labels(plain), ""))
    quiet = ("text_overlay", "visual_effects", "object_detection")
    result, _ = bench.judge(bench.session(), emptied=quiet)
    assert result.metric("success_rate").value == 100
    assert not any(t.status == "fail" for t in result.targets if quality_of(t.metric) in quiet)


def test_a_stand_ins_figure_does_not_do_where_the_models_is_required(bench, monkeypatch):
    name = "quality.qwen2_vl_temporal.subject_recall"
    monkeypatch.setattr(registry.discover()["qwen2_vl_temporal"], "stand_in", "composed")
    result, code = bench.judge(bench.session(f"gate.require=[{name}]"))
    assert result.metric(name).value == 1
    assert (result.verdict, code) == ("fail", Exit.TARGET_MISSED)


@pytest.mark.parametrize(
    ("planted", "overrides", "says"),
    [
        ({"repeats": 2}, (), f"2 of {ENOUGH} repeats"),
        ({"repeats": 0}, (), f"0 of {ENOUGH} repeats, 0 of 3 seconds"),
        ({"pass_s": 0.5}, (), "2.5 of 3 seconds"),
        (
            {},
            ("only=[cut_analysis,color_analysis]", "targets.minimum.analyzers=20"),
            "2 of 20 analyzers",
        ),
        ({"pass_s": 31.0, "repeats": 1}, (), f"1 of {ENOUGH} repeats"),  # also where a target is missed
    ],
)
def test_too_little_is_invalid_and_says_of_what(bench, planted, overrides, says):
    result, code = bench.judge(bench.session(*overrides), **planted)
    assert (result.verdict, code) == ("invalid", Exit.NOTHING_VALID)
    assert result.verdict_reason == f"too little was measured: {says}"


def test_a_subset_is_incomplete_and_says_what_it_covers(bench):
    part = bench.session("only=[cut_analysis,color_analysis]")
    result, code = bench.judge(part)
    assert (result.verdict, code) == ("incomplete", Exit.OK)
    assert result.verdict_reason.startswith("covers 2 of 20 analyzers (color_analysis, cut_analysis); ")
    assert {t.metric.split(".")[1] for t in result.targets if t.metric.startswith("quality.")} == {
        "cut_analysis",
        "color_analysis",
    }
    assert "vlm_segments_per_second" not in {t.metric for t in result.targets}
    assert failures(result, bench.folder) == {}
    assert markdown.write(result, bench.folder).read_text().startswith("# 🟡 incomplete")
    assert 'class="card verdict incomplete"' in html.write(result, bench.folder).read_text()


def test_a_subset_that_misses_a_target_fails(bench):
    part = bench.session("only=[cut_analysis,color_analysis]")
    result, code = bench.judge(part, spoilt="cut_analysis.f1")
    assert (result.verdict, code) == ("fail", Exit.TARGET_MISSED)


def test_a_subset_without_what_is_required_fails(bench):
    name = "quality.text_overlay.character_error_rate"
    part = bench.session("only=[cut_analysis,color_analysis]", f"gate.require=[{name}]")
    result, code = bench.judge(part)
    assert (result.verdict, code) == ("fail", Exit.TARGET_MISSED)
    assert f"required, but not measured: {name}" in result.verdict_reason


def test_targets_on_all_that_a_grouping_has_are_covered(bench):
    targets_of_one = ("targets.limits.quality=null", "+targets.limits.quality.cut_analysis.f1='>= 0.9'")
    own = ("grouping.groups.all.analyzers=[cut_analysis]", "targets.limits.vlm_segments_per_second=null")
    result, code = bench.judge(bench.session(*own, *targets_of_one))
    assert (result.verdict, code) == ("pass", Exit.OK)


def test_what_is_enough_is_for_the_targets_to_say(bench):
    asked = ("targets.minimum.analyzers=2", "targets.minimum.repeats=1", "targets.minimum.seconds=0")
    part = bench.session("only=[cut_analysis,color_analysis]", *asked)
    result, code = bench.judge(part, repeats=1)
    assert (result.verdict, code) == ("pass", Exit.OK)
    result, code = bench.judge(part, repeats=1, spoilt="cut_analysis.f1")
    assert (result.verdict, code) == ("fail", Exit.TARGET_MISSED)


def test_the_command_exits_with_it(tmp_path):
    """From the prompt, on two real analyzers: a limit that none can meet."""
    done = run(
        "gate=enforce",
        "only=[cut_analysis,color_analysis]",
        "targets.minimum={analyzers:2,repeats:1,seconds:0}",
        "targets.limits.quality.cut_analysis.f1='> 1'",
        "scenario.warmup=0",
        "scenario.repeats=1",
        f"hydra.run.dir={tmp_path}",
    )
    assert done.returncode == Exit.TARGET_MISSED, done.stderr
    assert "missed: quality.cut_analysis.f1" in done.stdout


def red(result, names: set[str], folder: Path) -> None:
    """Every report of `result` shows these targets, and no other, as missed."""
    labels = [formatting.metric_label(t.metric) for t in result.targets if t.metric in names]
    page = html.write(result, folder).read_text()
    items = re.findall(r'<li class="fail">(.*?)</li>', page, re.DOTALL)
    assert len(items) == len(labels)
    for item, label in zip(items, labels, strict=True):
        assert label in re.sub(r"<.*?>", "", item)
    assert 'class="card verdict fail"' in page

    text = markdown.write(result, folder).read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ❌ missed |")]
    assert [row.split(" | ")[1] for row in rows] == [markdown_text.escape(label) for label in labels]
    assert text.startswith("# ❌ fail")

    assert set(failures(result, folder)) == names


def failures(result, folder: Path) -> dict[str, str]:
    """The failed cases of junit.xml, with what they say."""
    cases = xml.parse(junit.write(result, folder)).getroot().iter("testcase")
    return {c.get("name"): c.find("failure").get("message") for c in cases if c.find("failure") is not None}
