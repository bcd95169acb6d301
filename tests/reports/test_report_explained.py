"""report.html explains its figures and sorts its tables: pointed at, by keyboard, printed."""

from __future__ import annotations

import pytest

from clipbench.bench.runs.results import MetricValue, TargetResult
from clipbench.reports.drawing import html_page
from clipbench.reports.run import html
from clipbench.reports.run.meanings import explained, meanings
from tests.support import browser, report_results

TIP = "document.querySelector('.tip')?.textContent"


@pytest.fixture(scope="module")
def chromium():
    with browser.session() as running:
        yield running


@pytest.fixture
def run():
    return report_results.a_run()


def test_a_figure_says_what_it_is_which_way_is_better_and_what_its_target_is(run):
    run.metrics.append(MetricValue("of_a_plugin_that_is_gone", 1.0, "px", "lower"))
    run.targets.append(TargetResult("quality.visual_effects.f1", "<", 0.99, 0.9, "", "pass"))
    found = meanings(run)
    assert {one.metric for one in found} == {metric.name for metric in run.metrics}
    said = explained(found, "rtf_warm")
    assert said == ("Seconds per clip second, models loaded (median). Lower is better; the target is < 3.")
    assert explained(found, "success_rate").endswith(", in %. Higher is better.")
    assert explained(found, "of_a_plugin_that_is_gone") == "Lower is better."
    assert "the target is ≥ 0.5 and < 0.99." in explained(found, "quality.visual_effects.f1")
    assert explained(found, "quality.*.f1") and not explained(found, "no_such_metric")


def test_every_figure_that_the_page_shows_has_its_meaning_there(run):
    text = html.render(run)
    assert text.count("<div><dt>") == len(run.metrics) + 2 + 14  # two tiles, and the facts of the environment
    assert 'title="Seconds per clip second, models loaded (median). Lower is better' in text


@pytest.mark.parametrize("width", [400, 1400])
def test_pointing_at_a_figure_tells_its_meaning_inside_the_window(chromium, run, tmp_path, width):
    shown = chromium.open(html.write(run, tmp_path), width=width)
    for selector in (".tiles .term", ".targets .term", ".metrics tr:last-child .term"):
        shown.point_at(selector)
        assert "is better" in shown.run(TIP), selector
        box = shown.run("document.querySelector('.tip').getBoundingClientRect().toJSON()")
        assert box["left"] >= 0 and box["right"] <= width and box["top"] >= 0 and box["bottom"] <= 900
        assert not shown.run(f"document.querySelector({selector!r}).title")  # or it would be told twice
    assert shown.overflow() == []
    shown.press("Escape")
    assert shown.run(TIP) is None
    assert "is better" in shown.run("document.querySelector('.metrics tr:last-child .term').title")
    assert shown.problems == []


def test_the_keyboard_reaches_the_meaning_of_a_figure(chromium, run, tmp_path):
    shown = chromium.open(html.write(run, tmp_path))
    shown.run("document.querySelector('.links a:last-child').focus()")
    shown.press("Tab")
    assert shown.run(TIP).startswith("Seconds per clip second")
    assert shown.run("document.activeElement.getAttribute('aria-describedby')") == "tip"
    shown.press("Tab")
    assert shown.run(TIP).startswith("Share of the analyzers")


def test_without_the_script_the_browser_tells_it(chromium, run, tmp_path):
    path = html.write(run, tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace(html_page.SCRIPT, ""), encoding="utf-8")
    shown = chromium.open(path)
    shown.point_at(".tiles .term")
    assert shown.run("document.querySelector('.tiles .term').title").startswith("Seconds per clip second")
    assert shown.run("document.querySelectorAll('th button').length") == 0


def test_every_definition_is_printed_and_on_the_screen_when_asked_for(chromium, run, tmp_path):
    shown = chromium.open(html.write(run, tmp_path))
    seen = "[...document.querySelectorAll('.definitions dd')].filter((e) => e.checkVisibility()).length"
    assert shown.run(seen) == 0
    shown.show(794, printed=True)
    assert shown.run(seen) == len(run.metrics) and shown.overflow() == []
    shown.show(1400)
    shown.run("document.querySelector('.printed summary').click()")
    assert shown.run(seen) == len(run.metrics)


def column(shown, table, number):
    cells = (
        f"[...document.querySelector('{table}').tBodies[0].rows].map((r) => r.cells[{number}].textContent)"
    )
    return [text.strip() for text in shown.run(cells)]


def test_a_table_sorts_by_its_numbers_by_its_words_and_the_other_way_round(chromium, run, tmp_path):
    for seconds, name in zip((0.0005, 2.0, 10.0), report_results.NAMES, strict=False):
        run.analyzers[name].analyze_s = [seconds]
    run.analyzers[report_results.NAMES[3]].analyze_s = []
    shown = chromium.open(html.write(run, tmp_path))
    head = "document.querySelectorAll('.analyzers th button')"
    shown.run(f"{head}[2].click()")
    times = column(shown, ".analyzers", 2)
    assert times[0].startswith("10.0 s") and times[1].startswith("2.00 s")
    assert times[-2].startswith("0.5 ms") and times[-1].startswith("–")
    shown.run(f"{head}[2].click()")
    again = column(shown, ".analyzers", 2)
    assert again[0].startswith("0.5 ms") and again[-2].startswith("10.0 s") and again[-1].startswith("–")
    assert shown.run("document.querySelectorAll('.analyzers th[aria-sort]').length") == 1
    shown.run(f"{head}[0].click()")
    names = column(shown, ".analyzers", 0)
    assert names == sorted(names) and len(names) == 20
    assert shown.problems == []


def test_a_table_sorts_by_keyboard_and_on_a_narrow_screen(chromium, run, tmp_path):
    shown = chromium.open(html.write(run, tmp_path), width=400)
    assert shown.run("document.querySelector('.analyzers th button').checkVisibility()")
    shown.run("document.querySelector('.metrics th button').focus()")
    shown.press("Enter")
    assert column(shown, ".metrics", 0) == ["gpu_utilization", "rtf_warm", "success_rate"]
    assert shown.overflow() == []


def test_nothing_breaks_within_a_word(chromium, run, tmp_path):
    run.analyzers[report_results.NAMES[2]].stand_in = "it stands in for cross_analyzer_intelligence_of_a_kind"
    shown = chromium.open(html.write(run, tmp_path), width=400)
    shown.run("document.querySelectorAll('details').forEach((e) => e.open = true)")
    assert shown.broken_words() == []
    shown.show(1400)
    assert shown.broken_words() == []
