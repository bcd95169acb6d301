"""Ctrl-C and SIGTERM, at any moment: everything ends soon, nothing is left, and what there is is written."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from clipbench.bench.runs import storage
from clipbench.executors.leftovers import SHARED
from tests.support.command_line import PROJECT, run_forked
from tests.support.executors import NAMES, shared_memory
from tests.support.fake_plans import FAKES
from tests.support.video_files import numbered_frames, write_clip

#: Cheap ones, in two groups: what counts is the machinery, not what it carries.
GROUPS = ("grouping.groups.all.analyzers=[sleeper]", "++grouping.groups={b:{analyzers:['*']}}")
MOMENTS = [random.Random(n).uniform(0.0, 3.0) for n in range(8)]


def start(executor: str, clip: Path, folder: Path, *more: str) -> subprocess.Popen:
    """A run of two sleeping analyzers, many times over, in a process group of its own."""
    return subprocess.Popen(
        [
            sys.executable, "run.py", f"executor={executor}", f"clip.path={clip}", f"hydra.run.dir={folder}",
            "only=[sleeper,greedy]", *GROUPS, "models.sleeper.seconds=0.4", "models.greedy.seconds=0.3",
            "scenario.repeats=1000", *more,
        ],
        cwd=PROJECT,
        env={**os.environ, "CLIPBENCH_PLUGINS": str(FAKES)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )  # fmt: skip


def left_of(group: int) -> list[str]:
    """The processes of a process group that are still there."""
    found = []
    for process in psutil.process_iter(["pid", "status", "cmdline"]):
        try:
            if os.getpgid(process.pid) == group and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.info["cmdline"] or []))
        except (ProcessLookupError, psutil.Error):
            continue
    return found


def wait_for(folder: Path, run: subprocess.Popen) -> None:
    """Until the run is past its configuration, from where on it is ours to end."""
    deadline = time.monotonic() + 60
    while not (folder / ".hydra" / "config.yaml").exists():
        assert run.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.5)


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4", numbered_frames(15, 64, 64))


@pytest.mark.parametrize(("number", "moment_s"), list(enumerate(MOMENTS)))
def test_an_interrupt_at_any_moment(number, moment_s, clip, tmp_path):
    """Each executor is ended by both signals."""
    executor = [n for n in NAMES if n != "ray"][number % 4]
    by = signal.SIGINT if (number + number // 4) % 2 else signal.SIGTERM
    run = start(executor, clip, tmp_path / "out")
    wait_for(tmp_path / "out", run)
    time.sleep(moment_s)
    if by == signal.SIGINT:
        os.killpg(run.pid, by)  # as the terminal does: to every process of the group
    else:
        run.send_signal(by)
    out, err = run.communicate(timeout=15)
    assert run.returncode == 128 + by, err
    deadline = time.monotonic() + 5  # multiprocessing's tracker sees us gone, and goes
    while left_of(run.pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left_of(run.pid) == []
    assert shared_memory(run.pid) == set()
    if "nothing was measured" in err:  # it came before the run began, and none is claimed
        assert len(err.splitlines()) == 1 and not (tmp_path / "out" / "result.json").exists()
        return
    result = storage.read_result(tmp_path / "out")
    assert result.run.interrupted is True
    assert (result.verdict, result.verdict_reason) == ("invalid", "the run was interrupted")
    assert {a.status for a in result.analyzers.values()} <= {"ok", "skipped"}
    assert "interrupted" in out


@pytest.mark.parametrize("executor", [n for n in NAMES if n != "ray"])
def test_a_run_that_is_killed_leaves_nothing(executor, clip, tmp_path):
    run = start(executor, clip, tmp_path / "out")
    wait_for(tmp_path / "out", run)
    time.sleep(1.5)
    run.kill()
    run.communicate()
    deadline = time.monotonic() + 10
    while (left_of(run.pid) or shared_memory(run.pid)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left_of(run.pid) == []
    assert shared_memory(run.pid) == set()


def test_a_fault_shows_in_the_result_and_the_report(clip, tmp_path):
    done = run_forked(
        "executor=spawn_pool", f"clip.path={clip}", "only=[sleeper,greedy]", *GROUPS, "scenario.repeats=1",
        "scenario.warmup=0", "executor.cleanup=offload", "faults=segfault", "faults.analyzer=sleeper",
        f"hydra.run.dir={tmp_path / 'out'}", CLIPBENCH_PLUGINS=str(FAKES),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["analyzers"]["sleeper"]["status"] == "crashed"
    assert "SIGSEGV" in result["analyzers"]["sleeper"]["reason"]
    assert result["analyzers"]["greedy"]["status"] == "ok"
    assert "a fault was planted: segfault in sleeper" in done.stdout and "sleeper crashed" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_was_measured_is_written_though_somebody_interrupts_the_writing(number, clip, tmp_path):
    code = f"""
import os, signal, sys, time
from clipbench.commands import run
from clipbench.bench.measuring import quality_scores
score = quality_scores.score
def slowly(*arguments):
    os.kill(os.getpid(), {int(number)})
    time.sleep(0.1)
    return score(*arguments)
quality_scores.score = slowly
sys.exit(run.main())
"""
    arguments = ["only=[sleeper]", f"clip.path={clip}", f"hydra.run.dir={tmp_path / 'out'}", "repeats=1"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=PROJECT, env={**os.environ, "CLIPBENCH_PLUGINS": str(FAKES)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert not result["run"]["interrupted"] and (tmp_path / "out" / "report.html").exists()


def test_what_a_killed_run_has_left_is_removed_by_a_run_that_is_refused_too(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left = SHARED / f"clipbench-{gone.pid}-0a1b2c3d"
    if not SHARED.is_dir():
        pytest.skip("there is no /dev/shm on this system")
    left.write_bytes(b"1")
    try:
        done = run_forked("clip.path=not-there.mp4", f"hydra.run.dir={tmp_path / 'run'}")
        assert done.returncode == 2 and "not-there.mp4" in done.stderr
        assert not left.exists()
    finally:
        left.unlink(missing_ok=True)


DESTROYED = """
import signal
from clipbench.bench.errors import Interrupted
from clipbench.commands import interrupts

class Guarded:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)

class Broken:
    def __del__(self):
        raise ValueError("of its own")

interrupts.accept()
Guarded()
Broken()
try:
    Interrupted.check()
except Interrupted as stop:
    print(stop.code)
"""


def test_an_interrupt_in_a_destructor_is_not_lost_and_prints_nothing():
    done = subprocess.run(
        [sys.executable, "-c", DESTROYED], cwd=PROJECT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "143\n"
    assert "Interrupted" not in done.stderr and "ValueError: of its own" in done.stderr
