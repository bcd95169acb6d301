"""Each figure of a run follows from what else result.json has: an outside script can check it."""

from __future__ import annotations

import json
from statistics import median

import pytest

from tests.support.command_line import run_forked
from tests.support.fake_plans import FAKES

#: Chunked ones, one of which fails, and a chain of three: `late` reads `sleeper`, and the last one reads all.
ONLY = "only=[color_analysis,cut_analysis,audio_analysis,sleeper,late,cross_analyzer_intelligence]"


@pytest.fixture(scope="module", params=["single_stream", "offline"])
def result(request, tmp_path_factory):
    """result.json as JSON has it, of a run in which one analyzer fails."""
    folder = tmp_path_factory.mktemp("figures")
    queue = ["scenario.in_flight=2", "scenario.repeats=2"]
    how = queue if request.param == "offline" else ["scenario.budget_s=1"]
    done = run_forked(
        "clip=negative", ONLY, "executor=threads", "grouping=two_core", f"scenario={request.param}", *how,
        "faults=raise", "faults.analyzer=cut_analysis", f"hydra.run.dir={folder}",
        CLIPBENCH_PLUGINS=str(FAKES),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def figure(result, name):
    return next(metric for metric in result["metrics"] if metric["name"] == name)


def seconds(one):
    return one["end_s"] - one["start_s"]


def counted(result):
    return [one for one in result["run"]["passes"] if not one["warmup"]]


def test_times_follow_from_passes(result):
    clip_s = result["run"]["clip"]["duration_s"]
    first, measured = result["run"]["passes"][0], counted(result)
    assert figure(result, "rtf_cold")["value"] == pytest.approx(first["end_s"] / clip_s, rel=1e-6)
    if result["run"]["scenario"]["in_flight"] == 1:
        samples = [seconds(one) / clip_s for one in measured]
        assert figure(result, "rtf_warm")["samples"] == pytest.approx(samples, rel=1e-6)
        assert figure(result, "rtf_warm")["value"] == pytest.approx(median(samples), rel=1e-6)
    else:
        queue_s = max(one["end_s"] for one in measured) - min(one["start_s"] for one in measured)
        expected = clip_s * len(measured) / queue_s
        assert figure(result, "throughput")["value"] == pytest.approx(expected, rel=1e-6)


def test_the_success_rate_follows_from_what_failed_in_each_pass(result):
    count = len(result["analyzers"])
    samples = [100 * (count - len(one["failed"])) / count for one in counted(result)]
    assert figure(result, "success_rate")["samples"] == pytest.approx(samples)
    assert [one["failed"] for one in counted(result)] == [{"cut_analysis": "failed"}] * len(samples)


def test_times_of_analyzers_follow_from_spans(result):
    numbers = [n for n, one in enumerate(result["run"]["passes"]) if not one["warmup"]]
    for name, analyzer in result["analyzers"].items():
        spans = [s for s in result["spans"] if s["analyzer"] == name and s["phase"] == "analyze"]
        by_pass = [sum(seconds(s) for s in spans if s["clip"] == n) for n in numbers]
        assert len(by_pass) == len(analyzer["analyze_s"])
        for span_s, own_s in zip(by_pass, analyzer["analyze_s"], strict=True):
            assert own_s <= span_s + 1e-4  # a span holds what tells of it, too


def test_the_efficiency_follows_from_spans(result):
    efficiency = figure(result, "efficiency")
    if result["run"]["scenario"]["in_flight"] > 1:
        assert efficiency["value"] is None
        return
    numbers = [n for n, one in enumerate(result["run"]["passes"]) if not one["warmup"]]
    samples = [lower_bound_of(result, n) / makespan_of(result, n) for n in numbers]
    assert efficiency["samples"] == pytest.approx(samples, rel=1e-3)


def work_of(result, number):
    return [s for s in result["spans"] if s["clip"] == number and s["phase"] in ("decode", "analyze")]


def makespan_of(result, number):
    work = work_of(result, number)
    return max(s["end_s"] for s in work) - min(s["start_s"] for s in work)


def lower_bound_of(result, number):
    """The longest chain of work, or all work spread over what did it, whichever is longer."""
    work = work_of(result, number)
    analyses = [s for s in work if s["phase"] == "analyze"]
    decode_s = sum(seconds(s) for s in work if s["phase"] == "decode")

    def chain(name):
        own = [s for s in analyses if s["analyzer"] == name]
        chunks_s = sum(seconds(s) for s in own if s["chunk"] is not None)
        about = result["analyzers"][name]
        waits = [chain(other) for other in about["waits_for"]] + [chunks_s]
        waits += [decode_s] if about["whole_frames"] else []
        return max(waits) + sum(seconds(s) for s in own if s["chunk"] is None)

    def at_once(spans):
        return max(sum(o["start_s"] <= s["start_s"] < o["end_s"] for o in spans) for s in spans)

    workers = max(result["run"]["workers"], at_once(analyses))
    machines = max(workers, at_once(work))
    chains = [chain(name) for name in result["analyzers"]]
    return max(
        decode_s,
        *chains,
        sum(map(seconds, analyses)) / workers,
        sum(map(seconds, work)) / machines,
    )
