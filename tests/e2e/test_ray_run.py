"""A run under Ray: nothing of it can be reached or read by others, and nothing is left, however it ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from clipbench.executors import registry as executors
from tests.support.command_line import PROJECT
from tests.support.fake_plans import FOLDER
from tests.support.video_files import numbered_frames, write_clip

pytestmark = pytest.mark.skipif(bool(executors.lacking("ray")), reason="ray is not installed")


@pytest.fixture
def run(tmp_path):
    """A run that goes on until it is ended, once its actors are at work; its process and its descendants."""
    clip = write_clip(tmp_path / "clip.mp4", numbered_frames(15, 64, 64))
    process = subprocess.Popen(
        [
            sys.executable, "run.py", "executor=ray", "only=[wild_whole]", f"clip.path={clip}",
            f"hydra.run.dir={tmp_path / 'o'}", "scenario.repeats=100000",
        ],
        cwd=PROJECT, env={**os.environ, "CLIPBENCH_PLUGINS": str(FOLDER / "wild.py")},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 90
        while not any(one.name().startswith("ray::Actor") for one in family(process.pid)):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.2)
        time.sleep(1.0)
        yield process
    finally:
        process.kill()
        process.wait()


def family(pid: int) -> list[psutil.Process]:
    """A process and its descendants."""
    found = []
    with contextlib.suppress(psutil.NoSuchProcess):
        one = psutil.Process(pid)
        for each in [one, *one.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.name()
                found.append(each)
    return found


def folders(pid: int) -> list[Path]:
    return list(Path("/tmp").glob(f"clipbench-{pid}-*"))


def gone(processes: list[psutil.Process]) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]:
            return True
        time.sleep(0.2)
    return False


def test_it_listens_on_the_loopback_and_a_kill_leaves_nothing(run, tmp_path):
    processes = family(run.pid)
    listening = set()
    for one in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            listening |= {c.laddr.ip for c in one.net_connections() if c.status == psutil.CONN_LISTEN}
    assert listening and listening <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}
    assert [folder.stat().st_mode & 0o777 for folder in folders(run.pid)] == [0o700]
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert gone(processes)
    assert folders(run.pid) == []
    assert not (tmp_path / "o" / "result.json").exists()


def test_the_death_of_the_head_gives_a_result_that_says_so(run, tmp_path):
    processes = family(run.pid)
    next(one for one in processes if one.name() == "gcs_server").kill()
    assert run.wait(60) == 5
    result = json.loads((tmp_path / "o" / "result.json").read_text())
    assert result["run"]["interrupted"] is True
    assert any("executor=ray: the head of the cluster has ended" in line for line in result["warnings"])
    assert gone(processes)
    assert folders(run.pid) == []


def test_a_closed_terminal_is_for_the_run_alone_to_handle(run, tmp_path):
    processes = family(run.pid)
    head = next(one for one in processes if one.name() == "gcs_server")
    head.send_signal(signal.SIGHUP)
    time.sleep(1.0)
    assert head.is_running() and head.status() != psutil.STATUS_ZOMBIE
    os.killpg(run.pid, signal.SIGHUP)
    assert run.wait(60) == 128 + signal.SIGHUP
    assert json.loads((tmp_path / "o" / "result.json").read_text())["run"]["interrupted"] is True
    assert gone(processes)
    assert folders(run.pid) == []
