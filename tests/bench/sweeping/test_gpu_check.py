"""The check of a machine with a GPU, tried on the CPU: what it makes, what it keeps, what it goes on past."""

from __future__ import annotations

import json
import os
import runpy
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
from clipbench.bench.sweeping.gpu_check import Told, run_check
from clipbench.bench.sweeping.gpu_check_runs import REFERENCE, CheckRun, check_runs, shared_analyzers
from clipbench.bench.sweeping.gpu_check_state import CheckedRun, GpuCheck, Unchanged, read, unchanged, write
from clipbench.reports.comparison import gpu_check as report
from tests.support.sweeps import Notes
from tests.support.video_files import numbered_frames, write_clip

PROJECT = Path(__file__).resolve().parents[3]


def check(runs: list[CheckRun], folder: Path, budget_s: float = 300, **told) -> tuple[GpuCheck, Notes]:
    """A check with these runs, and what it has told while it went on."""
    notes = Notes()
    return run_check(runs, folder, budget_s, ["python", "gpu_check.py"], Told(notes, **told)), notes


def test_the_most_telling_run_comes_first_and_the_embedded_one_last():
    made = check_runs("full", 3)
    first = set(made[0].overrides)
    assert {"grouping=optimized", "executor=gpu_pinned", "executor.cleanup=exit"} <= first
    assert not any(override.startswith("scenario=") for override in first), "one clip at a time"
    assert made[-1].title == REFERENCE and REFERENCE not in [run.title for run in made[:-1]]
    shared = shared_analyzers(make_plan(config.compose("models=random")))
    assert f"only=[{','.join(sorted(shared))}]" in made[-1].overrides
    assert "models=embedded" in made[-1].overrides and made[-1].repeats == 1


def test_of_a_subset_the_embedded_run_has_what_is_shared_and_may_be_left_out():
    made = check_runs("tiny", 1, "object_detection,color_analysis")
    assert "only=[object_detection,color_analysis]" in made[0].overrides
    assert "only=[color_analysis]" in made[-1].overrides
    assert REFERENCE not in [run.title for run in check_runs("tiny", 1, "object_detection")]


def test_overrides_go_to_every_run_behind_the_check_s_own():
    own = ["models.production.object_detection.batch=8", "executor.timeout_s=30"]
    for run in check_runs("full", 3, overrides=own):
        assert list(run.overrides[-2:]) == own
        assert config.compose(*run.overrides).executor.timeout_s == 30


@pytest.mark.parametrize(
    ("override", "why"),
    [
        ("executor=ray", "executor is what the check itself sets"),
        ("+models.size=tiny", "models.size is what the check itself sets"),
        ("scenario.repeats=9", "scenario.repeats is what"),
        ("fast", "fast is no setting"),
        ("executor.threats=2", "executor.threats"),
    ],
)
def test_overrides_that_cannot_be_used_are_refused(override, why):
    with pytest.raises(InputError, match=why):
        check_runs("tiny", 1, overrides=[override])


def test_every_cleanup_mode_scenario_and_executor_is_there():
    made = check_runs("full", 3)
    said = {override for run in made for override in run.overrides}
    for mode in ("exit", "unload", "offload"):
        assert f"executor.cleanup={mode}" in said
    assert {"scenario=offline", "executor=threads", "executor=gpu_pinned"} <= said
    assert {"grouping=sequential", "grouping=staged", "grouping=optimized"} <= said
    assert len({run.name for run in made}) == len(made)
    assert all("models.size=full" in run.overrides for run in made[:-1])


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
    """One with random weights, one that cannot be prepared, and the reference."""
    one = (f"clip.path={clip}", "only=[color_analysis]")
    return [
        CheckRun("tiny × one", ("models=random", "models.size=tiny", *one), 1),
        CheckRun("broken", ("grouping=nowhere", *one), 1),
        CheckRun(REFERENCE, ("models=embedded", *one), 1),
    ]


