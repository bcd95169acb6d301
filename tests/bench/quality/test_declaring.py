"""Declaring quality figures: what a declaration holds, and figures that plugins add."""

from __future__ import annotations

import pytest

from clipbench import plugins
from clipbench.bench import quality
from clipbench.bench.quality import registry

PLUGIN = '''
from clipbench.bench.quality import Scored, figure


@figure("color_analysis", "{name}", "lower", "px")
def error(scored: Scored) -> float:
    """Mean distance of something.

    And more.
    """
    return 1.5
'''


@pytest.fixture
def use_plugin(tmp_path, monkeypatch):
    def use(file: str, figure: str) -> None:
        path = tmp_path / file
        path.write_text(PLUGIN.format(name=figure))
        listed = [*plugins.names(), str(path)]
        monkeypatch.setenv(plugins.VARIABLE, ":".join(listed))
        monkeypatch.syspath_prepend(tmp_path)

    return use


def test_a_declaration_has_all_properties_of_its_figure():
    @quality.figure("color_analysis", "error", "lower", "px")
    def error(scored: quality.Scored) -> float:
        """Mean distance.

        More about it.
        """
        return 1.5

    assert (error.metric, error.unit, error.better) == ("quality.color_analysis.error", "px", "lower")
    assert error.meaning == "Mean distance."


def test_declaring_a_figure_adds_it_nowhere():
    before = quality.metric_names()
    quality.figure("color_analysis", "another", "lower")(lambda scored: 1.0)
    assert quality.metric_names() == before


def test_a_plugin_adds_its_figures_after_the_own_ones(use_plugin):
    use_plugin("figures_of_mine.py", "my_error")
    assert quality.metric_names()[-1] == "quality.color_analysis.my_error"
    truth = quality.Truth("", 100, 100, {})
    scored = quality.score({"color_analysis": []}, {"color_analysis": None}, truth, "", 1.0)
    assert (scored[-1].value, scored[-1].unit) == (1.5, "px")


def test_two_figures_of_one_name_are_refused_and_both_files_named(use_plugin):
    use_plugin("first_figures.py", "same")
    use_plugin("second_figures.py", "same")
    with pytest.raises(plugins.PluginError, match=r"first_figures\.py and in .*second_figures\.py"):
        registry.discover()
