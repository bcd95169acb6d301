"""studies.per_task: the contestants do all tasks, each after what it reads; its table says what is missed."""

from __future__ import annotations

import importlib.util
import io

import pytest
from rich.console import Console

from studies import per_task
from studies.per_task import Measured, Pass
from studies.per_task_contestants import IN_FLIGHT, Futures, Ours, Pool
from studies.workers_at_once import AtOnce


def test_the_driver_alone_does_every_task_of_every_clip(monkeypatch):
    monkeypatch.setenv("CLIPBENCH_PLUGINS", "")
    ours = Ours(AtOnce, 20, 2)
    try:
        assert ours.once(3) == 60 and ours.once(2) == 40
    finally:
        ours.close()


def test_the_pool_does_every_task_of_every_clip():
    pool = Pool(20, 2)
    try:
        assert pool.once(IN_FLIGHT + 2) == 20 * (IN_FLIGHT + 2)
    finally:
        pool.close()


def test_a_library_gets_the_graph_and_so_many_clips_at_once():
    flying, most, given = [], [], []

    def submit(*reads):
        given.append(reads)
        return len(given) - 1

    def gather(handles):
        most.append(len(given) // 20 - len(flying))
        flying.append(handles)
        return handles

    assert Futures(20, submit, gather).once(IN_FLIGHT + 4) == 20 * (IN_FLIGHT + 4)
    assert max(most) == IN_FLIGHT
    assert given[16] == (12, 8, 4, 0) and given[20 + 19] == tuple(20 + n for n in (15, 11, 7, 3))


def shown(*found: Measured) -> str:
    out = io.StringIO()
    per_task.show(found, Console(file=out, width=160))
    return out.getvalue()


def measured(name: str, analyzers: int, wall_us: float) -> Measured:
    return Measured(name, analyzers, 2, [Pass(wall_us, 30.0), Pass(3 * wall_us, 30.0), Pass(wall_us, 30.0)])


@pytest.mark.parametrize(
    ("large_us", "grows", "goal"), [(60, "met", "met"), (90, "not met", "met"), (120, "not met", "not met")]
)
def test_the_table_says_what_is_met(large_us, grows, goal):
    text = shown(measured("the driver alone", 20, 40), measured("the driver alone", 400, large_us))
    assert f"{large_us} ({large_us} … {3 * large_us}), CPU 30" in text  # the median, and the spread
    assert f"grows {large_us / 40:.2f} times, target ≤ 2: {grows}\n" in text
    assert f"{large_us} µs at most, goal ≤ 100: {goal}\n" in text


def test_what_is_not_measured_has_a_reason_and_meets_nothing():
    lost = Measured("gpu_pinned", 400, 32, reason="its process has ended")
    text = shown(measured("gpu_pinned", 20, 40), lost)
    assert "not measured: its process has ended" in text and "met" not in text


@pytest.mark.skipif(bool(importlib.util.find_spec("distributed")), reason="dask.distributed is installed")
def test_a_rival_that_is_not_installed_is_not_measured():
    lane = per_task.Lane(Measured("dask.distributed", 20, 2))
    lane.once(20, counts=True)
    lane.close()
    assert lane.found.reason == "dask is not installed" and lane.found.wall_us is None