def test_a_run_that_fails_costs_only_itself(tmp_path, clip):
    found, notes = check(some_runs(clip), tmp_path / "check")
    assert found == read(tmp_path / "check") and not found.complete
    broken, tiny = found.runs["broken"], found.runs["tiny × one"]
    assert broken.status == "failed" and "nowhere" in broken.reason and broken.metrics is None
    assert tiny.metrics["rtf_warm"].value > 0
    assert tiny.metrics["gpu_utilization"].value is None and tiny.metrics["gpu_utilization"].reason
    assert tiny.unchanged == Unchanged(["color_analysis"], [])
    page = report.render(found)
    assert "nowhere" in page and "the same as in the embedded run (1 analyzers)" in page
    assert [turn.job for turn in notes.done] == ["tiny × one", "broken", REFERENCE]
    raw = json.loads((tmp_path / "check" / "gpu-check.json").read_text())
    assert "metrics" not in raw["runs"]["broken"] and "metrics" in raw["runs"][REFERENCE]


def test_what_is_known_grows_wherever_it_is_copied_to(tmp_path, clip):
    copy, blocked = tmp_path / "out" / "copy", tmp_path / "file" / "copy"
    blocked.parent.touch()
    grown: list[tuple[str, ...]] = []

    def written(known: GpuCheck) -> None:
        assert read(copy) == known == read(tmp_path / "check")
        report.write(known, [copy, blocked])
        grown.append(tuple(known.runs))

    found, _ = check(some_runs(clip), tmp_path / "check", written=written, copies=(copy, blocked))
    titles = ["tiny × one", "broken", REFERENCE]
    assert grown == [tuple(titles[:n]) for n in (1, 2, 3)]
    assert (copy / "gpu-check.md").read_text() == report.render(found)


def test_what_does_not_fit_into_the_time_is_named_and_made_by_the_same_command(tmp_path, clip):
    runs = some_runs(clip)[::2]
    (tmp_path / "of_somebody_else").touch()
    found, notes = check(runs, tmp_path, budget_s=0.0)
    assert {run.status for run in found.runs.values()} == {"not run"} and notes.interrupted is False
    assert "not run: the 0 s were over before it" in report.render(found)
    found, notes = check(runs[:1], tmp_path)
    assert found.complete and list(found.runs) == [runs[0].title], "another check begins anew"
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
    command = [sys.executable, "gpu_check.py", "--size", "tiny", "--only", "color_analysis", "seed=1"]
    process = subprocess.Popen(
        [*command, "--output", str(tmp_path), "--copy", str(tmp_path / "copy")],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 240
    while not (tmp_path / "gpu-check.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 143
    first = "optimized × gpu_pinned, exit"
    for folder in (tmp_path, tmp_path / "copy"):
        assert "seed=1" in json.loads((folder / "gpu-check.json").read_text())["runs"][first]["overrides"]
        assert (folder / "gpu-check.md").exists()
    assert first in output.decode()
    deadline = time.monotonic() + 10  # Linux ends what is left of the run after its parent
    while (left := processes_naming(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left


def test_cut_off_between_the_two_it_leaves_the_copy_too(tmp_path, monkeypatch):
    folder, copy = tmp_path / "check", tmp_path / "copy"
    done = GpuCheck(environment.describe(), 1.0, "2026-01-01", {"first": CheckedRun([], "failed", "lost")})

    def cut_off(*_: object) -> None:
        folder.mkdir()
        write(done, folder)
        sys.exit(143)

    monkeypatch.setattr(gpu_check, "run_check", cut_off)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    command = runpy.run_path(str(PROJECT / "gpu_check.py"))
    with pytest.raises(SystemExit, match="143"):
        command["main"](["--size", "tiny", "--output", str(folder), "--copy", str(copy)])
    for place in (folder, copy):
        assert read(place) == done
        assert "first" in (place / "gpu-check.md").read_text()


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
