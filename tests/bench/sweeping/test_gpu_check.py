"""The check of a machine with a GPU, tried on the CPU: what it makes, what it keeps, what it goes on past."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clipbench.bench.errors import InputError
from clipbench.bench.probes import environment
from clipbench.bench.runs.results import GpuSummary
from clipbench.bench.runs.serialization import to_json
from clipbench.bench.runs.telemetry import NotMeasured
from clipbench.bench.sweeping import gpu_check
from clipbench.bench.sweeping.gpu_check import REFERENCE, Run, check, runs, shared, unchanged
from clipbench.reports.comparison import gpu_check as report
from tests.support.clips import numbered_frames, write_clip

PROJECT = Path(__file__).resolve().parents[3]


def told(*_):
    pass


def test_every_cleanup_mode_scenario_and_executor_is_there():
    made = runs("full", 3)
    said = {override for run in made for override in run.overrides}
    for mode in ("exit", "unload", "offload"):
        assert f"executor.cleanup={mode}" in said
    assert {"scenario=offline", "executor=threads", "executor=gpu_pinned"} <= said
    assert {"grouping=sequential", "grouping=staged", "grouping=optimized"} <= said
    assert made[0].name == REFERENCE and len({run.folder for run in made}) == len(made)
    assert all("models.size=full" in run.overrides for run in made[1:])


def test_without_a_gpu_only_the_tiny_size_is_tried(monkeypatch):
    monkeypatch.setattr(environment, "gpus", lambda: NotMeasured("NVML: no driver"))
    with pytest.raises(InputError, match=r"there is no GPU to check .*no driver.* --size tiny"):
        gpu_check.refuse_without_gpu("full")
    gpu_check.refuse_without_gpu("tiny")
    monkeypatch.setattr(environment, "gpus", lambda: [GpuSummary(name="H100", memory_gb=80.0)])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    gpu_check.refuse_without_gpu("full")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(InputError, match="none that CUDA_VISIBLE_DEVICES lets us see"):
        gpu_check.refuse_without_gpu("full")


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4", numbered_frames(30, 64, 64))


def test_a_run_that_fails_costs_only_itself(tmp_path, clip):
    one = (f"clip.path={clip}", "scenario.repeats=1")
    todo = [
        Run(REFERENCE, one),
        Run("broken", (*one, "grouping=nowhere")),
        Run("tiny", (*one, "models=random", "models.size=tiny")),
    ]
    state = check(todo, tmp_path / "out", 300, "color_analysis", told)
    assert state == json.loads((tmp_path / "out" / "gpu-check.json").read_text())
    broken, tiny = state["runs"]["broken"], state["runs"]["tiny"]
    assert broken["status"] == "failed" and "nowhere" in broken["reason"]
    assert tiny["metrics"]["rtf_warm"]["value"] > 0
    assert (
        tiny["metrics"]["gpu_utilization"]["value"] is None and tiny["metrics"]["gpu_utilization"]["reason"]
    )
    assert tiny["unchanged"] == {"compared": ["color_analysis"], "differing": [], "reason": ""}
    page = report.render(state)
    assert "nowhere" in page and "the same as in the embedded run (1 analyzers)" in page


def test_what_does_not_fit_into_the_time_is_named(tmp_path):
    state = check(runs("tiny", 1)[:2], tmp_path, 0.0, "", told)
    assert {run["status"] for run in state["runs"].values()} == {"not run"}
    assert "not run: the 0 s were over" in report.render(state)


def test_a_run_that_is_under_way_when_the_time_is_over_is_ended(tmp_path, clip):
    slow = Run("slow", (f"clip.path={clip}", "faults=slow", "faults.seconds=600", "scenario.warmup=0"))
    state = check([slow], tmp_path / "out", 6.0, "color_analysis", told)
    assert (state["runs"]["slow"]["status"], state["runs"]["slow"]["reason"]) == (
        "failed",
        "the 6 s were over",
    )


def test_a_difference_is_seen():
    reference = {"a": [1], "b": [2], "c": [3]}
    found = {"a": [1], "b": [9], "c": [9]}
    assert unchanged(reference, found, {"a", "b", "d"}) == {
        "compared": ["a", "b"], "differing": ["b"], "reason": ""
    }  # fmt: skip
    assert unchanged(None, found, {"a"})["differing"] is None


def test_what_reads_of_random_weights_is_not_shared():
    names = shared(["models=random", "models.size=tiny"])
    assert {"color_analysis", "cut_analysis", "audio_analysis"} <= names
    assert names.isdisjoint({"object_detection", "temporal_flow", "cross_analyzer_intelligence"})


def test_data_in_the_page_is_text():
    state = {
        "environment": to_json(environment.describe()),
        "runs": {"<script>|": {"status": "failed", "reason": "a | `b` <script>", "overrides": ["x=```"]}},
    }
    page = report.render(state)
    assert "\\<script\\>" in page and "<script>" not in page.replace("\\<script\\>", "")


def test_cut_off_it_leaves_what_is_done(tmp_path):
    command = [sys.executable, "gpu_check.py", "--size", "tiny", "--only", "color_analysis"]
    process = subprocess.Popen(
        [*command, "--output", str(tmp_path)], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "gpu-check.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 143
    assert REFERENCE in json.loads((tmp_path / "gpu-check.json").read_text())["runs"]
    assert (tmp_path / "gpu-check.md").exists() and b"embedded" in output
    assert not [p for p in Path("/proc").glob("[0-9]*/cmdline") if os.fsencode(str(tmp_path)) in read(p)]


def read(path: Path) -> bytes:
    """The bytes of a file of a process, which may have ended."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
