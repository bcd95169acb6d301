"""Metrics and figures of plugins: found, held to their names, and no measurement is lost with them."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from clipbench import plugins
from clipbench.bench import quality
from clipbench.bench.measuring import metrics
from clipbench.bench.measuring.metrics import Metric
from clipbench.bench.quality import Truth
from clipbench.bench.runs.measurement import Measured
from clipbench.plugins import PluginError

METRIC = """
from clipbench.bench.measuring.metrics import Metric
from clipbench.bench.runs.measurement import Measured
MINE = Metric("{name}", "", "lower", "one", lambda record: Measured(1.0))
"""
FIGURE = """
from clipbench.bench.quality import figure

@figure("{analyzer}", "mine", "higher", reads=["mine"])
def mine(scored):
    "One for every label."
    return scored.labelled("mine").wrong
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Makes a plugin file of this code known."""
    monkeypatch.setenv(plugins.VARIABLE, "")
    monkeypatch.setattr(sys, "path", list(sys.path))

    def write(code: str) -> None:
        (tmp_path / "metric_parts.py").write_text(code)
        plugins.use([str(tmp_path / "metric_parts.py")])

    yield write
    sys.modules.pop("metric_parts", None)


def test_a_metric_is_found_and_computed(plugin):
    plugin(METRIC.format(name="mine"))
    mine = metrics.discover()[-1]
    assert (mine.name, mine.measure(None).value) == ("mine", 1.0)


def test_a_metric_of_a_name_that_is_taken_is_refused(plugin):
    plugin(METRIC.format(name="rtf_warm"))
    with pytest.raises(PluginError, match=r"metric_parts\.py: .* rtf_warm; rename yours"):
        metrics.discover()


@pytest.mark.parametrize(
    ("compute", "reason"),
    [
        (lambda record: record.nothing, "computing it raised AttributeError"),
        (lambda record: sys.exit(0), "computing it raised SystemExit: 0"),
        (lambda record: Measured(math.nan), "its value is nan"),
        (lambda record: Measured(np.float32("inf")), "its value is inf"),
    ],
)
def test_a_metric_that_cannot_be_computed_says_why(compute, reason):
    value = Metric("mine", "", "lower", "", compute).measure(None)
    assert value.value is None and value.reason.startswith(reason)


def test_a_figure_that_cannot_be_computed_says_why(plugin):
    plugin(FIGURE.format(analyzer="cut_analysis"))
    assert quality.keys_of_plugins() == ["mine"]
    truth = Truth("", None, None, {"mine": [1]})
    scored = quality.score({"cut_analysis": []}, {"cut_analysis": None}, truth, "", 1.0)
    mine = next(value for value in scored if value.name == "quality.cut_analysis.mine")
    assert mine.value is None and mine.reason.startswith("computing it raised AttributeError")


def test_a_figure_of_no_analyzer_is_refused(plugin):
    plugin(FIGURE.format(analyzer="cut_analisys"))
    with pytest.raises(
        PluginError, match=r"metric_parts\.py: .*which is no analyzer; did you mean cut_analysis"
    ):
        quality.discover()
