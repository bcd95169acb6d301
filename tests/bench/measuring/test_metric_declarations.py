"""A metric is declared once: reports and comparisons ask the declaration, also for a plugin's metric."""

from __future__ import annotations

import pytest

from clipbench.bench.comparing.candidates import Candidate, CandidateRun
from clipbench.bench.measuring import metrics
from clipbench.bench.runs.measurement import Measured, NotMeasured
from clipbench.bench.runs.results import MetricValue
from clipbench.reports.comparison import gpu_check
from clipbench.reports.run import html
from tests.support.stored_results import a_result

MINE = metrics.Metric(
    "my_share", "%", "higher", "a share", lambda record: Measured(5.0),
    averaged=True, tile=8, heading="mine %", decimals=0,
)  # fmt: skip


@pytest.fixture
def plugin(monkeypatch):
    monkeypatch.setattr(metrics, "METRICS", (*metrics.METRICS, MINE))


def runs_of(tmp_path, *values: float) -> Candidate:
    results = [a_result(metrics=[MetricValue(MINE.name, v, "%", "higher", [v])]) for v in values]
    return Candidate("a", [CandidateRun(tmp_path, result) for result in results])


def test_a_declaration_is_all_that_a_metric_needs(plugin, tmp_path):
    values = [MetricValue("rtf_warm", 1.0, "", "lower"), MetricValue(MINE.name, 5.0, "%", "higher")]
    assert [m.name for m in html.tiles(values)] == ["rtf_warm", MINE.name]
    assert MINE in gpu_check.columns() and gpu_check.cell(5.4, MINE) == "5"
    assert runs_of(tmp_path, 0.0, 5.0, 100.0).metric(MINE.name).value == 35.0  # the mean


def test_without_its_declaration_a_metric_is_still_shown(tmp_path):
    assert metrics.find(MINE.name) is None
    assert runs_of(tmp_path, 0.0, 5.0, 100.0).metric(MINE.name).value == 5.0  # the median


def test_a_value_is_a_number_or_has_a_reason():
    measured = MetricValue.of("x", "s", "lower", Measured(1.5, (1.0, 2.0)))
    assert (measured.value, measured.samples, measured.reason) == (1.5, [1.0, 2.0], "")
    lacking = MetricValue.of("x", "s", "lower", NotMeasured("no GPU"))
    assert (lacking.value, lacking.samples, lacking.reason) == (None, [], "no GPU")
