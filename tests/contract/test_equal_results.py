"""Under every executor and grouping, in chunks or not, the twenty find the same in one clip.

It is the first half of the reference clip, in which each finds something. That a run on the whole
clip finds what it found is for tests/e2e/test_golden.py.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from omegaconf import OmegaConf

from clipbench.analyzers import registry
from clipbench.bench.planning.config import FaultConfig, GroupingConfig, compose
from clipbench.bench.planning.executor_settings import executor_config
from clipbench.bench.planning.machines import MachineConfig
from clipbench.bench.planning.plan import make_plan
from clipbench.executors import registry as executors
from tests.support import ray_cluster
from tests.support.command_line import PROJECT
from tests.support.executors import opened, usable
from tests.support.fake_plans import Notes
from tests.support.same_segments import same
from tests.support.video_files import beginning

#: Groupings that differ in what runs beside what, and in what comes after what.
GROUPINGS = ("sequential", "two_core", "staged", "optimized")
#: Fewer for executors that use only part of a grouping, or take long to start.
FEWER = {"ray": ("two_core",), "spawn_pool": ("two_core", "staged"), "sequential": ("staged", "optimized")}
PAIRS = usable([(name, grouping) for name in executors.running() for grouping in FEWER.get(name, GROUPINGS)])
#: Where the first group has replicas, which takes chunks of one analyzer to different workers.
REPLICAS = {("gpu_pinned", "sequential"): 2, ("threads", "sequential"): 2}


def plan_for(executor: str, grouping: str):
    """The plan that the command line would make of these two names."""
    chosen = yaml.safe_load((PROJECT / "conf" / "grouping" / f"{grouping}.yaml").read_text())
    typed = OmegaConf.merge(OmegaConf.structured(GroupingConfig), chosen)
    next(iter(typed.groups.values())).replicas = REPLICAS.get((executor, grouping), 1)
    return make_plan(
        SimpleNamespace(
            grouping=OmegaConf.to_object(typed),
            executor=executor_config()(name=executor),
            models=compose().models,
            faults=FaultConfig(),
            machine=MachineConfig("here"),
            only=[],
            profile=None,
        )
    )


def segments(executor: str, grouping: str, path: Path, chunk_s: float | None) -> dict[str, list]:
    """What each analyzer finds in the clip at `path`, which comes in chunks of so many seconds, or in one."""
    plan = ray_cluster.joining(plan_for(executor, grouping))
    running = executors.create(executor, observer=Notes())
    try:
        with opened(path, plan, chunk_s) as clip:
            running.start(plan)
            outcomes = list(running.run(clip))
    finally:
        running.close()
    assert {o.analyzer: o.reason for o in outcomes if o.status != "ok"} == {}
    return {o.analyzer: o.segments for o in outcomes}


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return beginning(PROJECT / "clips" / "reference.mp4", tmp_path_factory.mktemp("clip") / "a.mp4", 4.8)


@pytest.fixture(scope="module")
def reference(clip):
    found = segments("sequential", "sequential", clip, None)
    assert [name for name, its in found.items() if not its] == []
    return found


@pytest.mark.parametrize(("executor", "grouping"), PAIRS)
def test_the_same_segments_as_sequential(executor, grouping, clip, reference):
    found = segments(executor, grouping, clip, 1.2)
    assert set(found) == set(reference) == set(registry.discover())
    for name, expected in reference.items():
        assert len(found[name]) == len(expected), name
        for one, other in zip(found[name], expected, strict=True):
            same(dataclasses.asdict(one), dataclasses.asdict(other), name)
