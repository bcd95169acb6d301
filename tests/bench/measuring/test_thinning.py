"""What is kept of a long run: few enough spans and samples, and of them the sums, the order and the peaks."""

from __future__ import annotations

import itertools
from collections import defaultdict

import pytest

from clipbench.bench.measuring.thinning import MOST_SAMPLES, MOST_SPANS, thinned_spans, thinned_telemetry
from clipbench.bench.runs.telemetry import ProcessSeries, Telemetry
from clipbench.executors.base import Span
from tests.support.long_results import CHUNKS, NAMES, an_hour_of_spans, telemetry_of


def seconds_of(spans):
    """Seconds and chunks of each analyzer on each worker."""
    found = defaultdict(lambda: [0.0, 0])
    for span in spans:
        own = found[span.clip, span.worker, span.analyzer, span.phase]
        own[0] += span.end_s - span.start_s
        own[1] += span.count
    return {key: [pytest.approx(own[0], abs=0.01), own[1]] for key, own in found.items()}


@pytest.mark.parametrize("workers", [1, 2, 7, 20])
def test_an_hour_keeps_its_seconds_and_its_chunks_in_few_spans(workers):
    spans = an_hour_of_spans(workers)
    kept = thinned_spans(spans)
    assert len(spans) > 15_000 and 0.4 * MOST_SPANS < len(kept) <= MOST_SPANS
    before, after = seconds_of(spans), seconds_of(kept)
    assert after == before
    assert all(after[0, f"w{i % workers}", name, "analyze"][1] == CHUNKS + 1 for i, name in enumerate(NAMES))


def test_spans_of_a_worker_stay_in_order_and_apart():
    by_worker = defaultdict(list)
    for span in thinned_spans(an_hour_of_spans(2)):
        by_worker[span.worker].append(span)
    for own in by_worker.values():
        assert all(one.end_s <= other.start_s for one, other in itertools.pairwise(own))
        cut = [s for s in own if s.analyzer == "cut_analysis" and s.chunk is not None]
        assert all(a.chunk + a.count == b.chunk for a, b in itertools.pairwise(cut))


def test_what_is_not_of_a_chunk_stays_as_it_was():
    spans = an_hour_of_spans(2)
    others = sorted((span for span in spans if span.chunk is None), key=lambda span: span.start_s)
    assert [span for span in thinned_spans(spans) if span.chunk is None] == others


def test_each_pass_is_judged_alone_and_a_short_one_is_kept_whole():
    short = [Span("w0", "a", "analyze", float(n), n + 0.5, clip=n // 10, chunk=n % 10) for n in range(5000)]
    assert thinned_spans(reversed(short)) == short
    hours = thinned_spans(an_hour_of_spans(2, passes=3))
    for number in range(3):
        assert 0.4 * MOST_SPANS < sum(span.clip == number for span in hours) <= MOST_SPANS


def test_chunks_that_were_worked_on_at_once_are_not_merged():
    spans = [
        Span("w0", name, "analyze", 2.0 * n + shift, 2.0 * n + shift + 1.5, chunk=n)
        for n in range(100)
        for name, shift in (("a", 0.0), ("b", 1.0))
    ]
    assert thinned_spans(spans, most=10) == spans


def test_samples_of_an_hour_are_few_and_have_the_peak_of_memory_and_the_mean_of_the_rest():
    whole = telemetry_of(3600.0, processes=3)
    kept = thinned_telemetry(whole)
    assert len(whole.times_s) > 17_000 and 0.4 * MOST_SAMPLES < len(kept.times_s) <= MOST_SAMPLES
    assert kept.samples_together == 9
    assert max(kept.rss_bytes) == max(whole.rss_bytes) == 9 * 10**9
    assert kept.times_s[0] == whole.times_s[8] and kept.times_s[-1] == whole.times_s[-1]
    assert kept.cpu_percent[1] == pytest.approx(sum(whole.cpu_percent[9:18]) / 9, abs=0.001)
    memory, before = (each.gpus()[0].figures["memory_used_bytes"] for each in (kept, whole))
    assert max(memory.values) == max(before.values) and len(memory.values) == len(memory.times_s)
    assert all(len(s.values) <= MOST_SAMPLES for device in kept.gpus() for s in device.figures.values())


def test_a_process_that_began_later_stays_at_its_time():
    whole = Telemetry(
        times_s=[float(n) for n in range(10)], cpu_percent=[1.0] * 10, rss_bytes=[1] * 10,
        processes={"7": ProcessSeries("w0", 5, [10.0, None, 20.0, 30.0, None], [5, None, 7, 9, 8])},
    )  # fmt: skip
    kept = thinned_telemetry(whole, most=4)
    assert kept.times_s == [2.0, 5.0, 8.0, 9.0] and kept.samples_together == 3
    process = kept.processes["7"]
    assert (process.first, process.rss_bytes) == (1, [5, 9, 8])
    assert process.cpu_percent == [10.0, 25.0, None]


def test_a_short_run_keeps_every_sample():
    whole = telemetry_of(60.0, processes=2)
    assert thinned_telemetry(whole) == whole
