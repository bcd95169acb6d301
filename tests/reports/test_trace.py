"""trace.json: what Perfetto asks of a trace, held against the format and against the run."""

from __future__ import annotations

import json

import pytest

from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import PassSummary
from clipbench.bench.runs.telemetry import GpuSeries, GpusTelemetry, GpuTelemetry, Telemetry
from clipbench.executors.base import Span
from clipbench.reports.drawing.spans import nested_lanes
from clipbench.reports.run import trace
from tests.support.minimal_result import a_result


@pytest.fixture
def result():
    made = a_result()
    made.run.passes = [
        PassSummary(True, 0.0, 2.0),
        PassSummary(False, 2.0, 3.5),
        PassSummary(False, 3.5, -9.0),  # interrupted
    ]
    made.spans = [
        Span("main", "", "decode", 0.0, 0.5, clip=0),
        Span("w0", "", "spawn", 0.0, 1.0),
        Span("w0", "", "import", 0.25, 0.75),
        Span("w0", "cuts", "load", 1.0, 1.25),
        Span("w0", "cuts", "analyze", 1.25, 2.0000000001, clip=0),
        Span("w0", "cuts", "analyze", 2.0000000001, 3.0, clip=1),
        Span("w1", "faces", "analyze", 2.5, 3.5, clip=1),
    ]
    made.telemetry = Telemetry(times_s=[0.5, 1.0], cpu_percent=[150.0, 90.5], rss_bytes=[2e9, None])
    return made


def test_chunks_and_what_is_made_of_them_are_told_apart(result, tmp_path):
    result.spans = [
        Span("decoder", "", "decode", 0.0, 0.5, chunk=2),
        Span("w0", "cuts", "analyze", 0.5, 1.0, chunk=2),
        Span("w0", "faces", "analyze", 1.0, 1.25),
        Span("w0", "cuts", "analyze", 1.25, 2.0),
        Span("w0", "cuts", "analyze", 2.0, 3.0, clip=1, chunk=4, count=6),
    ]
    events = written(result, tmp_path)["traceEvents"]
    shown = [(e["name"], e["args"].get("chunk")) for e in events if e.get("cat") in ("analyze", "decode")]
    assert shown == [
        ("decode, chunk 3", 2), ("cuts, chunk 3", 2), ("faces", None), ("cuts, end", None),
        ("cuts, chunk 5 and 5 more", 4),
    ]  # fmt: skip
    assert events[-1]["args"]["count"] == 6


def written(result, tmp_path):
    return json.loads(trace.write(result, tmp_path / "trace.json").read_text())


def check_format(events):
    """The rules of the Trace Event Format for the kinds of event that we write, and Perfetto's on nesting."""
    threads = {}
    for event in events:
        assert event["ph"] in "XMCsf" and isinstance(event["name"], str) and isinstance(event["args"], dict)
        assert isinstance(event["pid"], int) and isinstance(event["tid"], int)
        if event["ph"] == "M":
            assert event["name"] in ("process_name", "thread_name", "thread_sort_index")
            continue
        assert isinstance(event["ts"], int) and event["ts"] >= 0
        if event["ph"] in "sf":
            assert isinstance(event["id"], int) and event.get("bp") == (None if event["ph"] == "s" else "e")
        elif event["ph"] == "C":
            assert all(isinstance(value, int | float) for value in event["args"].values())
        else:
            assert isinstance(event["dur"], int) and event["dur"] >= 0
            threads.setdefault(event["tid"], []).append((event["ts"], event["ts"] + event["dur"]))
    for rows in threads.values():
        assert all(
            b <= c or d <= b for i, (_, b) in enumerate(rows) for c, d in rows[i + 1 :]
        ), "spans of one thread neither nest nor are apart"  # fmt: skip


def test_the_format_is_kept(result, tmp_path):
    made = written(result, tmp_path)
    assert made["displayTimeUnit"] in ("ms", "ns")
    check_format(made["traceEvents"])


