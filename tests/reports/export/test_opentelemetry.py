"""export=opentelemetry, against a server that parses what it is sent."""

from __future__ import annotations

import datetime
import socket

import pytest

from clipbench.bench.measuring.waits import waits
from clipbench.reports.drawing.spans import fed_chunks, span_title
from clipbench.reports.export import opentelemetry_spans, registry
from clipbench.reports.export.exporter import Destination, without_password
from tests.support.exported_runs import measured, predicted, stored
from tests.support.otlp_server import attributes, receiving
from tests.support.report_results import NAMES, hostile

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the extra opentelemetry is missing")


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", raising=False)
    with receiving() as received:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.endpoint)
        yield received


def exported(folder, *results):
    """Export some runs; what was told, and the runs as they were stored."""
    runs, told = stored(folder, *results), []
    assert registry.export(["opentelemetry"], runs, Destination(folder), told.append) == []
    return told, runs


def test_every_piece_of_work_is_a_span_at_its_time_with_what_it_was(server, tmp_path):
    told, (one,) = exported(tmp_path, measured())
    spans = server.spans()
    root = next(span for span in spans if not span.parent_span_id)
    assert told == [f"{len(spans)} spans of run {one.id}, OpenTelemetry at {server.endpoint}"]
    assert len({span.span_id for span in spans}) == len(spans) and len({s.trace_id for s in spans}) == 1
    began_ns = datetime.datetime.fromisoformat(one.result.run.started_at).timestamp() * 1e9
    fed = fed_chunks(one.result.spans)
    expected = sorted((span_title(s, fed), s.start_s, s.end_s, s.worker) for s in one.result.spans)
    work = [span for span in spans if "clipbench.worker" in attributes(span)]
    found = sorted(
        (
            span.name,
            (span.start_time_unix_nano - began_ns) / 1e9,
            (span.end_time_unix_nano - began_ns) / 1e9,
            attributes(span)["clipbench.worker"],
        )
        for span in work
    )
    assert [(f[0], f[3]) for f in found] == [(e[0], e[3]) for e in expected]
    assert [f[1:3] for f in found] == [pytest.approx(e[1:3], abs=1e-6) for e in expected]
    assert attributes(root)["clipbench.verdict"] == "pass" and attributes(root)["clipbench.run"] == one.id


def test_work_is_below_its_pass_and_other_time_below_the_run(server, tmp_path):
    _, (one,) = exported(tmp_path, measured())
    spans = {span.span_id: span for span in server.spans()}
    root = next(span for span in spans.values() if not span.parent_span_id)
    passes = [span for span in spans.values() if span.name.startswith("pass ")]
    assert len(passes) == len(one.result.run.passes) and {p.parent_span_id for p in passes} == {root.span_id}
    for span in spans.values():
        known = attributes(span)
        if known.get("clipbench.phase") in ("decode", "analyze"):
            above = spans[span.parent_span_id]
            assert above.name.startswith(f"pass {known['clipbench.clip'] + 1} ")
        elif span not in (root, *passes):
            assert span.parent_span_id == root.span_id


def test_what_was_waited_for_is_linked(server, tmp_path):
    result = measured()
    result.analyzers[NAMES[2]].waits_for = [NAMES[3]]
    _, (one,) = exported(tmp_path, result)
    pairs = waits(one.result.spans, one.result.analyzers)
    assert pairs
    fed = fed_chunks(one.result.spans)
    names = {span.span_id: span.name for span in server.spans()}
    found = [(names[link.span_id], span.name) for span in server.spans() for link in span.links]
    assert sorted(found) == sorted((span_title(a, fed), span_title(b, fed)) for a, b in pairs)


def test_a_prediction_says_so_in_every_span(server, tmp_path):
    exported(tmp_path, predicted())
    spans = server.spans()
    assert all(attributes(span)["clipbench.predicted"] is True for span in spans)
    root = next(span for span in spans if not span.parent_span_id)
    assert root.name.startswith("predicted: ") and "nothing ran" in attributes(root)["clipbench.prediction"]
    assert not any("measured" in span.name for span in spans)


def test_a_second_export_sends_the_same_spans(server, tmp_path):
    for number in ("a", "b"):
        exported(tmp_path / number, measured())
    first, second = (request.resource_spans[0].scope_spans[0].spans for request in server.requests)
    assert [s.span_id for s in first] == [s.span_id for s in second] and first[0].trace_id
    assert first[0].trace_id == second[0].trace_id


def test_two_runs_are_two_traces_and_many_spans_several_requests(server, tmp_path, monkeypatch):
    monkeypatch.setattr(opentelemetry_spans, "BATCH", 10)
    _, runs = exported(tmp_path)
    assert len({span.trace_id for span in server.spans()}) == len(runs) == 2
    assert all(len(r.resource_spans[0].scope_spans[0].spans) <= 10 for r in server.requests)
    assert len(server.spans()) == sum(len(opentelemetry_spans.spans_of(one)) for one in runs)


def test_the_resource_is_clipbench_unless_a_variable_names_another(server, tmp_path, monkeypatch):
    exported(tmp_path / "a", measured())
    monkeypatch.setenv("OTEL_SERVICE_NAME", "video-service")
    exported(tmp_path / "b", measured())
    names = [attributes(request.resource_spans[0].resource)["service.name"] for request in server.requests]
    assert names == ["clipbench", "video-service"]


def test_any_text_is_taken(server, tmp_path):
    told, _ = exported(tmp_path, hostile(measured()))
    assert len(told) == 1 and server.spans()


def test_what_a_server_refuses_is_one_line_with_its_answer(server, tmp_path):
    server.status = 403
    (line,) = registry.export(["opentelemetry"], stored(tmp_path), Destination(tmp_path), print)
    assert line.startswith("export to opentelemetry failed: ") and "403" in line and "\n" not in line


def test_a_server_that_is_not_there_is_one_line(tmp_path, monkeypatch, capsys):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    (line,) = registry.export(["opentelemetry"], stored(tmp_path, measured()), Destination(tmp_path), print)
    assert line.startswith("export to opentelemetry failed: ") and "\n" not in line
    assert capsys.readouterr() == ("", "")


def test_a_password_is_not_shown():
    assert without_password("http://me:secret@host:5000/x") == "http://host:5000/x"
    assert without_password("sqlite:///a.db") == "sqlite:///a.db"
