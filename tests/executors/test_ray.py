"""What is Ray's own about its executor; the contract is in tests/test_executors.py."""

from __future__ import annotations

import importlib.util
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from clipbench.analyzers.base import FrameRequest, Needs
from clipbench.bench.clips.decoding import decode
from clipbench.executors import ray as ray_executor
from clipbench.executors import ray_head
from clipbench.executors import registry as executors
from clipbench.executors.base import ExecutorUnavailable, Plan
from clipbench.executors.layout import Group
from tests.support.clip_views import ArrayClip
from tests.support.command_line import PROJECT
from tests.support.fake_plans import Notes, grouped, planned, use_fakes
from tests.support.video_files import numbered_frames, write_clip

with_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")


def started(plan: Plan):
    executor = executors.create("ray", observer=Notes())
    try:
        executor.start(plan)
    except BaseException:
        executor.close()
        raise
    return executor


def test_without_ray_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ExecutorUnavailable, match=r'pip install "clipbench\[ray\]"'):
        started(planned([], "ray", {}))


def arrays(clip) -> list[np.ndarray]:
    """All that the clip of the test below has to give."""
    large, small = clip.frames(5, 0), clip.frames(2, 64)
    return [large.times_s, large.images, small.times_s, small.images, clip.audio()]


def test_an_exported_clip_is_the_clip(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", numbered_frames(30, 160, 120), tone_hz=440)
    with decode(path, [Needs((FrameRequest(5, 0), FrameRequest(2, 64)), audio=True)], 1) as clip:
        stored = pickle.dumps(clip.export())
        expected = [array.copy() for array in arrays(clip)]
        rate, seconds = clip.fps, clip.duration_s
    opened = pickle.loads(stored).open()  # the shared memory is gone by now
    for one, other in zip(expected, arrays(opened), strict=True):
        np.testing.assert_array_equal(one, other)
    assert (opened.fps, opened.duration_s) == (rate, seconds)
    assert not opened.frames(5, 0).images.flags.writeable
    opened.close()


def test_what_ray_says_of_a_death_is_one_line():
    said = (
        "The actor died unexpectedly before finishing this task.\n\tclass_name: Actor\nThe actor is dead "
        "because its worker process has died. Worker exit type: SYSTEM_ERROR Worker exit detail: "
        "Worker unexpectedly exits with a connection error code 2. End of file. Some common "
        "causes include: (1) guesses.\n"
    )
    expected = "Ray says: Worker unexpectedly exits with a connection error code 2. End of file."
    assert ray_executor.reason(said) == expected
    assert ray_executor.reason("Traceback\nImportError: none") == "Ray says: ImportError: none"


@with_ray
def test_what_it_starts_is_its_own_and_goes_with_it(monkeypatch):
    use_fakes(monkeypatch)
    handler = signal.getsignal(signal.SIGTERM)
    executor = started(grouped({"a": ("steady",)}, executor="ray"))
    try:
        folder = Path(executor.folder.name)
        assert folder.is_dir()
        assert signal.getsignal(signal.SIGTERM) is handler
        groups = {os.getpgid(pid) for pid in ray_head.processes().values()}
        assert groups and os.getpgrp() not in groups, "a signal to our group would end it"
        assert [o.status for o in executor.run(ArrayClip(duration_s=1.0))] == ["ok"]
        ours = os.getpriority(os.PRIO_PROCESS, 0)
        workers = executor.pids().values()
        assert workers and {os.getpriority(os.PRIO_PROCESS, pid) for pid in workers} == {ours}
    finally:
        executor.close()
    assert not folder.exists()


def is_caught(number: int) -> bool:
    """Whether this process has a handler of a signal, also one that Python does not know of."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (caught,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (number - 1) & 1)


@with_ray
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not say what is caught")
def test_a_signal_that_ends_a_run_reaches_it_whatever_ray_does_with_its_handlers(monkeypatch):
    use_fakes(monkeypatch)
    arrived: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: arrived.append(number))
    try:
        executor = started(grouped({"a": ("steady",)}, executor="ray"))
        try:
            signal.raise_signal(signal.SIGTERM)
            assert arrived == [signal.SIGTERM]
        finally:
            executor.close()
        assert is_caught(signal.SIGTERM)  # else the next line would end the tests
        signal.raise_signal(signal.SIGTERM)
        assert arrived == [signal.SIGTERM] * 2
    finally:
        signal.signal(signal.SIGTERM, before)


@with_ray
def test_more_gpus_than_there_are_is_refused():
    with pytest.raises(ExecutorUnavailable, match="the plan needs 2000 GPUs"):
        started(planned([Group(f"g{n}", f"gpu:{n}", ()) for n in range(2000)], "ray", {}))


CLUSTER = """
import ray, sys
context = ray.init(address="local", num_cpus=1, include_dashboard=False, _temp_dir=sys.argv[1])
print(context.address_info["gcs_address"], flush=True)
sys.stdin.read()
"""


@with_ray
def test_a_cluster_that_was_there_before_is_there_afterwards(monkeypatch):
    import ray

    use_fakes(monkeypatch)
    with tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as folder:
        cluster = subprocess.Popen(
            [sys.executable, "-c", CLUSTER, folder],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            address = cluster.stdout.readline().strip()
            for _ in range(2):  # the second time shows that the first has left it as it was
                executor = started(grouped({"a": ("steady",)}, executor="ray", address=address))
                try:
                    assert executor.folder is None
                    assert ray.get_runtime_context().gcs_address == address
                    assert [o.status for o in executor.run(ArrayClip(duration_s=1.0))] == ["ok"]
                finally:
                    executor.close()
        finally:
            cluster.communicate("")
    assert cluster.returncode == 0
