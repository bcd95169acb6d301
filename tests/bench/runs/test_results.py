"""result.json: written whole or not at all, and read back as it was."""

from __future__ import annotations

import json
import os

import pytest

from clipbench.analyzers.base import Segment
from clipbench.bench.errors import InputError
from clipbench.bench.runs import storage
from tests.support.minimal_result import a_result


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
