"""models=random at its tiny size: the code of the production models, all of it, under every executor."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import pytest

from clipbench.analyzers import registry
from clipbench.bench.measuring.quality_scores import meaningless_results
from clipbench.bench.planning.config import compose
from clipbench.bench.planning.plan import make_plan
from clipbench.executors import registry as executors
from tests.support import ray_cluster
from tests.support.command_line import PROJECT
from tests.support.executors import opened, usable
from tests.support.fake_plans import Notes
from tests.support.same_segments import same
from tests.support.video_files import beginning

TINY = ("models=random", "models.size=tiny")
GROUPINGS = {"spawn_pool": "sequential", "sequential": "sequential"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """With people, movement and speech, and short."""
    return beginning(PROJECT / "clips" / "reference.mp4", tmp_path_factory.mktemp("clip") / "a.mp4", 2.5)


def outcomes(executor: str, clip):
    options = (
        f"executor={executor}",
        f"grouping={GROUPINGS.get(executor, 'two_core')}",
        *(["executor.workers=2"] if executor == "spawn_pool" else []),
    )
    plan = ray_cluster.joining(make_plan(compose(*TINY, *options)))
    running = executors.create(executor, observer=Notes())
    try:
        with opened(clip, plan) as view:
            running.start(plan)
            return {o.analyzer: o for o in running.run(view)}
    finally:
        running.close()


@pytest.fixture(scope="module")
def reference(clip):
    return outcomes("sequential", clip)


def test_all_twenty_run(reference):
    assert {name: o.reason for name, o in reference.items() if o.status != "ok"} == {}
    assert set(reference) == set(registry.discover())
    for outcome in reference.values():
        json.dumps([dataclasses.asdict(s) for s in outcome.segments], allow_nan=False)
        assert all(0 <= s.start_s <= s.end_s <= 2.6 for s in outcome.segments)


@pytest.mark.parametrize("executor", usable([name for name in executors.running() if name != "sequential"]))
def test_every_executor_runs_them_alike(executor, clip, reference):
    found = outcomes(executor, clip)
    assert {name: o.reason for name, o in found.items() if o.status != "ok"} == {}
    for name, expected in reference.items():
        same(
            [dataclasses.asdict(s) for s in found[name].segments],
            [dataclasses.asdict(s) for s in expected.segments],
            name,
        )


def test_a_second_of_qwen_is_a_segment_and_takes_all_its_tokens(reference):
    assert [(s.start_s, s.end_s) for s in reference["qwen2_vl_temporal"].segments][:2] == [(0, 1), (1, 2)]
    assert reference["qwen2_vl_temporal"].facts


def test_quality_is_not_measured_and_why(clip, tmp_path):
    truth = json.loads((PROJECT / "clips" / "reference.json").read_text())
    from clipbench.bench.clips.clip_info import sha256

    truth["clip"]["sha256"] = sha256(clip)
    clip.with_suffix(".json").write_text(json.dumps(truth))
    command = [sys.executable, "run.py", *TINY, f"clip.path={clip}", f"hydra.run.dir={tmp_path}"]
    once = ["scenario.warmup=0", "scenario.repeats=1", "progress=false"]
    subprocess.run([*command, *once], cwd=PROJECT, check=True, capture_output=True)
    result = json.loads((tmp_path / "result.json").read_text())
    meaningless = meaningless_results(make_plan(compose(*TINY)))
    quality = [m for m in result["metrics"] if m["name"].startswith("quality.")]
    for metric in quality:
        if (name := metric["name"].split(".")[1]) in meaningless:
            assert (metric["value"], metric["reason"]) == (None, meaningless[name]), metric["name"]
    assert {
        t["status"] for t in result["targets"] if t["metric"].split(".")[1:2] == ["object_detection"]
    } == {"not_measured"}
    assert any(
        m["value"] is not None for m in quality
    )  # those of analyzers that are the same in all profiles
    assert result["analyzers"]["object_detection"]["stand_in"] is None
