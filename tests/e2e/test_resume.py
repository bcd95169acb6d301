"""A run that is killed goes on with the same command, and finds what an undisturbed run finds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.command_line import PROJECT, refused, run_forked

CHOSEN = (
    "only=[cut_analysis,text_overlay,object_detection,audio_analysis]",
    "clip.chunk_s=0.5",
    "executor=spawn_pool",
    "executor.workers=2",
    "progress=false",
    "scenario.warmup=0",
    "scenario.repeats=1",
)


def found(folder: Path) -> dict:
    return {path.name: json.loads(path.read_text()) for path in (folder / "segments").iterdir()}


def states(store: Path) -> int:
    """How many chunks are in the journal, over all analyzers."""
    total = 0
    for path in store.rglob("*.found"):
        data, at = path.read_bytes(), 0
        while at + 8 <= len(data):
            at += 8 + int.from_bytes(data[at : at + 8], "little")
            total += 1
    return total


def test_a_killed_run_goes_on(tmp_path):
    assert run_forked(*CHOSEN, f"hydra.run.dir={tmp_path / 'whole'}").returncode == 0
    store = tmp_path / "unfinished"
    resuming = (*CHOSEN, "resume=true", f"resume_store={store}")
    done = 0
    for number in range(2):
        command = [sys.executable, "run.py", *resuming, f"hydra.run.dir={tmp_path / f'killed{number}'}"]
        process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while states(store) < done + 8 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert process.poll() is None, "it was over before it could be killed"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        done = states(store)
    ended = run_forked(*resuming, f"hydra.run.dir={tmp_path / 'resumed'}")
    assert ended.returncode == 0, ended.stderr
    assert found(tmp_path / "resumed") == found(tmp_path / "whole")
    result = json.loads((tmp_path / "resumed" / "result.json").read_text())
    cold = next(metric for metric in result["metrics"] if metric["name"] == "rtf_cold")
    assert cold["value"] is None and "went on" in cold["reason"]
    decoded = [span["chunk"] for span in result["spans"] if span["phase"] == "decode"]
    assert min(decoded) > 0  # what all had read was not decoded again
    assert states(store) == 0  # what is done needs no journal


@pytest.mark.parametrize("wrong", ["scenario.warmup=1", "scenario.repeats=2"])
def test_only_a_single_pass_can_be_gone_on_with(tmp_path, wrong):
    once = ("scenario.warmup=0", "scenario.repeats=1")
    done = run_forked("resume=true", *once, wrong, f"hydra.run.dir={tmp_path}")
    assert "add scenario.warmup=0 scenario.repeats=1" in refused(done)
