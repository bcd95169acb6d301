"""What holds a run back: it is counted where the system counts it, told, and else unknown and not 0."""

from __future__ import annotations

import time

import pytest

from clipbench.bench.measuring.run_summary import gpu_clock_warnings, held_back_warnings
from clipbench.bench.probes import held_back
from clipbench.bench.runs.results import HeldBack
from clipbench.bench.runs.telemetry import GpuSeries, GpuTelemetry


@pytest.fixture
def system(monkeypatch, tmp_path):
    """A system whose counters a test writes, and its clocks."""
    clocks = {"boot": 100.0, "up": 100.0}
    monkeypatch.setattr(time, "CLOCK_BOOTTIME", "boot", raising=False)
    monkeypatch.setattr(time, "CLOCK_MONOTONIC", "up", raising=False)
    monkeypatch.setattr(time, "clock_gettime", lambda which: clocks[which])
    monkeypatch.setattr(time, "monotonic", lambda: clocks["up"])
    monkeypatch.setattr(held_back, "own_cgroups", lambda: [tmp_path / "group"])
    monkeypatch.setattr(held_back, "OLDER_CGROUP", tmp_path / "older" / "cpu.stat")
    monkeypatch.setattr(held_back, "CPUS", tmp_path)

    def set_counters(boot=100.0, up=100.0, throttled_usec=None, throttled_ns=None, hot=()):
        clocks.update(boot=boot, up=up)
        if throttled_usec is not None:
            (tmp_path / "group").mkdir(exist_ok=True)
            (tmp_path / "group" / "cpu.stat").write_text(f"usage_usec 5\nthrottled_usec {throttled_usec}\n")
        if throttled_ns is not None:
            (tmp_path / "older").mkdir(exist_ok=True)
            (tmp_path / "older" / "cpu.stat").write_text(f"nr_throttled 1\nthrottled_time {throttled_ns}\n")
        for core, count in enumerate(hot):
            folder = tmp_path / f"cpu{core}" / "thermal_throttle"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "core_throttle_count").write_text(f"{count}\n")

    return set_counters


def test_what_is_not_counted_is_unknown(system):
    watch = held_back.Watch()
    system(boot=110.0, up=110.0)
    assert watch.found() == HeldBack(suspended_s=0.0, throttled_cores=None, too_hot=None)
    assert held_back_warnings(watch.found()) == []


def test_a_machine_that_was_asleep_is_told(system):
    watch = held_back.Watch()
    system(boot=170.0, up=110.0)
    assert watch.found().suspended_s == 60.0
    (line,) = held_back_warnings(watch.found())
    assert "asleep for 60.0 s" in line


@pytest.mark.parametrize("older", [False, True])
def test_a_limit_of_the_container_is_told_in_cores(system, older):
    before = {"throttled_ns": 3_000_000_000} if older else {"throttled_usec": 3_000_000}
    after = {"throttled_ns": 8_000_000_000} if older else {"throttled_usec": 8_000_000}
    system(**before)
    watch = held_back.Watch()
    system(boot=110.0, up=110.0, **after)
    assert watch.found().throttled_cores == 0.5
    (line,) = held_back_warnings(watch.found())
    assert "0.50 cores" in line and "executor.threads" in line


def test_cores_that_were_too_hot_are_told(system):
    system(hot=(3, 4))
    watch = held_back.Watch()
    system(boot=110.0, up=110.0, hot=(3, 6))
    assert watch.found().too_hot == 2
    (line,) = held_back_warnings(watch.found())
    assert "2 times" in line


def test_this_system_can_be_asked():
    found = held_back.Watch().found()
    assert found.suspended_s in (None, 0.0)
    assert found.throttled_cores is None or found.throttled_cores >= 0


def test_gpu_clocks_that_were_held_down_are_told():
    samples = [["GpuIdle"]] * 6 + [["SwPowerCap"]] * 3 + [None]
    slowed = GpuTelemetry(index=0, figures={"throttle_reasons": GpuSeries([0.1] * 10, samples)})
    idle = GpuTelemetry(index=1, figures={"throttle_reasons": GpuSeries([0.1], [["GpuIdle"]])})
    assert gpu_clock_warnings([slowed, idle, GpuTelemetry(index=2)]) == [
        "GPU 0 was not at its highest clocks: SwPowerCap in 33 % of the samples"
    ]
