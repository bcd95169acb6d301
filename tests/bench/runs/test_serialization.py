"""Results of earlier versions are read, and what is not a result is refused with the key that is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clipbench.bench.errors import InputError
from clipbench.bench.runs import storage
from clipbench.bench.runs.baseline_outcome import Compared, Saved
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import Result
from clipbench.bench.runs.serialization import WrongShape, from_json, to_json
from clipbench.bench.runs.telemetry import Telemetry
from tests.support.stored_results import a_result

GOLDEN = Path(__file__).resolve().parents[2] / "e2e" / "golden"


@pytest.mark.parametrize("name", ["whole", "faulty"])
def test_a_recorded_result_is_written_as_it_was_read(name):
    raw = json.loads((GOLDEN / f"{name}.result.json").read_text())
    again = to_json(from_json(Result, raw))
    for key in (
        "run",
        "metrics",
        "targets",
        "analyzers",
        "spans",
        "telemetry",
        "warnings",
        "verdict",
        "schema",
    ):
        assert again[key] == raw[key], key


def test_a_result_of_an_earlier_version_has_what_it_lacks_as_unknown(tmp_path):
    raw = to_json(a_result())
    for key in ("settings", "other_cores", "cleanup", "profiles", "groups"):
        del raw["run"][key]
    raw["telemetry"], raw["a_later_key"] = {}, {"is": "ignored"}
    (tmp_path / "result.json").write_text(json.dumps(raw))
    read = storage.read_result(tmp_path)
    assert read.run.settings is None and read.run.other_cores is None and read.run.groups == []
    assert read.run.cleanup == read.telemetry == NotMeasured("not recorded")


def test_what_was_not_measured_is_a_reason_and_what_was_is_a_series():
    raw = to_json(a_result())
    raw["telemetry"] = {"reason": "no sampler"}
    assert from_json(Result, raw).telemetry == NotMeasured("no sampler")
    raw["telemetry"] = {"times_s": [1], "cpu_percent": [2.5], "rss_bytes": [3]}
    assert isinstance(from_json(Result, raw).telemetry, Telemetry)


def test_the_mode_tells_what_came_of_a_baseline():
    raw = to_json(a_result())
    saved = to_json(Saved(path="b.json", runs=1, needed=3, saved=True))
    raw["run"]["baseline"] = saved
    assert isinstance(from_json(Result, raw).run.baseline, Saved)
    raw["run"]["baseline"] = to_json(Compared(path="b.json", runs=3, call="same"))
    assert isinstance(from_json(Result, raw).run.baseline, Compared)
    assert "baseline" not in to_json(a_result())["run"]  # where none was asked for, there is no key


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("run", "threads"), "two", "run.threads is 'two', not int"),
        (("telemetry",), [], "telemetry is [], not Telemetry or NotMeasured"),
        (("telemetry",), {"times_s": [0, "x"], "cpu_percent": [], "rss_bytes": []}, "telemetry.times_s[1]"),
        (("verdict",), "perhaps", "verdict is 'perhaps'"),
        (("analyzers", "text", "analyze_s"), None, "analyzers.text.analyze_s is None"),
        (("metrics",), [{"name": "x"}], "metrics[0] has no better"),
        (("run", "interrupted"), 1, "run.interrupted is 1, not bool"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key(path, value, says, tmp_path):
    raw = to_json(a_result())
    place = raw
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(WrongShape) as refused:
        from_json(Result, raw)
    assert str(refused.value).startswith(says)
    (tmp_path / "result.json").write_text(json.dumps(raw))
    with pytest.raises(InputError, match=r"result\.json is not the result of a run: "):
        storage.read_result(tmp_path)
