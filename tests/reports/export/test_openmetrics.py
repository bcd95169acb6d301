"""export=openmetrics: valid in both formats of Prometheus, in base units, with predictions labelled."""

from __future__ import annotations

import math

import pytest

from clipbench.bench.runs.results import MetricValue
from clipbench.reports.export import openmetrics, registry
from clipbench.reports.export.exporter import Destination, ExportError
from tests.support.exported_runs import measured, predicted, stored
from tests.support.report_results import NAMES, hostile

parser = pytest.importorskip(
    "prometheus_client.openmetrics.parser", reason="prometheus-client is not installed"
)


def parsed(text):
    """(name, labels, value) of every sample."""
    families = list(parser.text_string_to_metric_families(text))
    return [(s.name, s.labels, s.value) for family in families for s in family.samples]


def values(text, name, **labels):
    """The values of the samples of a name that have these labels."""
    return [v for n, own, v in parsed(text) if n == f"clipbench_{name}" and labels.items() <= own.items()]


def a_text(tmp_path, *results):
    return openmetrics.exposition(stored(tmp_path, *results)).text()


def test_the_file_is_valid_in_both_formats(tmp_path):
    from prometheus_client.parser import text_string_to_metric_families as older

    told = []
    assert registry.export(["openmetrics"], stored(tmp_path), Destination(tmp_path), told.append) == []
    text = (tmp_path / "metrics.txt").read_text()
    assert told == [str(tmp_path / "metrics.txt")] and text.endswith("\n# EOF\n")
    samples = parsed(text)
    assert len(samples) > 200
    assert len([s for family in older(text) for s in family.samples]) == len(samples)


def test_units_are_base_units_and_end_the_names(tmp_path):
    result = measured()
    result.metrics += [
        MetricValue("rss_peak", 2.5, "GB", "lower"),
        MetricValue("ready_again_s", 1.5, "s", "lower"),
        MetricValue("goodput", 0.2, "1/s", "higher"),
        MetricValue("quality.color_analysis.palette_error", 0.9, "ΔE", "lower"),
    ]
    text = a_text(tmp_path, result)
    for name, value in {
        "success_rate_ratio": 1.0,
        "rss_peak_bytes": 2.5e9,
        "ready_again_seconds": 1.5,
        "goodput_per_second": 0.2,
        "quality_palette_error_delta_e": 0.9,
    }.items():
        assert values(text, name) == [value], name
    units = {f.name: f.unit for f in parser.text_string_to_metric_families(text)}
    assert units["clipbench_rss_peak_bytes"] == "bytes" and units["clipbench_rtf_warm"] == ""


def test_what_was_not_measured_is_no_number_with_its_reason(tmp_path):
    text = a_text(tmp_path, measured())
    (value,) = values(text, "gpu_utilization_ratio")
    assert math.isnan(value)
    reason = "no worker of this run was on a GPU"
    assert values(text, "not_measured", metric="gpu_utilization", reason=reason) == [1]
    (met,) = values(text, "target_met", metric="gpu_utilization")
    assert math.isnan(met)
    assert values(text, "target_met", metric="rtf_warm", limit="< 3") == [1]


def test_analyzers_are_labelled(tmp_path):
    text = a_text(tmp_path, measured())
    assert values(text, "analyzer_ok", analyzer=NAMES[0]) == [0]
    assert values(text, "analyzer_ok", analyzer=NAMES[1], stand_in="true") == [1]
    assert values(text, "quality_f1", analyzer=NAMES[1], stand_in="true") == [0.9]
    assert len(values(text, "analyze_seconds")) == 20


def test_a_missed_target_and_the_verdict(tmp_path):
    result = measured()
    result.targets[0].status = "fail"
    text = a_text(tmp_path, result)
    assert values(text, "target_met", metric="rtf_warm") == [0]
    assert {v: values(text, "verdict", verdict=v) for v in openmetrics.VERDICTS} == {
        "pass": [1], "incomplete": [0], "fail": [0], "invalid": [0],
    }  # fmt: skip


def test_a_prediction_is_labelled_in_every_sample(tmp_path):
    for result, mark in ((predicted(), "true"), (measured(), "false")):
        samples = parsed(a_text(tmp_path, result))
        assert {labels["predicted"] for _, labels, _ in samples} == {mark}
        assert {labels["executor"] for _, labels, _ in samples} == {"gpu_pinned"}


def test_labels_are_those_of_the_configuration_so_that_a_series_goes_on(tmp_path):
    again = measured()
    again.run.id, again.run.started_at = "another", "2026-12-01T00:00:00+00:00"
    first, second = (
        {(n, *sorted(own.items())) for n, own, _ in parsed(a_text(tmp_path, one)) if not n.endswith("_info")}
        for one in (measured(), again)
    )
    assert first == second
    both = a_text(tmp_path, measured(), again)
    assert sorted(own["run"] for n, own, _ in parsed(both) if n == "clipbench_rtf_warm") == [
        "5fe19769756e",
        "another",
    ]


def test_names_that_become_the_same_are_refused(tmp_path):
    result = measured()
    result.metrics += [MetricValue("a.b", 1, "", "lower"), MetricValue("a_b", 1, "", "lower")]
    with pytest.raises(ExportError, match="both be called clipbench_a_b"):
        a_text(tmp_path, result)
    (line,) = registry.export(["openmetrics"], stored(tmp_path, result), Destination(tmp_path), print)
    assert line.startswith("export to openmetrics failed: two metrics")
    assert not (tmp_path / "metrics.txt").exists()


def test_any_text_is_escaped(tmp_path):
    labels = {text for _, own, _ in parsed(a_text(tmp_path, hostile(measured()))) for text in own.values()}
    assert any("<script>" in text for text in labels)
    assert not any("\x1b" in text or "\u202e" in text for text in labels)
