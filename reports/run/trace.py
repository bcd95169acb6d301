"""A run as a trace for Perfetto (ui.perfetto.dev) and chrome://tracing: `trace.json`.

The format is the Trace Event Format in its object form: complete events ("ph": "X") for spans and passes,
metadata ("M") for names and order, counters ("C") for telemetry; times in microseconds from the run's start.
Perfetto requires complete events on one thread to nest or not to overlap, so a worker that did two things at
once has a second thread.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from clipbench.bench.file_names import readable
from clipbench.bench.measuring.waits import waits
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import Result
from clipbench.bench.runs.storage import write_json
from clipbench.bench.runs.telemetry import Telemetry
from clipbench.executors.base import Span
from clipbench.reports import formatting
from clipbench.reports.drawing.passes import NumberedPass, completed_passes
from clipbench.reports.drawing.spans import fed_chunks, nested_lanes, span_title, worker_lanes
from clipbench.reports.drawing.telemetry_series import all_series

#: The whole run is one process of the trace, since counters belong to processes and spans to threads.
PID = 1


def write(result: Result, path: Path) -> Path:
    """Write the trace of `result` to `path`; returns `path`. Raises OSError if it cannot."""
    write_json(path, {"traceEvents": events(result), "displayTimeUnit": "ms", "otherData": about(result)})
    return path


def events(result: Result) -> list[dict[str, Any]]:
    """All events: first those that name processes and threads, then the others by time."""
    run = result.run
    name = formatting.headed(f"clipbench {run.grouping} / {run.executor}", run)
    names = [metadata("process_name", PID, name=name)]
    threads: list[tuple[str, list[dict[str, Any]]]] = []
    for lane, passes in enumerate(nested_lanes(completed_passes(run.passes))):
        threads.append((thread_name("passes", lane), [pass_event(p, bool(run.simulated)) for p in passes]))
    fed = fed_chunks(result.spans)
    tids: dict[int, int] = {}  # id of a span → the thread that shows it
    for worker in worker_lanes(result.spans):
        for lane, spans in enumerate(worker.lanes):
            threads.append((thread_name(worker.worker, lane), [span_event(s, fed) for s in spans]))
            tids |= {id(span): PID + len(threads) - 1 for span in spans}
    timed = counter_events(result.telemetry) + flow_events(result, tids)
    for tid, (name, thread) in enumerate(threads, start=PID):
        names += [metadata("thread_name", tid, name=name), metadata("thread_sort_index", tid, sort_index=tid)]
        timed += [{**event, "pid": PID, "tid": tid} for event in thread]
    return names + sorted(timed, key=lambda event: (event["ts"], -event.get("dur", 0)))


def thread_name(name: str, lane: int) -> str:
    """The name of a thread; the second lane of a worker is called "w0 (2)"."""
    return f"{name} ({lane + 1})" if lane else name


def complete_event(name: str, category: str, start_s: float, end_s: float, **args: Any) -> dict[str, Any]:
    """A complete event. Both ends are rounded in the same way, so that neighbours never overlap."""
    start, end = round(start_s * 1e6), round(end_s * 1e6)
    return {"name": name, "cat": category, "ph": "X", "ts": start, "dur": end - start, "args": args}


def span_event(span: Span, fed: Collection[tuple[int, str]]) -> dict[str, Any]:
    """The event of one span; `fed` is what `fed_chunks` finds in the run."""
    args: dict[str, Any] = {"analyzer": span.analyzer} if span.analyzer else {}
    args |= {"phase": span.phase, "clip": span.clip}
    if span.chunk is not None:
        args |= {"chunk": span.chunk, "count": span.count}
    return complete_event(span_title(span, fed), span.phase, span.start_s, span.end_s, **args)


def flow_events(result: Result, tids: Mapping[int, int]) -> list[dict[str, Any]]:
    """An arrow from each piece of work to what waited for it: a flow event at either end of it.

    None goes from a chunk to the next one of the same analyzer on the same worker.

    An event belongs to the span of its thread in which it lies, so the first lies just before the end of
    one, and the second (`bp` is "e") at the start of the other.
    """
    found: list[dict[str, Any]] = []
    for number, (before, after) in enumerate(waits(result.spans, result.analyzers)):
        if (before.worker, before.analyzer) == (after.worker, after.analyzer):
            continue  # they stand side by side in one row
        start, end = round(after.start_s * 1e6), round(before.end_s * 1e6)
        shared = {"name": "waits for", "cat": "waits", "id": number, "pid": PID, "args": {}}
        at = min(max(end - 1, round(before.start_s * 1e6)), start)
        found.append({**shared, "ph": "s", "ts": at, "tid": tids[id(before)]})
        found.append({**shared, "ph": "f", "bp": "e", "ts": start, "tid": tids[id(after)]})
    return found


def pass_event(one: NumberedPass, predicted: bool) -> dict[str, Any]:
    """The event of one pass, named as warm-up, measured or predicted."""
    kind = "warm-up" if one.warmup else "predicted" if predicted else "measured"
    return complete_event(f"{one.number + 1} {kind}", "pass", one.start_s, one.end_s)


def metadata(kind: str, tid: int, **args: Any) -> dict[str, Any]:
    """A metadata event about the process, or about the thread `tid` of it."""
    return {"name": kind, "ph": "M", "pid": PID, "tid": tid, "args": args}


def counter_events(telemetry: Telemetry | NotMeasured) -> list[dict[str, Any]]:
    """The sampled series as counters; none where there was no sampler."""
    return [
        {"name": one.name, "ph": "C", "pid": PID, "tid": PID, "ts": round(t * 1e6), "args": {one.unit: value}}
        for one in all_series(telemetry)
        for t, value in zip(one.times_s, one.values, strict=True)
    ]


def about(result: Result) -> dict[str, Any]:
    """What someone who has only the trace should know about the run."""
    run = result.run
    return {
        "id": run.id,
        "started_at": run.started_at,
        "command": readable(run.command),
        "models": run.models,
        "prediction": formatting.prediction(run),
    }
