"""Each of the twenty analyzers on the reference clip, in the loop that every executor runs it in.

What an analyzer reads of others was found beforehand. Boxes and regions that several share are computed anew
in every round, since the clip is opened anew: each pays for its own.
"""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from clipbench.analyzers import registry
from clipbench.analyzers.base import Segment
from clipbench.bench.clips.decoding import decode
from clipbench.bench.clips.shared_clip import SharedClip
from clipbench.bench.planning.plan import make_plan
from clipbench.executors.base import Plan
from clipbench.executors.layout import Task
from clipbench.executors.protocol import WorkerSpec
from clipbench.executors.steps import Whole
from clipbench.executors.worker import Worker
from tests.support.fake_plans import Notes
from tests.support.ideal_run import CLIP, composed


class Pipeline:
    """The plan of `python run.py` on one thread; analyzers are loaded and run when somebody asks for them."""

    def __init__(self, clip: SharedClip, plan: Plan) -> None:
        spec = WorkerSpec(plan.layout[0], faults=plan.faults)
        self.handle, self.worker = clip.share(), Worker(spec, "cpu", Notes())
        self.tasks = {task.analyzer: task for task in plan.tasks()}

    @functools.cache  # noqa: B019  (as long as the session)
    def segments(self, name: str) -> list[Segment]:
        """What an analyzer finds."""
        clip = self.handle.open()
        try:
            outcome = self.worker.take(self.loaded(name), Whole(), clip, self.upstream(name))
        finally:
            clip.close()
        assert outcome.status == "ok", f"{name} {outcome.status}: {outcome.reason}\n{outcome.error}"
        return outcome.segments

    def upstream(self, name: str) -> dict[str, list[Segment]]:
        """What an analyzer reads of others."""
        return {other: self.segments(other) for other in self.tasks[name].upstream}

    def loaded(self, name: str) -> Task:
        """The task, once its analyzer is loaded."""
        if name not in self.worker.loaded:
            self.worker.load(self.tasks[name])
        return self.tasks[name]


@pytest.fixture(scope="session")
def pipeline(request):
    planted = ()
    if slow := request.config.getoption("--slow"):
        name, _, seconds = slow.partition("=")
        planted = ("faults=slow", f"faults.analyzer={name}", f"faults.seconds={seconds}")
    plan = make_plan(composed("executor.threads=1", *planted))
    needs = [task.needs for task in plan.tasks()]
    with decode(Path(CLIP.path), needs, threads=1) as clip:
        made = Pipeline(clip, plan)
        yield made
        made.worker.close()


@pytest.mark.parametrize("name", sorted(registry.discover()))
def test_analyzer(measure, pipeline, name):
    pipeline.segments(name)
    task, upstream = pipeline.loaded(name), pipeline.upstream(name)
    opened = []

    def open_anew() -> tuple:
        while opened:
            opened.pop().close()
        opened.append(pipeline.handle.open())
        return (opened[0],)

    measure(lambda clip: pipeline.worker.take(task, Whole(), clip, upstream), open_anew, rounds=5)
    opened.pop().close()
