"""result.json: written whole or not at all, and read back as it was."""

from __future__ import annotations

import json
import os

import pytest

from clipbench.analyzers.base import Segment
from clipbench.bench.errors import InputError
from clipbench.bench.runs import storage
from clipbench.bench.runs.results import (
    AnalyzerResult,
    ClipSummary,
    Environment,
    MetricValue,
    Result,
    RunSummary,
    ScenarioSummary,
    TargetResult,
)
from clipbench.bench.runs.telemetry import NotMeasured


def a_result() -> Result:
    return Result(
        run=RunSummary(
            id="1",
            started_at="2026-01-31T12:00:00+00:00",
            command="python run.py",
            grouping="g",
            executor="e",
            threads=1,
            workers=1,
            models="m",
            scenario=ScenarioSummary("single_stream", 1, 2),
            clip=ClipSummary("a.mp4"),
        ),
        environment=Environment(machine="x86_64", cores_allowed=2),
        metrics=[MetricValue("rtf_warm", 1.5, "", "lower", [1.4, 1.6])],
        targets=[TargetResult("rtf_warm", "<", 3.0, 1.5, "", "pass")],
        verdict="pass",
        verdict_reason="",
        analyzers={
            "a": AnalyzerResult("ok", [], {}, None, "g", "main", "cpu", 0.1, [0.2], 1, "found", {"f1": None})
        },
        spans=[],
        telemetry=NotMeasured("the sampler was not run"),
    )


def test_round_trip(tmp_path):
    path = storage.write_result(a_result(), {"a": [Segment(0, 1, "x", 0.5, {"n": 1})]}, tmp_path)
    assert storage.read_result(path) == storage.read_result(tmp_path) == a_result()
    assert json.loads((tmp_path / "segments" / "a.json").read_text()) == [
        {"start_s": 0, "end_s": 1, "label": "x", "confidence": 0.5, "data": {"n": 1}}
    ]
    assert a_result().metric("rtf_warm").value == 1.5


def test_nothing_half_written_is_left(tmp_path, monkeypatch):
    storage.write_result(a_result(), {}, tmp_path)
    before = (tmp_path / "result.json").read_text()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(InputError, match="No space left on device"):
        storage.write_result(a_result(), {}, tmp_path)
    assert (tmp_path / "result.json").read_text() == before
    assert {p.name for p in tmp_path.iterdir()} == {"result.json", "segments"}


def test_not_a_number_is_never_written(tmp_path):
    with pytest.raises(ValueError):
        storage.write_json(tmp_path / "x.json", {"value": float("nan")})


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 99}'])
def test_what_is_no_result_is_refused(tmp_path, text):
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(InputError, match=r"result\.json"):
        storage.read_result(tmp_path)


def test_latest_points_at_the_newest_run_of_the_project_only(tmp_path):
    for name in ("2026-01-01/10-00-00", "2026-01-01/11-00-00"):
        folder = tmp_path / "outputs" / name
        folder.mkdir(parents=True)
        storage.link_latest(folder, tmp_path / "outputs")
    assert (tmp_path / "outputs" / "latest").resolve() == folder
    storage.link_latest(tmp_path, tmp_path / "outputs")
    assert (tmp_path / "outputs" / "latest").resolve() == folder


def test_a_name_that_is_not_utf_8_is_written_and_read_back(tmp_path):
    name = os.fsdecode(b"clip-\xff.mp4")
    storage.write_json(tmp_path / "x.json", {"path": name, "word": "größer"})
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == {"path": name, "word": "größer"}
