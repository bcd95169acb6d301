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
from clipbench.bench.planning import config
from clipbench.bench.planning.plan import make_plan
from clipbench.bench.probes import environment
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import GpuSummary
from clipbench.bench.sweeping import gpu_check
from clipbench.bench.sweeping.gpu_check import REFERENCE, CheckRun, check_runs, run_check, shared_analyzers
from clipbench.bench.sweeping.gpu_check_state import CheckedRun, GpuCheck, Unchanged, read, unchanged
from clipbench.reports.comparison import gpu_check as report
from tests.support.sweeps import Notes
from tests.support.video_files import numbered_frames, write_clip

PROJECT = Path(__file__).resolve().parents[3]


def check(runs: list[CheckRun], folder: Path, budget_s: float = 300) -> tuple[GpuCheck, Notes]:
    """A check with these runs, and what it has told while it went on."""
    notes = Notes()
    return run_check(runs, folder, budget_s, ["python", "gpu_check.py"], notes), notes


def test_every_cleanup_mode_scenario_and_executor_is_there():
    made = check_runs("full", 3)
    said = {override for run in made for override in run.overrides}
    for mode in ("exit", "unload", "offload"):
        assert f"executor.cleanup={mode}" in said
    assert {"scenario=offline", "executor=threads", "executor=gpu_pinned"} <= said
    assert {"grouping=sequential", "grouping=staged", "grouping=optimized"} <= said
    assert made[0].title == REFERENCE and len({run.name for run in made}) == len(made)
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


def some_runs(clip: Path) -> list[CheckRun]:
    """The reference, one that cannot be prepared, and one with random weights."""
    one = (f"clip.path={clip}", "only=[color_analysis]")
    return [
        CheckRun(REFERENCE, ("models=embedded", *one), 1),
        CheckRun("broken", ("grouping=nowhere", *one), 1),
        CheckRun("tiny × one", ("models=random", "models.size=tiny", *one), 1),
    ]


def test_a_run_that_fails_costs_only_itself(tmp_path, clip):
    found, notes = check(some_runs(clip), tmp_path)
    assert found == read(tmp_path) and not found.complete
    broken, tiny = found.runs["broken"], found.runs["tiny × one"]
    assert broken.status == "failed" and "nowhere" in broken.reason and broken.metrics is None
    assert tiny.metrics["rtf_warm"].value > 0
    assert tiny.metrics["gpu_utilization"].value is None and tiny.metrics["gpu_utilization"].reason
    assert tiny.unchanged == Unchanged(["color_analysis"], [])
    page = report.render(found)
    assert "nowhere" in page and "the same as in the embedded run (1 analyzers)" in page
    assert [turn.job for turn in notes.done] == [REFERENCE, "broken", "tiny × one"]
    raw = json.loads((tmp_path / "gpu-check.json").read_text())
    assert "metrics" not in raw["runs"]["broken"] and "metrics" in raw["runs"][REFERENCE]


def test_what_does_not_fit_into_the_time_is_named_and_made_by_the_same_command(tmp_path, clip):
    runs = some_runs(clip)[::2]
    (tmp_path / "of_somebody_else").touch()
    found, notes = check(runs, tmp_path, budget_s=0.0)
    assert {run.status for run in found.runs.values()} == {"not run"} and notes.interrupted is False
    assert "not run: the 0 s were over" in report.render(found)
    found, notes = check(runs[:1], tmp_path)
    assert found.complete and list(found.runs) == [REFERENCE], "another check begins anew"
    found, notes = check(runs, tmp_path)
    assert found.complete and [turn.job for turn in notes.done] == [run.title for run in runs]
    found, notes = check(runs, tmp_path)
    assert len(notes.done) == 2, "a complete check begins anew"
    state = json.loads((tmp_path / "sweep.json").read_text())
    (tmp_path / "sweep.json").write_text(
        json.dumps({**state, "turns": state["turns"][:1], "complete": False})
    )
    found, notes = check(runs, tmp_path)
    assert found.complete and [turn.job for turn in notes.done] == [runs[1].title], (
        "an incomplete one goes on"
    )
    assert (tmp_path / "of_somebody_else").exists()


def test_a_run_that_is_under_way_when_the_time_is_over_is_ended(tmp_path, clip):
    slow = (f"clip.path={clip}", "faults=slow", "faults.seconds=600", "only=[color_analysis]")
    found, notes = check([CheckRun("slow", slow, 1)], tmp_path, budget_s=6.0)
    assert (found.runs["slow"].status, found.runs["slow"].reason) == ("failed", "the 6 s were over")
    assert notes.interrupted


def test_a_difference_is_seen():
    reference = {"a": [1], "b": [2], "c": [3]}
    found = {"a": [1], "b": [9], "c": [9]}
    assert unchanged(reference, found, {"a", "b", "d"}) == Unchanged(["a", "b"], ["b"])
    assert unchanged(None, found, {"a"}).differing is None


def test_what_reads_of_random_weights_is_not_shared():
    names = shared_analyzers(make_plan(config.compose("models=random", "models.size=tiny")))
    assert {"color_analysis", "cut_analysis", "audio_analysis"} <= names
    assert names.isdisjoint({"object_detection", "temporal_flow", "cross_analyzer_intelligence"})


def test_data_in_the_page_is_text():
    failed = CheckedRun(["x=```"], "failed", "a | `b` <script>")
    page = report.render(GpuCheck(environment.describe(), 1.0, "2026-01-01", {"<script>|": failed}))
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
    deadline = time.monotonic() + 10  # Linux ends what is left of the run after its parent
    while (left := processes_naming(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left


def processes_naming(folder: Path) -> list[Path]:
    """The processes with this folder in their command."""
    commands = Path("/proc").glob("[0-9]*/cmdline")
    return [command for command in commands if os.fsencode(str(folder)) in bytes_of(command)]


def bytes_of(path: Path) -> bytes:
    """The bytes of a file of a process, which may have ended."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
