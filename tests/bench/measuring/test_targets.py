"""Targets: parsed as written, met, missed or not measured, and what each does to the verdict."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import yaml

from clipbench.analyzers import registry
from clipbench.bench import quality
from clipbench.bench.errors import Exit, InputError
from clipbench.bench.measuring import metrics as run_metrics
from clipbench.bench.measuring import targets
from clipbench.bench.measuring import verdict as verdicts
from clipbench.bench.runs.results import MetricValue
from tests.support.command_line import PROJECT


def metric(value: float | None, name: str = "x", reason: str = "") -> MetricValue:
    return MetricValue(name, value, "s", "lower", [], reason)


@pytest.mark.parametrize(
    ("limit", "inside", "outside"),
    [
        ("< 3", 2.9, 3.0),
        ("<= 3", 3.0, 3.1),
        (">3", 3.1, 3.0),
        (">= 0.8", 0.8, 0.79),
        ("85..95", 85, 95.1),
        ("85 .. 95", 90, 84.9),
        ("< 1e-3", 0.0005, 0.002),
    ],
)
def test_a_limit_passes_fails_or_is_not_measured(limit, inside, outside):
    limits = targets.parse({"x": limit}, "here")
    assert targets.evaluate(limits, [metric(inside)])[0].status == "pass"
    assert targets.evaluate(limits, [metric(outside)])[0].status == "fail"
    absent = targets.evaluate(limits, [metric(None, reason="no GPU")])[0]
    assert (absent.status, absent.observed, absent.reason) == ("not_measured", None, "no GPU")


def test_a_stand_in_never_meets_a_target_for_quality():
    limits = targets.parse({"quality": {"a": {"f1": "> 0"}, "b": {"f1": "> 0"}}}, "here")
    metrics = [metric(1, "quality.a.f1"), metric(1, "quality.b.f1")]
    a, b = targets.evaluate(limits, metrics, stand_ins={"a"})
    assert (a.status, a.observed, a.reason) == ("not_measured", None, "a is a stand-in")
    assert b.status == "pass"


@pytest.mark.parametrize("text", ["fast", "3", "< three", "85-95", "< 3 s", ""])
def test_what_is_no_limit_is_refused(text):
    with pytest.raises(InputError, match=r"here: limits\.x.*is not a limit"):
        targets.parse({"x": text}, "here")


def test_nested_limits_are_joined_and_null_takes_one_away():
    parsed = targets.parse({"quality": {"a": {"f1": ">= 0.9"}}, "rtf_warm": None}, "here")
    assert parsed == {"quality.a.f1": (">=", 0.9)}


def test_a_limit_on_no_metric_is_refused():
    with pytest.raises(InputError, match="did you mean rtf_warm"):
        targets.check_names({"rtf_wram": ("<", 3)}, [], ["rtf_warm"], "here")


@pytest.mark.parametrize("name", ["production", "second", "negative"])
def test_the_targets_name_real_metrics(name):
    content = yaml.safe_load((PROJECT / f"conf/targets/{name}.yaml").read_text())
    assert content["name"] == name
    known = [m.name for m in run_metrics.METRICS] + quality.metric_names()
    limits = targets.spread(targets.parse(content["limits"], name), known)
    targets.check_names(limits, [], known, name)


def test_the_production_targets_are_on_every_analyzer():
    content = yaml.safe_load((PROJECT / "conf/targets/production.yaml").read_text())
    limits = targets.spread(targets.parse(content["limits"], "production"), quality.metric_names())
    assert {name.split(".")[1] for name in limits if name.startswith("quality.")} == set(registry.discover())


def gate(mode="enforce", allowed=()):
    return SimpleNamespace(mode=mode, allow_unmeasured=list(allowed))


def test_exit_codes_of_the_gate():
    code = {"pass": Exit.OK, "fail": Exit.TARGET_MISSED, "incomplete": Exit.OK, "invalid": Exit.NOTHING_VALID}
    for verdict, expected in code.items():
        result = made_of(verdict, warmups=[True, False], statuses=["ok", "error"])
        assert verdicts.exit_code(result, gate()) == expected
        assert verdicts.exit_code(result, gate("report")) == Exit.OK


def made_of(verdict, warmups, statuses):
    run = SimpleNamespace(passes=[SimpleNamespace(warmup=each) for each in warmups])
    analyzers = {str(n): SimpleNamespace(status=each) for n, each in enumerate(statuses)}
    return SimpleNamespace(verdict=verdict, targets=[], run=run, analyzers=analyzers)


@pytest.mark.parametrize(
    ("warmups", "statuses", "expected"),
    [
        ([True, False], ["ok", "error"], Exit.OK),
        ([True, False], ["error", "oom"], Exit.NOTHING_VALID),
        ([True], ["ok"], Exit.NOTHING_VALID),
        ([], [], Exit.NOTHING_VALID),
    ],
)
def test_without_an_enforced_gate_only_nothing_at_all_is_told(warmups, statuses, expected):
    result = made_of("invalid", warmups, statuses)
    assert verdicts.exit_code(result, gate("report")) == expected
    assert verdicts.exit_code(result, gate("off")) == Exit.OK


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        ((), Exit.NOTHING_VALID),
        (("gpu_utilization",), Exit.NOTHING_VALID),
        (("gpu_*",), Exit.NOTHING_VALID),
        (("gpu_*", "quality.a.f1"), Exit.OK),
        (("gpu_utilization", "quality.*"), Exit.OK),
        (("*",), Exit.OK),
    ],
)
def test_what_was_not_measured_must_be_allowed_by_name(allowed, expected):
    metrics = [metric(1, "rtf_warm"), metric(None, "gpu_utilization", "no GPU"), metric(None, "quality.a.f1")]
    limits = {m.name: targets.Limit("<", 3) for m in metrics}
    result = SimpleNamespace(verdict="incomplete", targets=targets.evaluate(limits, metrics))
    assert verdicts.exit_code(result, gate(allowed=allowed)) == expected
    assert verdicts.exit_code(result, gate("report", allowed)) == Exit.OK


def test_what_failed_is_missed_and_allowed_by_no_name():
    failed = replace(metric(None, "quality.a.f1", "a crashed"), failed=True)
    (judged,) = targets.evaluate({"quality.a.f1": targets.Limit(">", 0)}, [failed])
    assert (judged.status, judged.observed, judged.reason) == ("fail", None, "a crashed")
    assert targets.not_allowed([judged], ["*"]) == []
    (stands_in,) = targets.evaluate({"quality.a.f1": targets.Limit(">", 0)}, [failed], {"a"})
    assert stands_in.status == "not_measured"


def test_an_allowance_for_no_metric_is_refused():
    with pytest.raises(InputError, match=r"gate\.allow_unmeasured.*did you mean rtf_warm"):
        targets.check_names({}, [], ["rtf_warm"], "here", ["rtf_wram"])


def test_a_limit_with_a_star_is_on_every_metric_of_that_name():
    known = ["quality.a.f1", "quality.a.coverage", "quality.b.coverage", "quality.c.coverage", "rtf_warm"]
    asked = {"quality": {"*": {"coverage": ">= 0.9"}, "b": {"coverage": ">= 0.5"}, "c": {"coverage": None}}}
    limits = targets.spread(targets.parse(asked, "here"), known, targets.taken_away(asked))
    assert limits == {"quality.b.coverage": (">=", 0.5), "quality.a.coverage": (">=", 0.9)}
    with pytest.raises(InputError, match="no such metric"):
        targets.check_names(
            targets.spread({"quality.*.covrage": targets.Limit(">", 0)}, known), [], known, ""
        )


def test_what_is_required_and_was_not_measured():
    metrics = [metric(1, "quality.a.f1"), metric(1, "y"), metric(None, "z", "no GPU")]
    judged = targets.evaluate(targets.parse({"quality": {"a": {"f1": "> 0"}}}, "here"), metrics, {"a"})
    assert targets.not_measured(["y"], metrics, judged) == []
    assert targets.not_measured(["z", "quality.a.f1", "y"], metrics, judged) == ["quality.a.f1", "z"]


def test_a_range_that_nothing_meets_is_refused():
    with pytest.raises(InputError, match="never be met"):
        targets.parse_limit("95..85", "targets.limits.gpu_utilization")
