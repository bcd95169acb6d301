"""A run as a trace of OpenTelemetry: a span for the run, one for each pass, one for each piece of work.

What a piece of work waited for is a link from it. Ids follow from the id of the run, so that a second export
sends the same spans again. Where they go is what OpenTelemetry's own variables say
(OTEL_EXPORTER_OTLP_ENDPOINT; without one, http://localhost:4318).

https://opentelemetry.io/docs/specs/otel/protocol/exporter/
"""

from __future__ import annotations

import datetime
import hashlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import clipbench
from clipbench.bench.file_names import readable
from clipbench.bench.measuring.waits import waits
from clipbench.executors.base import Span
from clipbench.reports import formatting
from clipbench.reports.drawing.passes import NumberedPass, completed_passes, run_end
from clipbench.reports.drawing.spans import fed_chunks, span_title
from clipbench.reports.export.exporter import Destination, ExportedRun, ExportError, without_password

if TYPE_CHECKING:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext

#: The variables that say where spans go, the first that is set, and where they go without.
VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
DEFAULT_ENDPOINT = "http://localhost:4318"
#: So many spans are sent in one request.
BATCH = 512

Attributes = dict[str, "str | int | bool"]


@dataclass(frozen=True)
class Described:
    """What a span is to say: times in seconds from the start of the run.

    `parent` and `links` are names of other spans: that above it, and those that it waited for.
    """

    title: str
    start_s: float
    end_s: float
    attributes: Attributes
    parent: str = ""
    links: tuple[str, ...] = ()


def write(runs: list[ExportedRun], to: Destination) -> list[str]:
    """Send the spans of each run; returns a line for each. Raises ExportError where they are not taken."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    exporter, made = OTLPSpanExporter(), []
    where = without_password(next(filter(None, map(os.environ.get, VARIABLES)), DEFAULT_ENDPOINT))
    try:
        for one in runs:
            found = spans_of(one)
            for start in range(0, len(found), BATCH):
                send(exporter, found[start : start + BATCH])
            made.append(f"{len(found)} spans of run {one.id}, OpenTelemetry at {where}")
    finally:
        exporter.shutdown()  # type: ignore[no-untyped-call]
    return made


def send(exporter: OTLPSpanExporter, batch: Sequence[ReadableSpan]) -> None:
    """Send some spans. Raises ExportError with what the exporter has logged: it returns no reason."""
    from opentelemetry.sdk.trace.export import SpanExportResult

    with last_logged("opentelemetry") as told:
        taken = exporter.export(batch) is SpanExportResult.SUCCESS
    if not taken:
        raise ExportError(told[-1] if told else "the spans were not taken")


@contextmanager
def last_logged(name: str) -> Iterator[list[str]]:
    """The messages that a library's logger has meanwhile, which go nowhere else."""
    told: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger(name)
    before, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield told
    finally:
        logger.removeHandler(handler)
        logger.propagate = before


def spans_of(one: ExportedRun) -> list[ReadableSpan]:
    """All spans of a run: its own, and below it those of passes, and of work that is no part of a pass."""
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import Link

    described = describe(one)
    contexts = {name: context(one.id, name) for name in described}
    ours = {"service.name": "clipbench", "service.version": clipbench.__version__}
    resource = Resource.create({**ours, **OTELResourceDetector().detect().attributes})
    scope = InstrumentationScope("clipbench", clipbench.__version__)
    began_ns = nanoseconds(one)
    return [
        ReadableSpan(
            readable(each.title),
            contexts[name],
            parent=contexts.get(each.parent),
            resource=resource,
            attributes={key: readable(v) if isinstance(v, str) else v for key, v in each.attributes.items()},
            links=[Link(contexts[other], {"reason": "waits for"}) for other in each.links],
            start_time=began_ns + round(1e9 * each.start_s),
            end_time=began_ns + round(1e9 * each.end_s),
            instrumentation_scope=scope,
        )
        for name, each in described.items()
    ]


def nanoseconds(one: ExportedRun) -> int:
    """When the run began, in nanoseconds since 1970."""
    return round(1e9 * datetime.datetime.fromisoformat(one.result.run.started_at).timestamp())


def context(run: str, name: str) -> SpanContext:
    """The ids of a span: 16 bytes for its trace, which the run has, and 8 for itself."""
    from opentelemetry.trace import SpanContext, TraceFlags

    trace, own = (hashlib.sha256(text.encode()).digest() for text in (run, f"{run} {name}"))
    sampled = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(
        int.from_bytes(trace[:16]), int.from_bytes(own[:8]), is_remote=False, trace_flags=sampled
    )


def describe(one: ExportedRun) -> dict[str, Described]:
    """Name → what is to be said of it, for the run, its passes, and each piece of work."""
    result = one.result
    title = formatting.headed(f"clipbench {result.run.grouping} / {result.run.executor}", result.run)
    found = {"run": Described(title, 0.0, run_end(result), about(one))}
    passes = completed_passes(result.run.passes)
    found |= {f"pass {each.number}": pass_of(each, one.predicted) for each in passes}
    names = {id(span): f"span {number}" for number, span in enumerate(result.spans)}
    before: dict[int, list[str]] = {}
    for earlier, later in waits(result.spans, result.analyzers):
        before.setdefault(id(later), []).append(names[id(earlier)])
    fed = fed_chunks(result.spans)
    for span in result.spans:
        in_pass = f"pass {span.clip}" if span.phase in ("decode", "analyze") else ""
        found[names[id(span)]] = Described(
            title=span_title(span, fed),
            start_s=span.start_s,
            end_s=span.end_s,
            attributes={**about_span(span), "clipbench.predicted": one.predicted},
            parent=in_pass if in_pass in found else "run",
            links=tuple(before.get(id(span), ())),
        )
    return found


def about(one: ExportedRun) -> Attributes:
    """What the span of a run says of it."""
    run = one.result.run
    known: Mapping[str, str | bool] = {
        "run": run.id,
        "grouping": run.grouping,
        "executor": run.executor,
        "models": run.models,
        "scenario": run.scenario.name,
        "clip": run.clip.path,
        "command": run.command,
        "verdict": formatting.verdict_words(one.result),
        "predicted": one.predicted,
        "prediction": formatting.prediction(run),
        "git_commit": one.result.environment.git_commit or "",
    }
    return {f"clipbench.{name}": value for name, value in known.items() if value != ""}


def pass_of(one: NumberedPass, predicted: bool) -> Described:
    """The span of a pass, which is a warm-up, measured or predicted."""
    kind = "warm-up" if one.warmup else "predicted" if predicted else "measured"
    attributes: Attributes = {"clipbench.warmup": one.warmup, "clipbench.predicted": predicted}
    return Described(f"pass {one.number + 1} {kind}", one.start_s, one.end_s, attributes, parent="run")


def about_span(span: Span) -> Attributes:
    """What the span of a piece of work says of it."""
    known: Attributes = {"phase": span.phase, "worker": span.worker, "clip": span.clip}
    if span.analyzer:
        known["analyzer"] = span.analyzer
    if span.chunk is not None:
        known |= {"chunk": span.chunk, "chunks": span.count}
    return {f"clipbench.{name}": value for name, value in known.items()}
