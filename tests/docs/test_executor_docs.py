"""The executor that docs/adding-an-executor.md builds works as the page says, and keeps the contract."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from clipbench.analyzers import registry
from clipbench.executors import registry as executors
from clipbench.executors.faults import CONTAINABLE, Fault
from clipbench.executors.layout import Group, Task
from tests.contract import test_executors as contract
from tests.support import executors as leftovers
from tests.support.command_line import PROJECT
from tests.support.fake_plans import FAKES, Notes, planned, use_fakes
from tests.support.video_files import numbered_frames, write_clip

PAGE = (PROJECT / "docs" / "adding-an-executor.md").read_text()
NAME, CODE = re.search(r"`executors/(\w+)\.py`.*?\n\n```python\n(.*?)```", PAGE, re.S).groups()
#: What becomes of the analyzer that a fault strikes: its status, and words of the reason.
STRUCK = {
    "raise": ("failed", "planted fault"),
    "no_load": ("failed", "cannot be loaded"),
    "oom": ("oom", "planted fault"),
    "hang": ("timeout", "took longer than"),
    "segfault": ("crashed", "SIGSEGV"),
    "sigkill": ("crashed", "SIGKILL"),
    "exit": ("crashed", "code 7"),
    "no_start": ("ok", ""),  # the next worker does the work
}


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """The page's file, in a folder of its own."""
    path = tmp_path_factory.mktemp("documented") / f"{NAME}.py"
    path.write_text(CODE)
    return path


@pytest.fixture(autouse=True)
def documented(file, monkeypatch):
    """The executors and the fakes, with the page's file as a plugin beside them."""
    use_fakes(monkeypatch)
    monkeypatch.setenv("CLIPBENCH_PLUGINS", os.pathsep.join([str(FAKES), str(file)]))
    monkeypatch.syspath_prepend(file.parent)


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """A second of video with sound."""
    return write_clip(tmp_path_factory.mktemp("clip") / "a.mp4", numbered_frames(30, 64, 64), tone_hz=440)


def test_it_is_found_and_short():
    assert NAME in executors.names()
    assert len(CODE.splitlines()) < 100


def real_plan(*faults: Fault, timeout_s: float = 60.0):
    """Four real analyzers in two groups."""
    known = registry.discover()
    groups = [
        Group(name, "cpu", tuple(Task.of(known[analyzer]()) for analyzer in analyzers))
        for name, analyzers in {
            "sight": ("color_analysis", "cut_analysis"),
            "sound": ("audio_analysis", "camera_analysis"),
        }.items()
    ]
    return planned(groups, NAME, {"threads": 1, "timeout_s": timeout_s}, faults=faults)


@contextlib.contextmanager
def running(plan):
    """The page's executor, started on this plan; nothing of it may be left."""
    before = leftovers.processes()
    executor = executors.create(NAME, Notes())
    try:
        executor.start(plan)
        yield executor
    finally:
        executor.close()
    assert leftovers.processes() - before == set()


@pytest.mark.parametrize("kind", sorted(CONTAINABLE))
def test_a_real_fault_costs_one_analyzer(kind, clip):
    plan = real_plan(Fault(kind, "color_analysis"), timeout_s=8.0 if kind == "hang" else 60.0)
    with running(plan) as executor:
        for _ in range(2):  # the worker that died has a successor
            with leftovers.opened(clip, plan, chunk_s=0.4) as opened:
                assert opened.chunks == 2
                found = {outcome.analyzer: outcome for outcome in executor.run(opened)}
                assert leftovers.shared_memory(), "the clip is gone before its owner frees it"
            assert leftovers.shared_memory() == set()
            struck = found.pop("color_analysis")
            assert {name: o.reason for name, o in found.items() if o.status != "ok"} == {}
            status, words = STRUCK[kind]
            assert struck.status == status and words in struck.reason


def test_from_the_command_line(file, tmp_path):
    """The page's last command: a worker is killed, and the others' results are there."""
    chosen = re.search(rf"python run\.py (executor={NAME} .* faults=sigkill)\n", PAGE)[1]
    command = f"{sys.executable} run.py {chosen} plugins=[{file}] only=[color_analysis,cut_analysis]"
    once = "scenario.warmup=0 scenario.repeats=1 progress=false executor.cleanup=offload"
    done = subprocess.run(
        f"{command} {once} hydra.run.dir={tmp_path}",
        shell=True,
        cwd=PROJECT,
        env={key: value for key, value in os.environ.items() if key != "CLIPBENCH_PLUGINS"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "SIGKILL" in done.stdout
    assert (tmp_path / "segments" / "cut_analysis.json").exists()


@pytest.mark.parametrize(
    "promise",
    [
        functools.partial(contract.test_the_contract, replicas=2),
        contract.test_cleanup_and_waking,
        contract.test_several_clips_in_flight_do_not_mix,
        contract.test_clips_that_have_not_arrived_are_waited_for_while_others_are_worked_on,
        contract.test_close_may_come_at_any_point,
        contract.test_a_worker_killed_from_outside_is_replaced,
        contract.test_workers_work_at_the_same_time,
    ],
    ids=lambda promise: getattr(promise, "func", promise).__name__,
)
def test_it_keeps_the_contract(promise):
    promise(NAME)