def test_every_span_is_there_with_its_worker_and_times(result, tmp_path):
    events = written(result, tmp_path)["traceEvents"]
    threads = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert list(threads.values()) == ["passes", "main", "w0", "w1"]
    found = {(threads[e["tid"]], e["name"], e["ts"], e["dur"]) for e in events if e["ph"] == "X"}
    assert found == {
        ("passes", "1 warm-up", 0, 2_000_000),
        ("passes", "2 measured", 2_000_000, 1_500_000),
        ("main", "decode", 0, 500_000),
        ("w0", "spawn", 0, 1_000_000),
        ("w0", "import", 250_000, 500_000),
        ("w0", "load cuts", 1_000_000, 250_000),
        ("w0", "cuts", 1_250_000, 750_000),
        ("w0", "cuts", 2_000_000, 1_000_000),
        ("w1", "faces", 2_500_000, 1_000_000),
    }
    assert [e["args"].get("clip") for e in events if e["name"] == "cuts"] == [0, 1]


def test_telemetry_becomes_counters(result, tmp_path):
    figures = {
        "power_w": GpuSeries([0.75, 1.5], [None, 300.0]),
        "process_memory_bytes": GpuSeries([0.75], [{"1": 5}]),
    }
    result.telemetry.gpu = GpusTelemetry(devices=[GpuTelemetry(index=3, figures=figures)])
    counters = [e for e in written(result, tmp_path)["traceEvents"] if e["ph"] == "C"]
    check_format(counters)
    assert [(e["name"], e["ts"], e["args"]) for e in counters] == [
        ("CPU", 500_000, {"cores": 1.5}),
        ("memory", 500_000, {"GB": 2.0}),
        ("CPU", 1_000_000, {"cores": 0.905}),
        ("GPU 3 power", 1_500_000, {"W": 300.0}),
    ]


@pytest.mark.parametrize("gpu", [GpusTelemetry(devices=[]), NotMeasured("no NVIDIA driver")])
def test_without_a_gpu_there_are_no_counters_of_one(result, tmp_path, gpu):
    result.telemetry.gpu = gpu
    assert not any(e["name"].startswith("GPU") for e in written(result, tmp_path)["traceEvents"])


def test_work_at_the_same_time_on_one_worker_gets_a_thread_more(result, tmp_path):
    result.spans = [Span("main", "", "decode", 0, 2, clip=0), Span("main", "", "decode", 1, 3, clip=1)]
    events = written(result, tmp_path)["traceEvents"]
    check_format(events)
    assert [e["args"]["name"] for e in events if e["name"] == "thread_name"] == ["passes", "main", "main (2)"]


def test_passes_of_a_queue_of_clips_may_overlap(result, tmp_path):
    result.run.passes = [PassSummary(False, s, s + 1.5) for s in (0.0, 1.0, 2.0)]
    events = written(result, tmp_path)["traceEvents"]
    check_format(events)
    assert sum(e.get("cat") == "pass" for e in events) == 3


def test_a_run_that_did_nothing_is_still_a_trace(tmp_path):
    made = a_result()
    check_format(written(made, tmp_path)["traceEvents"])


def test_spans_in_lanes_nest_or_are_apart():
    times = [(0, 4), (1, 2), (1.5, 3), (2, 3), (4, 5), (3.5, 4.5)]
    found = nested_lanes(Span("w", "", "load", start, end) for start, end in times)
    assert [[(s.start_s, s.end_s) for s in lane] for lane in found] == [
        [(0, 4), (1, 2), (2, 3), (4, 5)],
        [(1.5, 3), (3.5, 4.5)],
    ]


def test_an_arrow_goes_from_a_piece_of_work_to_what_waited_for_it(result, tmp_path):
    made = a_result().analyzers["a"]
    result.analyzers = {"faces": made}
    made.waits_for, made.whole_frames = ["cuts"], False
    result.spans[-1] = Span("w1", "faces", "analyze", 3.0, 3.5, clip=1)
    events = written(result, tmp_path)["traceEvents"]
    check_format(events)
    start, end = sorted((e for e in events if e["ph"] in "sf"), key=lambda e: e["ph"], reverse=True)
    assert (start["ph"], end["ph"], start["id"]) == ("s", "f", end["id"])
    assert spans_at(events, start) == ["cuts"] and spans_at(events, end) == ["faces"]
    assert start["ts"] <= end["ts"] == 3_000_000


def spans_at(events, flow):
    """The names of the analyses of the same thread in which a flow event lies."""
    own = [e for e in events if e["ph"] == "X" and e["tid"] == flow["tid"] and e["cat"] == "analyze"]
    return [e["name"] for e in own if e["ts"] <= flow["ts"] < e["ts"] + e["dur"]]
