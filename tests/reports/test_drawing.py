"""Charts and the timeline as SVG: everything is where its numbers say, and long runs stay small."""

from __future__ import annotations

from clipbench.bench.runs.telemetry import Telemetry
from clipbench.executors.base import Span
from clipbench.reports.drawing import charts, timeline_svg
from clipbench.reports.drawing.over_time import over_time
from clipbench.reports.run import html
from tests.support import report_results


def test_the_typical_and_the_slowest_pass_are_offered():
    run = report_results.a_run(repeats=5)
    lengths = [p.end_s - p.start_s for p in run.run.passes]
    found = dict(timeline_svg.named_windows(run))
    assert list(found) == ["typical pass", "slowest pass", "cold start", "whole run"]
    typical, slowest = ((end - start) for start, end in (found["typical pass"], found["slowest pass"]))
    assert typical == sorted(lengths[1:])[2] and slowest == max(lengths[1:])
    assert found["cold start"] == (0.0, run.run.passes[0].end_s)
    assert next(iter(dict(timeline_svg.named_windows(report_results.offline())))) == "queue of 3 clips"


def test_a_very_long_run_is_cut_to_what_a_browser_can_take():
    run = report_results.a_run(repeats=500)
    (name, (start, end)) = timeline_svg.named_windows(run)[-1]
    assert name == "whole run, its beginning" and start == 0.0
    drawn = sum(len(row.bars) for row in timeline_svg.layout(run, (start, end)).rows)
    assert 0.9 * timeline_svg.MAX_BARS < drawn <= timeline_svg.MAX_BARS
    assert len(html.render(run).encode()) < 3e6


def test_bars_are_where_the_spans_were():
    run = report_results.a_run()
    run.spans = [
        Span("w", "a", "analyze", 1.0, 2.0, 0),
        Span("w", "b", "analyze", 4.0, 9.0, 0),
    ]
    drawn = timeline_svg.layout(run, (1.0, 5.0)).rows[0]
    assert [(b.x, b.width) for b in drawn.bars] == [(0.0, 25.0), (75.0, 25.0)] and drawn.busy == "50% busy"
    half = timeline_svg.layout(run, (1.0, 5.0), length_s=8.0)
    assert [(b.x, b.width) for b in half.rows[0].bars] == [(0.0, 12.5), (37.5, 12.5)] and half.end == 50.0
    assert "5.00 s, starting at 3.00 s" in drawn.bars[1].tooltip
    assert timeline_svg.timeline_svg(run, (1.0, 5.0)).count("<rect") == 4  # one marks the critical path


def test_the_chunks_of_an_analyzer_have_one_colour_and_their_numbers():
    run = report_results.a_run()
    run.spans = [
        Span("decoder", "", "decode", 0.0, 1.0, 0, chunk=0),
        Span("w", "text_overlay", "analyze", 1.0, 2.0, 0, chunk=0),
        Span("w", "cut_analysis", "analyze", 2.0, 3.0, 0),
        Span("w", "text_overlay", "analyze", 3.0, 4.0, 0, chunk=1, count=2),
        Span("w", "text_overlay", "analyze", 4.0, 5.0, 0),
    ]
    decoder, worker = timeline_svg.layout(run, (0.0, 5.0)).rows
    assert [bar.label for bar in decoder.bars] == ["decode, chunk 1"]
    chunk, other, chunks, end = worker.bars
    assert [chunk.label, other.label] == ["text overlay, chunk 1", "cut analysis"]
    assert [chunks.label, end.label] == ["text overlay, chunk 2 and 1 more", "text overlay, end"]
    assert chunk.tooltip.startswith("text overlay, chunk 1: 1.00 s")
    assert chunk.fill == chunks.fill == end.fill != other.fill


def test_the_limit_is_drawn_only_where_the_repeats_can_still_be_told_apart():
    target = report_results.a_run().targets[0]
    near, far = charts.repeat_strip([2.0, 2.5, 2.9], target), charts.repeat_strip([0.6, 0.61, 0.62], target)
    assert (
        near.axis.limits and not near.axis.beyond and all(x < near.axis.limits[0][0] for x, _, _ in near.dots)
    )
    assert not far.axis.limits and far.axis.beyond == "The limit 3 lies beyond the right end."
    same = charts.repeat_strip([0.6, 0.6], None)
    assert [x for x, _, _ in same.dots] == [same.median] * 2 == [50.0] * 2


def test_long_series_keep_their_peaks():
    run = report_results.a_run()
    many = 50_000
    times_s, cpu_percent = [0.2 * n for n in range(many)], [10.0] * many
    cpu_percent[777] = 200.0
    run.telemetry = Telemetry(times_s=times_s, cpu_percent=cpu_percent, rss_bytes=[])
    (curve,) = over_time(run).curves
    assert "V0.0" in curve.line and len(curve.line) < 20_000
    bars = charts.repeat_bars([1.0] * 999 + [2.0])
    assert len(bars) == charts.MAX_BARS and bars[-1].height == 100.0 and bars[0].height == 50.0
