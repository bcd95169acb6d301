"""What would help most, and the critical path: in report.html and in its timeline."""

from __future__ import annotations

import dataclasses
import re

import pytest

from clipbench.bench.runs.serving import QueueLength, Served
from clipbench.executors.base import Span
from clipbench.reports.drawing import timeline_svg
from clipbench.reports.run import html
from clipbench.reports.run.helping import helping
from tests.support import browser, report_results


@pytest.fixture
def run():
    """The second analyzer reads the first one, which is by far the slowest, on a worker of its own."""
    made = report_results.a_run(workers=2, repeats=1)
    first, second = report_results.NAMES[:2]
    start = made.run.passes[1].start_s
    made.spans = [s for s in made.spans if s.clip == 0] + [
        Span("decoder", "", "decode", start, start + 0.5, 1),
        Span("w0", first, "analyze", start + 0.5, start + 4.5, 1),
        Span("w1", report_results.NAMES[2], "analyze", start + 0.5, start + 1.5, 1),
        Span("w1", second, "analyze", start + 4.5, start + 5.5, 1),
    ]
    made.run.passes[1].end_s = start + 5.5
    made.analyzers[second].waits_for = [first]
    return made


def test_the_analyzer_that_binds_is_named_with_the_predicted_pass(run):
    found = helping(run)
    name = report_results.NAMES[0].replace("_", " ")
    # Without it, the second one follows the third at 1.5 s, and ends at 2.5 s.
    assert found.sentence == (
        f"{name} binds: without it this pass would take 2.50 s instead of 5.50 s (−55 %), predicted."
    )
    assert found.savings[0].analyzer == report_results.NAMES[0] and len(found.savings) == 3
    assert found.path == [name, report_results.NAMES[1].replace("_", " ")]
    assert found.bound.startswith("5.00 s, longer than all work spread evenly")


def test_it_is_said_where_no_analyzer_binds_and_of_a_queue(run):
    for span in (spans := [s for s in run.spans if s.clip == 1]):
        run.spans.remove(span)
    start = run.run.passes[1].start_s
    run.spans += [dataclasses.replace(spans[0], worker=f"w{n}", analyzer=n, phase="analyze") for n in "ab"]
    run.spans += [Span("w2", "c", "analyze", start, start + 0.5, 1)]
    assert helping(run).sentence.startswith("No single analyzer binds")
    queue = report_results.offline()
    assert "this queue of 3 clips" in helping(queue).sentence
    assert helping(queue).path == []


def test_of_clips_that_arrive_and_of_nothing_there_is_nothing_to_say(run):
    run.served = Served(1, 1, 1, 1, "", QueueLength([1.0], [1]))
    assert helping(run) is None and "What would help most" not in html.render(run)
    assert helping(report_results.interrupted()) is None


def test_the_critical_path_is_drawn_from_bar_to_bar(run):
    drawn = timeline_svg.layout(run)
    bars = {bar.label: bar for row in drawn.rows for bar in row.bars}
    first, second, third = (bars[name.replace("_", " ")] for name in report_results.NAMES[:3])
    assert first.critical and second.critical and not third.critical
    assert "on the critical path" in first.tooltip and "on the critical path" not in third.tooltip
    (link,) = drawn.path
    assert link.x1 == pytest.approx(first.x + first.width) and link.x2 == second.x
    assert (link.y1, link.y2) == (first.y + timeline_svg.BAR, second.y + timeline_svg.BAR)
    assert len(re.findall(r'<line class="critical"', timeline_svg.timeline_svg(run))) == 1


def test_the_page_links_to_what_lies_beside_it(run):
    run.run.clips = [run.run.clip]
    run.run.profiles = {report_results.NAMES[0]: [f"profile/w0 a-{report_results.NAMES[0]}.html"]}
    page = html.render(run)
    for file in ("trace.json", "segments/", "profile/", "#definitions"):
        assert f'href="{file}"' in page, file
    assert f'href="segments/{report_results.NAMES[3]}.json">3 ×</a>' in page
    assert f'href="profile/w0%20a-{report_results.NAMES[0]}.html">.html</a>' in page
    run.run.profiles = {}
    assert 'href="profile/"' not in html.render(run)


def test_it_is_seen_in_the_browser_and_load_times_sort(run, tmp_path):
    for number, name in enumerate(report_results.NAMES):
        run.analyzers[name].load_s = number / 10
    with browser.session() as chromium:
        shown = chromium.open(html.write(run, tmp_path), width=400)
        assert "binds" in shown.run("document.getElementById('helping').nextElementSibling.textContent")
        line = "document.querySelector('.part-1 line.critical')"
        light = shown.run(f"getComputedStyle({line}).stroke")
        shown.show(1400, dark=True)
        assert shown.run(f"getComputedStyle({line}).stroke") != light
        shown.run("document.querySelectorAll('.analyzers th button')[4].click()")
        first = "document.querySelector('.analyzers tbody tr').cells[4].textContent"
        assert shown.run(first) == "1.90 s"
        assert shown.overflow() == [] and shown.problems == []
