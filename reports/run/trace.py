"""A run as a trace for Perfetto (ui.perfetto.dev) and chrome://tracing: `trace.json`.

The format is the Trace Event Format in its object form: complete events ("ph": "X") for spans and passes,
metadata ("M") for names and order, counters ("C") for telemetry; times in microseconds from the run's start.
Perfetto wants complete events on one thread to nest or to be apart, so a worker that did two things at once
gets a further thread.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from clipbench.bench.runs.results import Result, write_json
from clipbench.reports.drawing.telemetry_series import all_series

#: The whole run is one process of the trace, since counters belong to processes and spans to threads.
PID = 1


def write(result: Result, path: Path) -> Path:
    """Write the trace of `result` to `path`; returns it. Raises OSError where that cannot be done."""
    write_json(path, {"traceEvents": events(result), "displayTimeUnit": "ms", "otherData": about(result)})
    return path


def events(result: Result) -> list[dict[str, Any]]:
    """All events, those that name things first, then by time."""
    run = result.run
    names = [metadata("process_name", PID, name=f"clipbench {run.get('grouping')} / {run.get('executor')}")]
    timed = []
    rows = []
    for lane, passes in enumerate(lanes(complete_passes(run.get("passes", [])))):
        rows.append((f"passes ({lane + 1})" if lane else "passes", [pass_event(p) for p in passes]))
    for worker in dict.fromkeys(span["worker"] for span in result.spans):
        own = [span for span in result.spans if span["worker"] == worker]
        for lane, spans in enumerate(lanes(own)):
            rows.append((f"{worker} ({lane + 1})" if lane else worker, [span_event(s) for s in spans]))
    for tid, (name, row) in enumerate(rows, start=PID):
        names += [metadata("thread_name", tid, name=name), metadata("thread_sort_index", tid, sort_index=tid)]
        timed += [{**event, "pid": PID, "tid": tid} for event in row]
    timed += counter_events(result.telemetry)
    return names + sorted(timed, key=lambda event: (event["ts"], -event.get("dur", 0)))


def lanes(spans: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """`spans` (of one worker) in as few rows as it takes for those of a row to nest or to be apart."""
    rows: list[list[dict[str, Any]]] = []
    open_ends: list[list[float]] = []  # of each row: the ends of the spans not yet over, outermost first
    for span in sorted(spans, key=lambda s: (s["start_s"], -s["end_s"])):
        for ends in open_ends:
            while ends and ends[-1] <= span["start_s"]:
                ends.pop()
        free = (n for n, ends in enumerate(open_ends) if not ends or span["end_s"] <= ends[-1])
        number = next(free, len(rows))
        if number == len(rows):
            rows.append([])
            open_ends.append([])
        rows[number].append(span)
        open_ends[number].append(span["end_s"])
    return rows


def complete(name: str, category: str, start_s: float, end_s: float, **args: Any) -> dict[str, Any]:
    """A complete event. Both ends are rounded alike, so that neighbours do not come to overlap."""
    start, end = round(start_s * 1e6), round(end_s * 1e6)
    return {"name": name, "cat": category, "ph": "X", "ts": start, "dur": end - start, "args": args}


def span_event(span: dict[str, Any]) -> dict[str, Any]:
    """One span: an analysis by the analyzer's name, anything else by its phase before it."""
    analyzer, phase = span["analyzer"], span["phase"]
    name = analyzer if phase == "analyze" else f"{phase} {analyzer}".strip()
    args = {key: span[key] for key in ("analyzer", "phase", "clip") if span.get(key) not in ("", None)}
    return complete(name, phase, span["start_s"], span["end_s"], **args)


def complete_passes(passes: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The passes that came to their end (an interrupted one did not), with their numbers from 0."""
    return [{**p, "number": n} for n, p in enumerate(passes) if p["end_s"] > p["start_s"]]


def pass_event(one: dict[str, Any]) -> dict[str, Any]:
    """One pass, called warm-up or measured."""
    kind = "warm-up" if one["warmup"] else "measured"
    return complete(f"{one['number'] + 1} {kind}", "pass", one["start_s"], one["end_s"])


def metadata(kind: str, tid: int, **args: Any) -> dict[str, Any]:
    """A metadata event about the process, or about the thread `tid` of it."""
    return {"name": kind, "ph": "M", "pid": PID, "tid": tid, "args": args}


def counter_events(telemetry: dict[str, Any]) -> list[dict[str, Any]]:
    """The sampled series as counters; none where there was no sampler."""
    return [
        {"name": one.name, "ph": "C", "pid": PID, "tid": PID, "ts": round(t * 1e6), "args": {one.unit: value}}
        for one in all_series(telemetry)
        for t, value in zip(one.times_s, one.values, strict=True)
    ]


def about(result: Result) -> dict[str, Any]:
    """What a reader of the trace alone should know of the run."""
    return {key: result.run[key] for key in ("id", "started_at", "command", "models") if key in result.run}
