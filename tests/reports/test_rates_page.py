"""rates.html: what the curve shows, and in a real browser that nothing is over the edge or asked for."""

from __future__ import annotations

import dataclasses

import pytest

from clipbench.bench.runs.simulation import SimulatedMachine, Simulation
from clipbench.bench.sweeping.rate_search import RateSearch, Try
from clipbench.reports.rates import files, html, markdown
from tests.support import browser
from tests.support.report_results import a_run


def a_try(rate, p95, kept=True, reason=""):
    latency = {"50": p95 and p95 / 2, "95": p95, "99": None}
    return Try(
        rate, kept, reason, latency, 0.9 * rate, 130, 124, 130 if kept else 90, 1.0, 300.0, f"{rate:g}"
    )


@pytest.fixture
def search():
    grew = "the queue grew: in the second half of the time 70 clips arrived and 30 were done"
    late = "latency_p95 is 6 s; 90 of 130 clips were in time, 124 have to be"
    tries = [a_try(1.0, None, False, grew), a_try(0.5, 6.0, False, late), a_try(0.25, 3.0), a_try(0.35, 4.5)]
    run = a_run()
    return RateSearch(
        "grouping=two_core", "python run.py scenario.search=true", 95, 5.0, 0.5, 1.0, {}, {}, tries,
        highest=0.35, missed=0.5, complete=True, clip=run.run.clip, environment=run.environment,
    )  # fmt: skip


def test_the_curve_rises_to_the_limit_and_beyond(search):
    chart = html.chart(search)
    assert [curve.name for curve in chart.curves] == ["p50", "p95"]
    points = chart.curves[1].points
    assert [point.kept for point in points] == [True, True, False]
    assert [point.x for point in points] == sorted(point.x for point in points)
    assert points[0].y > points[1].y > chart.limit > points[2].y > 0
    assert len(chart.curves[1].lines) == 2
    ((x, why),) = chart.crosses
    assert x > points[-1].x and "the queue grew" in why


def test_the_rates_stand_in_order_with_what_became_of_them(search):
    for text in (markdown.render(search), html.render(search)):
        assert "0.35 clips per second keep latency p95 within 5 s; 0.5 do not." in text
        places = [text.index(f"missed: {one.reason[:20]}") for one in search.tries[1::-1]]
        assert places == sorted(places)


def test_what_was_simulated_is_called_predicted(search):
    machine = SimulatedMachine(name="h100", cores=16)
    made = Simulation(machine=machine, like="gpu_pinned", costs="declared", costs_of="a data sheet")
    predicted = dataclasses.replace(search, simulated=made)
    for text in (markdown.render(predicted), html.render(predicted)):
        assert "predicted: 0.35 clips per second keep latency p95" in text and "nothing ran" in text
    assert "<h1>predicted: grouping=two_core</h1>" in html.render(predicted)
    assert "predicted" not in html.render(search) + markdown.render(search)


@pytest.mark.parametrize("width", [1200, 400])
def test_in_a_browser(search, tmp_path, width):
    nothing = dataclasses.replace(search, tries=[], highest=None, missed=None, why_not="no rate keeps it")
    hostile = dataclasses.replace(search, title="<b>x</b>" * 40, command="python 'run.py'" * 300)
    with browser.session() as chromium:
        for one in (search, nothing, hostile):
            shown = chromium.open(files.write(one, tmp_path), width=width)
            assert shown.overflow() == [] and shown.problems == []
