"""The search for the highest rate, on a made-up service: its answer, going on with it, and what ends it."""

from __future__ import annotations

import dataclasses
import math

import pytest

from clipbench.bench.errors import InputError
from clipbench.bench.measuring import served, session
from clipbench.bench.planning import config
from clipbench.bench.planning.scenario import poisson
from clipbench.bench.runs.remeasure import Unmeasured
from clipbench.bench.runs.results import MetricValue, PassSummary
from clipbench.bench.runs.serving import ScenarioSummary, Served
from clipbench.bench.sweeping import rate_search
from clipbench.reports.rates import files, html, markdown, wording
from tests.support.fake_plans import use_fakes
from tests.support.stored_results import a_result
from tests.support.video_files import numbered_frames, write_clip


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """The session of a search of fake analyzers with these overrides."""
    use_fakes(monkeypatch)
    clip = write_clip(tmp_path / "clip.mp4", numbered_frames(5, 64, 64))
    words = (f"clip.path={clip}", "only=[steady]", "scenario=server", "scenario.search=true")

    def prepare(*overrides):
        limits = ("scenario.latency_limit_s=5", "scenario.rate=1", *overrides)
        return session.prepare(config.compose(*words, *limits), tmp_path / "run")

    return prepare


def served_at(rate, seconds=1.0, limit_s=5.0, clips=130, failed=0):
    """The result of a run in which one worker takes `seconds` for a clip; `failed` clips are no success."""
    arrivals, free, passes = poisson(rate, clips, 0), -math.inf, []
    for arrival in arrivals:
        start = max(free, arrival)
        free = start + seconds
        passes.append(PassSummary(False, start, free, "a.mp4", arrived_s=arrival))
    result = a_result()
    ends = [one.end_s for one in passes]
    latencies = sorted(end - arrival for arrival, end in zip(arrivals, ends, strict=True))
    grown = served.growth(arrivals, ends)
    in_time = max(0, sum(latency <= limit_s for latency in latencies) - failed)
    result.run.passes = passes
    result.run.scenario = ScenarioSummary("server", 1, 1, 2, rate, None, clips, 0, 95, limit_s)
    result.served = Served(clips, 130, clips, in_time, grown, served.queue_length(arrivals, ends, 0.0))
    for percent in (50, 95, 99):
        value = None if grown or percent == 99 else latencies[math.ceil(clips * percent / 100) - 1]
        reason = "" if value is not None else grown or "it takes 662"
        result.metrics.append(
            MetricValue(f"latency_p{percent}", value, "s", "lower", [], reason, failed=bool(grown))
        )
    result.metrics.append(MetricValue("goodput", in_time / ends[-1], "1/s", "higher"))
    return result


class Service:
    """Counts what is measured of a made-up service, and fails at a rate if asked to."""

    def __init__(self, **options):
        self.options, self.rates = options, []

    def __call__(self, rate, folder):
        self.rates.append(rate)
        return served_at(rate, **self.options), 10.0


def searched(session_, measure, tell=lambda one: None):
    return rate_search.search(rate_search.begin(session_, "t", "c"), session_.folder, measure, tell)


def test_the_highest_rate_that_keeps_the_limit_is_found(prepared):
    told = []
    found = searched(prepared("scenario.tolerance=0.05"), service := Service(), told.append)
    assert [one.rate for one in told] == service.rates == [one.rate for one in found.tries]
    assert found.highest < found.missed <= 1.05 * found.highest and found.complete and not found.why_not
    for one in found.tries:
        assert one.kept == (one.rate <= found.highest)
        assert one.kept == (one.in_time >= 124 and not one.reason)
    assert 0.6 < found.highest < 1.0  # one worker that takes a second for a clip


def test_an_interrupted_search_goes_on_where_it_was(prepared):
    whole = searched(prepared(), Service())
    (prepared().folder / rate_search.FILE).unlink()

    class Interrupted(Service):
        def __call__(self, rate, folder):
            if len(self.rates) == 3:
                raise KeyboardInterrupt
            return super().__call__(rate, folder)

    with pytest.raises(KeyboardInterrupt):
        searched(prepared(), Interrupted())
    assert len(rate_search.read(prepared().folder).tries) == 3
    again = searched(prepared(), service := Service())
    assert len(service.rates) == len(whole.tries) - 3
    assert (again.highest, again.tries) == (whole.highest, whole.tries)
    assert searched(prepared(), Service(seconds=99.0)) == again  # complete: nothing is measured


@pytest.mark.parametrize(
    "changed", ["scenario.latency_limit_s=6", "scenario.percentile=50", "scenario.seed=1"]
)
def test_another_search_does_not_go_on_with_it(prepared, changed):
    searched(prepared(), Service())
    with pytest.raises(InputError, match="holds another search; different are scenario"):
        searched(prepared(changed), Service())


def test_a_limit_that_not_even_a_clip_alone_keeps_ends_the_search_at_once(prepared):
    found = searched(prepared(), service := Service(seconds=7.0))
    assert (found.highest, len(service.rates)) == (None, 1)
    assert found.why_not == (
        "no rate keeps scenario.latency_limit_s=5: at 1 clips per second, the fastest of 130 took 7 s"
    )


def test_clips_on_which_an_analyzer_fails_keep_no_limit(prepared):
    found = searched(prepared(), Service(failed=10))
    assert found.highest is None
    assert found.why_not.startswith(
        "no rate down to 0.003905 clips per second keeps scenario.latency_limit_s=5"
    )
    assert "120 of 130 clips were in time, 124 have to be" in found.why_not


def test_a_run_that_says_nothing_ends_the_search_with_its_reason(prepared):
    def measure(rate, folder):
        result = served_at(rate)
        metric = result.metric("latency_p95")
        metric.value, metric.reason, metric.failed = (
            None,
            "the run ended when 3 of 130 clips were done",
            False,
        )
        return result, 1.0

    with pytest.raises(
        Unmeasured, match=r"at 1 clips per second, latency_p95 was not measured: the run ended"
    ):
        searched(prepared(), measure)


def test_the_pages_say_what_was_found(prepared):
    found = searched(prepared(), Service())
    answer = wording.answer(found)
    assert answer.startswith(f"{found.highest:.3g} clips per second keep latency p95 within 5 s; ")
    page, summary = html.render(found), markdown.render(found)
    assert answer in page and answer in summary
    chart = html.chart(found)
    middle = next(curve for curve in chart.curves if curve.name == "p95")
    assert [point.x for point in middle.points] == sorted(point.x for point in middle.points)
    kept = [point for point in middle.points if point.kept]
    assert len(kept) == sum(one.kept for one in found.tries) and all(p.y >= chart.limit for p in kept)
    assert files.write(found, prepared().folder).read_text() == page


def test_the_page_of_a_search_without_an_answer_says_why(prepared):
    found = searched(prepared(), Service(seconds=7.0))
    for page in (html.render(found), markdown.render(found)):
        assert "No rate keeps" in page
    assert "not complete" in wording.answer(dataclasses.replace(found, why_not="", complete=False))
