"""The driver's own work per task: no more with 400 analyzers on 32 workers than with 20 on two.

It is counted in instructions, not timed. docs/ratios.md has the times, beside those of others.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

import clipbench.executors
from clipbench.analyzers.base import FrameRequest, Needs, Settings
from clipbench.executors.arrivals import AllThere
from clipbench.executors.base import Plan
from clipbench.executors.layout import Group, Machine, Task, one_per_group
from clipbench.executors.spawn_pool import PoolSettings, SpawnPool
from studies.workers_at_once import AtOnce, EmptyClip, Nobody
from tests.support.instructions import Instructions

EXECUTORS = Path(clipbench.executors.__file__).parent
IN_FLIGHT = 16


def plan(analyzers: int, workers: int, pool: bool) -> Plan:
    """Analyzers of four needs, every twentieth of which reads four others."""
    needs = [Needs(), Needs((), True), Needs((FrameRequest(1, 64),)), Needs((FrameRequest(5, 0),), True)]
    names = [f"a{number}" for number in range(analyzers)]
    tasks = [
        Task(name, Settings(), tuple(names[n - 4 : n]) if n % 20 == 19 else (), needs=needs[n % 4])
        for n, name in enumerate(names)
    ]
    machine, settings = Machine(workers), PoolSettings(threads=1, workers=workers)
    groups = [Group(f"g{number}", "cpu", tuple(tasks[number::workers])) for number in range(workers)]
    layout = SpawnPool.layout(groups, machine, settings) if pool else one_per_group(groups, machine, 1)
    return Plan(tuple(groups), layout, settings)


def instructions_per_task(analyzers: int, workers: int, pool: bool) -> float:
    """Of the driver, once as many clips are in flight as may be, over 400 tasks."""
    executor, counted = AtOnce(Nobody()), Instructions(EXECUTORS)
    executor.start(plan(analyzers, workers, pool))
    clip, tasks = EmptyClip(), 400
    clips = IN_FLIGHT + 2 * tasks // analyzers + 1
    outcomes = executor.run_many(AllThere(itertools.repeat(clip, clips)), IN_FLIGHT)
    for _ in range(tasks):
        next(outcomes)
    counted.on()
    try:
        for _ in range(tasks):
            next(outcomes)
    finally:
        counted.off()
        outcomes.close()
        executor.close()
    assert counted.count > 100 * tasks  # it does count
    return counted.count / tasks


@pytest.mark.parametrize("pool", [False, True], ids=["groups", "pool"])
def test_a_task_costs_the_driver_the_same_at_any_size(pool):
    small, large = instructions_per_task(20, 2, pool), instructions_per_task(400, 32, pool)
    assert large < 1.5 * small, f"{small:.0f} instructions a task with 20 analyzers, {large:.0f} with 400"
