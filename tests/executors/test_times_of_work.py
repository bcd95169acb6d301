"""What a time holds: the work of that analyzer in that pass, all of it, and nothing else."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from clipbench.analyzers import registry
from clipbench.analyzers.features import onnx_networks
from clipbench.bench.measuring import session
from clipbench.bench.planning import config
from clipbench.executors import worker as workers
from clipbench.executors.layout import WorkerPlan
from clipbench.executors.protocol import Began, Ended, WorkerSpec
from clipbench.executors.serving import Reporter
from clipbench.executors.steps import Whole
from clipbench.executors.worker import Worker
from tests.support.clip_views import ArrayClip
from tests.support.fake_plans import Notes, plan, task, use_fakes
from tests.support.video_files import write_clip


class SlowPipe:
    """A pipe whose other end takes ten seconds to read each report."""

    def __init__(self, clock: list[float]) -> None:
        self.clock, self.sent = clock, []

    def send(self, report) -> None:
        self.clock[0] += 10.0
        self.sent.append(report)


def test_the_time_of_an_analyzer_holds_no_time_of_pipes(monkeypatch):
    use_fakes(monkeypatch)
    clock = [0.0]
    monkeypatch.setattr(workers, "now", lambda: clock[0])

    def analyze(self, clip, upstream):
        clock[0] += 1.0
        return []

    monkeypatch.setattr(registry.discover()["steady"], "analyze", analyze)
    pipe = SlowPipe(clock)
    planned = WorkerPlan("main", "cpu", plan("steady").layout[0].tasks)
    one, steady = Worker(WorkerSpec(planned), "cpu", Reporter(pipe)), task("steady", ())
    one.load(steady)
    outcome = one.take(steady, Whole(), ArrayClip(duration_s=1.0), {})
    assert outcome.analyze_s == 1.0
    (span,) = [report.span for report in pipe.sent if isinstance(report, Ended)][1:]
    assert span.end_s - span.start_s == 1.0
    assert sum(isinstance(report, Began) for report in pipe.sent) == 2  # loading too


@pytest.mark.parametrize("clips", [1, 2])
def test_every_pass_does_the_same_work(tmp_path, monkeypatch, clips):
    """Nothing of a pass is remembered: networks run as often, on as much, over one clip again or another."""
    rng = np.random.default_rng(0)
    still = rng.integers(0, 255, (90, 120, 3), dtype=np.uint8)
    frames = np.stack([np.roll(still, 3 * n, axis=1) for n in range(30)])
    (tmp_path / "clips").mkdir()
    for number in range(clips):
        write_clip(tmp_path / "clips" / f"{number}.mp4", frames)
    work: dict[int, Counter[str]] = {}
    at: list[Worker] = []
    take, call = Worker.take, onnx_networks.Network.__call__

    def taken(self, task, *rest):
        at[:] = [self]
        work.setdefault(self.clip, Counter())[f"steps of {task.analyzer}"] += 1
        return take(self, task, *rest)

    def called(self, *inputs, **options):
        if at:  # not while loading
            work[at[0].clip][f"{[value.shape for value in inputs]}"] += 1
        return call(self, *inputs, **options)

    monkeypatch.setattr(Worker, "take", taken)
    monkeypatch.setattr(onnx_networks.Network, "__call__", called)
    where = f"{tmp_path / 'clips'}" if clips > 1 else f"{tmp_path / 'clips' / '0.mp4'}"
    words = (
        f"clip.path={where}", f"scenario={'offline' if clips > 1 else 'single_stream'}",
        "only=[scene_segmentation,body_pose,color_analysis]", "scenario.warmup=1", "scenario.repeats=2",
        "executor=sequential", "grouping=sequential",
    )  # fmt: skip
    session.run(session.prepare(config.compose(*words), tmp_path / "run"), Notes())
    assert len(work) >= 3
    first, *others = work.values()
    assert all(one == first for one in others)
    assert sum(count for what, count in first.items() if what.startswith("[")) >= 2
