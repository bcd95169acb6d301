"""scenario=server from the command line, simulated so that it takes no time: figures follow from passes."""

from __future__ import annotations

import json

import pytest

from tests.support.command_line import refused, run_forked
from tests.support.declared_costs import write_costs

ONLY = ("color_analysis", "cut_analysis")
#: So many clips, and in so many seconds they are in time.
CLIPS, LIMIT_S = 64, 1.8


def test_latency_and_goodput_follow_from_the_passes(tmp_path):
    costs = f"costs.file={write_costs(tmp_path / 'costs.json', *ONLY)}"
    done = run_forked(
        "executor=simulated", "grouping=two_core", f"only=[{','.join(ONLY)}]", costs, "clip=negative",
        "scenario=server", "scenario.rate=0.5", f"scenario.clips={CLIPS}",
        f"scenario.latency_limit_s={LIMIT_S}",
        f"hydra.run.dir={tmp_path / 'run'}", "progress=false",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    passes = [one for one in result["run"]["passes"] if not one["warmup"]]
    latencies = sorted(one["end_s"] - one["arrived_s"] for one in passes)
    figures = {metric["name"]: metric["value"] for metric in result["metrics"]}
    assert len(latencies) == result["served"]["finished"] == CLIPS
    assert figures["latency_p50"] == pytest.approx(latencies[CLIPS // 2 - 1])
    assert figures["latency_p95"] is figures["latency_p99"] is None
    in_time = [one for one in passes if one["end_s"] - one["arrived_s"] <= LIMIT_S and not one["failed"]]
    assert 0 < len(in_time) == result["served"]["in_time"] < CLIPS
    # The first arrives after the first gap, which the seed gives; everything counts from before it.
    whole_s = max(one["end_s"] for one in passes) - passes[0]["arrived_s"]
    assert len(in_time) / figures["goodput"] >= whole_s
    at_once = [sum(o["start_s"] <= one["start_s"] < o["end_s"] for o in passes) for one in passes]
    assert max(at_once) == 2  # scenario.in_flight
    assert max(result["served"]["queue"]["clips"]) >= 2


def test_a_server_without_a_rate_is_refused_in_one_line():
    line = refused(run_forked("scenario=server", "progress=false"))
    assert "scenario=server requires the clips that arrive per second, scenario.rate=0.5" in line
