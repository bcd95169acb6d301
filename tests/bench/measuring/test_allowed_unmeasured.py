"""What was not measured: the verdict lists it, and the gate lets pass only what it is told to by name."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from clipbench.bench.errors import Exit
from clipbench.bench.measuring import session, targets, verdict
from clipbench.bench.probes import environment
from clipbench.bench.runs.results import Environment
from tests.support import ideal_run
from tests.support.command_line import PROJECT


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    described = Environment(machine="by hand", cores_allowed=2)
    monkeypatch.setattr(environment, "describe", lambda: described)


def judged(tmp_path, *overrides: str, truth: bool = True):
    """A run of the default configuration in which all went well, without a GPU; and its exit code."""
    cfg = ideal_run.composed("gate=enforce", f"clip.path={ideal_run.CLIP.path}", *overrides)
    prepared = session.prepare(cfg, tmp_path)
    made = ideal_run.record(prepared.plan, ideal_run.segments())
    if not truth:
        for one in made.passes:
            one.clip = replace(one.clip, path=str(tmp_path / "black.mp4"))
    result = ideal_run.result(prepared, made)
    return result, verdict.exit_code(result, cfg.gate)


def allowed_by_ci() -> list[str]:
    """What `.ci/run` allows to be unmeasured."""
    script = (PROJECT / ".ci" / "run").read_text()
    (names,) = re.findall(r'^ALLOWED="(.*)"$', script, re.MULTILINE)
    assert "'gate.allow_unmeasured=[$ALLOWED]'" in script
    return names.split(",")


def test_ci_passes_without_a_gpu_because_it_names_what_it_allows(tmp_path):
    names = allowed_by_ci()
    result, code = judged(tmp_path, f"gate.allow_unmeasured=[{','.join(names)}]")
    assert (result.verdict, code) == ("incomplete", Exit.OK)
    for name in names:  # none of them is there without need
        left = [other for other in names if other != name]
        assert judged(tmp_path, f"gate.allow_unmeasured=[{','.join(left)}]")[1] == Exit.NOTHING_VALID, name


def test_with_the_list_emptied_it_fails_and_says_what_is_open(tmp_path):
    result, code = judged(tmp_path, "gate.allow_unmeasured=[]")
    assert (result.verdict, code) == ("incomplete", Exit.NOTHING_VALID)
    listed = result.verdict_reason.partition("not measured: ")[2].split(", ")
    assert listed == targets.unmeasured(result.targets)
    assert {"gpu_utilization", "gpu_memory_residue", "vlm_segments_per_second"} <= set(listed)


def test_a_clip_without_truth_passes_nothing_by_its_speed_alone(tmp_path):
    result, code = judged(tmp_path, truth=False)
    assert (result.verdict, code) == ("incomplete", Exit.NOTHING_VALID)
    assert result.verdict_reason.startswith(f"2 of {len(result.targets)} targets are met; not measured: ")
    assert "quality.object_detection.recall" in result.verdict_reason


def test_a_gate_that_only_reports_ends_with_0(tmp_path):
    result, code = judged(tmp_path, "gate=report")
    assert (result.verdict, code) == ("incomplete", Exit.OK)
