"""Latency against cost: which predicted candidates are on the front, in what unit, and where it is shown."""

from __future__ import annotations

import html as entities
import io
import re

import pytest
from rich.console import Console

from clipbench.bench.comparing.comparison import compare
from clipbench.bench.comparing.pareto import Front, Point, front_of, placed
from clipbench.bench.runs.results import MetricValue, Result
from clipbench.bench.runs.serving import ScenarioSummary
from clipbench.reports.comparison import console, html, json, markdown
from tests.support.comparisons import candidates_of
from tests.support.stored_results import a_result, missing_target, without


def simulated(rtf: float, cores: int = 2, gpus: int = 0, price: float | None = None) -> Result:
    """A predicted run whose clip of 10 s takes `rtf` times as long on a machine of this size."""
    machine = {
        "name": f"m{cores}", "cores": cores, "gpus": ["a GPU, 80 GB"] * gpus, "price_per_hour": price,
    }  # fmt: skip
    said = {"machine": machine, "like": "gpu_pinned", "costs": "declared", "costs_of": "tests"}
    return a_result([rtf] * 3, executor="simulated", run={"simulated": said})


def front(folder, **results: Result) -> Front | None:
    return front_of(candidates_of(folder, **results), {})


def test_on_the_front_is_what_no_other_beats():
    points = [Point("a", 1, 9), Point("b", 2, 4), Point("c", 3, 4), Point("d", 4, 5), Point("e", 9, 1)]
    assert {each.candidate: each.beaten_by for each in placed([*reversed(points)])} == {
        "a": "", "b": "", "c": "b", "d": "b", "e": "",
    }  # fmt: skip


def test_equals_are_both_on_the_front():
    sums = Point("a", 0.1 + 0.2, 1.0), Point("b", 0.3, 1.0)
    assert [each.beaten_by for each in placed(sums)] == ["", ""]


@pytest.mark.parametrize(
    ("sizes", "unit", "costs"),
    [
        # 10 s for a clip at 3.6 an hour: 0.01 a clip, 10 for a thousand.
        ({"a": {"price": 3.6}, "b": {"price": 7.2}}, "price", [10.0, 20.0]),
        ({"a": {"gpus": 1, "price": 3.6}, "b": {"gpus": 4}}, "GPU-seconds", [10.0, 40.0]),
        ({"a": {"cores": 2}, "b": {"cores": 16}}, "core-seconds", [20.0, 160.0]),
    ],
)
def test_the_cost_is_what_holding_the_machine_comes_to(tmp_path, sizes, unit, costs):
    found = front(tmp_path, **{name: simulated(1.0, **size) for name, size in sizes.items()})
    assert found.unit == unit
    # Between two passes of a made-up result are 0.01 s, in which the machine is held too.
    assert [point.cost for point in found.points] == pytest.approx(costs, rel=0.002)
    assert [point.latency_s for point in found.points] == pytest.approx([10.0, 10.0])


def test_machines_with_and_without_gpus_need_a_price(tmp_path):
    found = front(tmp_path, a=simulated(1.0), b=simulated(0.5, gpus=1))
    assert found.points == [] and "state machine.price_per_hour" in found.why_not
    priced = front(tmp_path / "priced", a=simulated(1.0, price=1.0), b=simulated(0.5, gpus=1, price=9.0))
    assert priced.unit == "price" and len(priced.best) == 2


def test_what_was_measured_has_no_front(tmp_path):
    assert front(tmp_path, a=simulated(1.0), b=a_result()) is None
    assert front(tmp_path / "one", a=simulated(1.0)) is None


def test_clips_that_arrive_are_placed_by_the_percentile_that_is_claimed(tmp_path):
    def server(p95: float | None, price: float) -> Result:
        made = simulated(1.0, price=price)
        made.run.scenario = ScenarioSummary("server", 1, 1, percentile=95)
        reason = "" if p95 else "the queue grew"
        made.metrics.append(MetricValue("latency_p95", p95, "s", "lower", reason=reason))
        for number, one in enumerate(made.run.passes):
            one.arrived_s = 100.0 * number
            one.start_s, one.end_s = one.arrived_s + 2, one.arrived_s + 12
        return made

    found = front(tmp_path, slow=server(30.0, 36.0), quick=server(9.0, 72.0), grown=server(None, 1.0))
    assert found.latency == "latency_p95" and found.left_out == {"grown": "the queue grew"}
    # Three clips, from the first arrival until 12 s after the last: 212 s, in which nothing else is paid for.
    assert [(p.candidate, p.latency_s) for p in found.points] == [("quick", 9.0), ("slow", 30.0)]
    assert found.points[1].cost == pytest.approx(1000 * 36 / 3600 * 212 / 3)


def test_what_was_lost_has_no_place_and_what_misses_a_target_says_so(tmp_path):
    results = {
        "fine": simulated(1.0), "lost": without(simulated(0.1), "text"),
        "missing": missing_target(simulated(0.5)),
    }  # fmt: skip
    found = compare(candidates_of(tmp_path, **results), allow_mismatch=True).front
    assert list(found.left_out) == ["lost"] and "text" in found.left_out["lost"]
    assert {p.candidate: p.barred for p in found.points} == {"missing": "misses rtf_warm", "fine": ""}
    assert [p.candidate for p in found.best] == ["missing"]


def texts(made) -> dict[str, str]:
    """The comparison in every form that people read."""
    screen = Console(record=True, width=200, file=io.StringIO())
    console.show(made, screen)
    page = re.sub(r"<style.*?</style>|<script.*?</script>", "", html.render(made), flags=re.DOTALL)
    plain = re.sub(r"\s+", " ", entities.unescape(re.sub(r"<[^>]+>", " ", page)))
    return {"terminal": screen.export_text(), "html": plain, "markdown": markdown.render(made)}


def test_every_report_shows_the_front_as_predicted(tmp_path):
    results = {
        "small": simulated(2.0), "large": simulated(0.5, cores=16), "wasted": simulated(3.0, cores=16),
    }  # fmt: skip
    made = compare(candidates_of(tmp_path, **results))
    for text in texts(made).values():
        assert "predicted: latency against cost" in text
        assert "core-seconds a clip" in text and "5.00 s" in text
        assert "no: small is no slower and costs no more" in re.sub(r"\s+", " ", text)
    data = json.as_json(made)["front"]
    assert data["predicted"] is True and data["unit"] == "core-seconds"
    assert [(p["candidate"], p["best"]) for p in data["points"]] == [
        ("large", True), ("small", True), ("wasted", False),
    ]  # fmt: skip
    page = html.render(made)
    assert page.count('<circle class="best"') == 2 and page.count('<circle class="beaten"') == 1
    assert page.count('class="step"') == 2


def test_where_there_is_no_common_unit_every_report_says_so(tmp_path):
    made = compare(candidates_of(tmp_path, a=simulated(1.0), b=simulated(0.5, gpus=1)))
    for text in texts(made).values():
        assert "state machine.price_per_hour" in re.sub(r"\s+", " ", text)


def test_a_comparison_of_what_was_measured_shows_none(tmp_path):
    made = compare(candidates_of(tmp_path, a=a_result(), b=a_result(grouping="other")))
    assert made.front is None and json.as_json(made)["front"] is None
    assert all("latency against cost" not in text for text in texts(made).values())
