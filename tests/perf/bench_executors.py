"""What an executor costs when the analyzers cost nothing: a pass over twenty no-ops, a start, an end."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from clipbench.analyzers import registry
from clipbench.bench.planning.plan import resolve_upstream
from clipbench.executors import registry as executors
from clipbench.executors.layout import Group, Task
from tests.support.clip_views import ArrayClip
from tests.support.executors import usable
from tests.support.fake_plans import Notes, planned

NOOPS = Path(__file__).resolve().parent / "noops" / "noops.py"
NAMES = usable(executors.running())
#: In a round: one alone takes a fraction of a millisecond where no other process has a part in it.
PASSES = {"sequential": 200}
STARTS = {"sequential": 500, "threads": 20}


@pytest.fixture(scope="module")
def plan():
    """Twenty no-ops in two groups, found by this process and by the workers that it spawns."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIPBENCH_PLUGINS", str(NOOPS))
        patch.syspath_prepend(NOOPS.parent)
        known = {name: cls for name, cls in registry.discover().items() if name in registry.own()}
        upstream = resolve_upstream(known)
        tasks = [Task(name, cls.settings_type(), upstream[name]) for name, cls in known.items()]
        groups = (Group("even", "cpu", tuple(tasks[::2])), Group("odd", "cpu", tuple(tasks[1::2])))
        yield lambda name: planned(groups, name, {"threads": 1})


@pytest.mark.parametrize("name", NAMES)
def test_passes_over_twenty_no_ops(measure, plan, name):
    executor = executors.create(name, observer=Notes())
    try:
        executor.start(plan(name))
        clip = ArrayClip(duration_s=0.1)

        def passes() -> None:
            for _ in range(PASSES.get(name, 10)):
                assert len(list(executor.run(clip))) == 20

        measure(passes)
    finally:
        executor.close()


@pytest.mark.parametrize(
    "name", [n for n in executors.running() if n != "ray"]
)  # whose cluster takes the time
def test_start_and_end(measure, plan, name):
    def starts() -> None:
        for _ in range(STARTS.get(name, 1)):
            executor = executors.create(name, observer=Notes())
            executor.start(plan(name))
            executor.close()

    try:
        # An end collects garbage; what other benchmarks, or a first start, have loaded is none.
        gc.freeze()
        starts()
        gc.freeze()
        measure(starts, rounds=5)
    finally:
        gc.unfreeze()
