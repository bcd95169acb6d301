"""The exit code of a sweep is about all turns of all jobs."""

from __future__ import annotations

import dataclasses
import json

from clipbench.bench.comparing import comparison
from clipbench.bench.errors import Exit
from clipbench.bench.runs.results import TargetResult
from clipbench.bench.runs.serialization import to_json
from clipbench.bench.sweeping import verdict
from tests.support.stored_results import a_result, missing_target
from tests.support.sweeps import Notes, a_sweep


def test_the_exit_code_is_about_all_turns_of_all_jobs(tmp_path, child, monkeypatch):
    def code(name: str, *does: str, **options) -> Exit:
        one = a_sweep(tmp_path / name, *does, **options)
        one.run(Notes())
        candidates = comparison.load([tmp_path / name])
        made = comparison.compare(candidates) if any(candidate.runs for candidate in candidates) else None
        found, lines = verdict.verdict(one.jobs, made)
        reasons[name] = "; ".join(lines)
        return found

    reasons: dict[str, str] = {}
    assert code("kept", "well", "well", allow_unmeasured=["through*"]) == Exit.OK and reasons["kept"] == ""
    assert code("open", "well") == Exit.NOTHING_VALID
    assert reasons["open"] == "A: not measured, and not in gate.allow_unmeasured: throughput"
    assert code("absent", "well", require=["gpu_utilization"]) == Exit.TARGET_MISSED
    assert reasons["absent"] == "A: required, but not measured: gpu_utilization"
    assert code("one", "well", "die") == Exit.NOTHING_VALID and reasons["one"] == "B: it has no result"
    assert code("none", "die") == Exit.NOTHING_VALID
    # Three turns of one repeat of 15 s, with two analyzers: all together it is enough, or is not.
    for key, least, of in (("analyzers", 20, 2), ("repeats", 4, 3), ("seconds", 46, 45)):
        assert code(key, "well", minimum={key: least}) == Exit.NOTHING_VALID
        assert reasons[key] == f"A: too little was measured: {of} of {least} {key}"
    stand_in = TargetResult("quality.text.recall", ">=", 0.8, None, "", "not_measured", "a stand-in")
    result = dataclasses.replace(a_result([1.5]), targets=[stand_in])
    monkeypatch.setenv("RESULT", json.dumps(to_json(result)))
    assert code("unknown", "well") == Exit.NOTHING_VALID and reasons["unknown"] == "A: no target was measured"
    assert code("stand-in", "well", require=["quality.text.recall"]) == Exit.TARGET_MISSED
    result = missing_target(a_result([1.5]))
    monkeypatch.setenv("RESULT", json.dumps(to_json(result)))
    assert code("missed", "well", "well") == Exit.TARGET_MISSED
