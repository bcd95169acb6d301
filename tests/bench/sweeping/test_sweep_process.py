"""Sweeps in a process of their own, which is ended at any moment and goes on where it was."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from clipbench.bench.errors import Exit
from clipbench.bench.runs import storage
from tests.support.command_line import PROJECT
from tests.support.fake_plans import FAKES
from tests.support.sweeps import gone
from tests.support.video_files import numbered_frames, write_clip

SWEEP = """
import pathlib, sys
from clipbench.bench.runs import child_run
from clipbench.bench.sweeping import identity
from clipbench.bench.sweeping.sweep import Job, Sweep
from clipbench.commands import sweep
folder = pathlib.Path(sys.argv[1])
child_run.COMMAND = (sys.executable, str(folder / "child.py"))
identity.code = lambda: {}
names = [f"executor={name}" for name in ("sequential", "threads", "dying")]
jobs = [Job(name, (name,), {}, {}) for name in names]
command = ["python", "run.py", "-m"]
resumption = f"python run.py -m hydra.sweep.dir={folder}/s"
sys.exit(sweep.conduct(Sweep(folder / "s", jobs, 3, 3, "fixed", 0, 60.0, {}, command, resumption)))
"""


def start(tmp_path: Path, child_s: float) -> subprocess.Popen:
    """A sweep of three jobs in three rounds, with CHILD for the turns; the third job dies of it."""
    return subprocess.Popen(
        [sys.executable, "-c", SWEEP, str(tmp_path)],
        cwd=PROJECT,
        env={**os.environ, "CHILD_S": str(child_s), "DIES": "dying"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_turns(journal, number: int, sweeping: subprocess.Popen) -> None:
    """Until that many turns have begun."""
    deadline = time.monotonic() + 60
    while len(journal()) < number:
        assert sweeping.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)


def test_a_sweep_that_is_ended_at_any_moment_goes_on_where_it_was(tmp_path, child):
    """Ended in its second turn, in its third, and in its fourth, which are each begun again."""
    kept = []
    for number, by in enumerate((signal.SIGINT, signal.SIGKILL, signal.SIGTERM), start=1):
        sweeping = start(tmp_path, child_s=0.5)
        wait_for_turns(child, 2 * number, sweeping)
        below = psutil.Process(sweeping.pid).children()
        sweeping.send_signal(by)
        _, err = sweeping.communicate(timeout=60)
        assert below and all(gone(process.pid) for process in below)
        if by == signal.SIGKILL:
            assert sweeping.returncode == -by
        else:
            assert sweeping.returncode == 128 + by, err
            assert f"interrupted; continue with: python run.py -m hydra.sweep.dir={tmp_path}/s\n" in err
        before, kept = kept, json.loads((tmp_path / "s" / "sweep.json").read_text())["turns"]
        assert len(kept) == number and kept[: len(before)] == before
    last = start(tmp_path, child_s=0.0)
    out, err = last.communicate(timeout=60)
    assert last.returncode == Exit.NOTHING_VALID, err
    state = json.loads((tmp_path / "s" / "sweep.json").read_text())
    assert state["complete"] and state["turns"][:3] == kept
    turns = ["sequential 1", "threads 1", "dying 1", "sequential 2", "threads 2", "dying 2"]
    turns += ["sequential 3", "threads 3"]
    assert [f"{t['job'].removeprefix('executor=')} {t['round']}" for t in state["turns"]] == turns
    assert [line.rsplit(" ", 1)[0] for line in child()] == [
        *turns[:2], *turns[1:3], *turns[2:4], *turns[3:],
    ]  # fmt: skip
    assert [job["done"] for job in state["jobs"]] == [3, 3, 0]
    assert "executor=dying: left no result: round 1: it was ended by SIGKILL" in out
    for kind in ("html", "md", "json"):
        assert "executor=dying" in (tmp_path / "s" / f"comparison.{kind}").read_text()


def test_one_job_that_kills_its_process_leaves_the_others_compared(tmp_path):
    """The real thing: half a second of clip, at which the fake analyzer `fate` sends itself SIGKILL."""
    clip = write_clip(tmp_path / "clip.mp4", numbered_frames(15, 64, 64))
    command = [
        sys.executable, "run.py", "-m", "executor=sequential,spawn_pool", "only=[steady,fate]", "repeats=2",
        "scenario.warmup=0", "hydra.sweeper.rounds=1", f"clip.path={clip}", f"hydra.sweep.dir={tmp_path}/s",
    ]  # fmt: skip
    settings = {"cwd": PROJECT, "env": {**os.environ, "CLIPBENCH_PLUGINS": str(FAKES)}}
    done = subprocess.run(command, **settings, capture_output=True, text=True, timeout=120)
    assert done.returncode == Exit.NOTHING_VALID, done.stderr
    assert "executor=sequential  failed: it was ended by SIGKILL" in done.stderr
    assert not re.search(r"\x1b|\r", done.stderr), "there is no progress bar in a log"
    result = storage.read_result(tmp_path / "s" / "executor=spawn_pool" / "1")
    assert result.analyzers["steady"].status == "ok" and result.analyzers["fate"].status == "crashed"
    assert len(result.metric("rtf_warm").samples) == 1, "without a warm-up, the first of two loads the models"
    assert "steady" in (tmp_path / "s" / "executor=spawn_pool" / "1" / "log.txt").read_text()
    assert "executor=sequential: left no result: round 1: it was ended by SIGKILL" in done.stdout
    assert (tmp_path / "s" / "comparison.html").exists()
    again = subprocess.run(command, **settings, capture_output=True, text=True, timeout=120)
    assert again.returncode == Exit.NOTHING_VALID and "round 1" not in again.stderr, again.stderr
    assert again.stdout == done.stdout
