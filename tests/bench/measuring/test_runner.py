"""A run from end to end with fake analyzers: passes, metrics, verdicts, warnings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clipbench.bench.errors import InputError
from clipbench.bench.measuring import run_summary, verdict
from clipbench.bench.measuring.metrics import METRICS
from clipbench.bench.measuring.runner import Runner, executor_factory
from clipbench.bench.planning.config import MinimumConfig
from clipbench.executors.settings import ExecutorSettings
from tests.support import ideal_run
from tests.support.fake_plans import Notes, grouped, plan, use_fakes
from tests.support.video_files import numbered_frames, write_clip


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4", numbered_frames(30, 64, 64))


@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    use_fakes(monkeypatch)


def record(clip, *names, warmup=1, repeats=2, notes=None):
    run = Runner(plan(*names, executor="sequential"), notes or Notes(), executor_factory("sequential"))
    return run.measure([clip], warmup, repeats, 1)


def metric(found, name):
    return next(m for m in METRICS if m.name == name).measure(found)


def test_passes_are_told_apart_and_timed_in_order(clip):
    notes = Notes()
    found = record(clip, "steady", notes=notes)
    assert [p.warmup for p in found.passes] == [True, False, False]
    assert notes.shown == [(1, 3, True), (2, 3, False), (3, 3, False)]
    assert notes.done == ["steady"] * 3
    marks = [found.started_s, *(t for p in found.passes for t in (p.start_s, p.end_s))]
    assert marks == sorted(marks)
    assert not any(s.phase == "decode" for s in found.spans)  # it reads nothing of the clip


def test_each_chunk_is_decoded_once_per_pass_and_then_read(clip):
    run = Runner(plan("frame_count", executor="sequential"), Notes(), executor_factory("sequential"), 0.5)
    found = run.measure([clip], 1, 2, 1)
    for number, one in enumerate(found.passes):
        chunks = {
            phase: [s.chunk for s in found.spans if (s.clip, s.phase) == (number, phase)]
            for phase in ("decode", "analyze")
        }
        assert chunks == {"decode": [0, 1], "analyze": [0, 1, None]}
        assert one.outcomes["frame_count"].segments[0].data == {"frames": [1, 0]}  # at 1 per second


def test_a_display_is_told_how_far_the_chunks_of_a_clip_are(clip):
    notes = Notes()
    made = plan("frame_count", "steady", executor="sequential")
    run = Runner(made, notes, executor_factory("sequential"), chunk_s=0.5)
    seconds = run.measure([clip], 0, 2, 1).passes[0].clip.duration_s
    assert notes.clips == [(number, seconds, 0.5, ("frame_count",)) for number in (0, 1)]
    assert notes.chunks == [(number, "frame_count", chunk) for number in (0, 1) for chunk in (0, 1)]


def test_warm_and_cold_are_measured_apart(clip):
    found = record(clip, "steady")
    warm, cold = metric(found, "rtf_warm"), metric(found, "rtf_cold")
    assert len(warm.samples) == 2 and cold.value > 0
    first = found.passes[0]
    assert cold.value == pytest.approx((first.end_s - found.started_s) / first.clip.duration_s)
    assert min(warm.samples) <= warm.value <= max(warm.samples)


def test_without_repeats_warm_is_not_measured_and_the_verdict_invalid(clip):
    found = record(clip, "steady", repeats=0)
    assert metric(found, "rtf_warm").value is None and metric(found, "rtf_warm").reason
    assert verdict.decide(found, [], MinimumConfig()).verdict == "invalid"


def test_success_rate_counts_what_failed(clip):
    assert metric(record(clip, "steady", "raising", "deaf", "hungry"), "success_rate").value == 50
    assert metric(record(clip, "steady", "deaf"), "success_rate").value == 100


def test_what_was_not_measured_is_none_with_a_reason(clip):
    found = record(clip, "steady")
    for name in ("gpu_utilization", "gpu_memory_peak", "gpu_memory_residue", "vlm_segments_per_second"):
        assert metric(found, name).value is None and metric(found, name).reason, name


def test_a_run_of_failures_only_is_invalid(clip):
    decision = verdict.decide(record(clip, "raising"), [], MinimumConfig())
    assert decision == verdict.Decision("invalid", "no analyzer succeeded")


def test_too_little_for_a_verdict_says_of_what(clip):
    found = record(clip, "steady")
    asked = MinimumConfig(analyzers=20, repeats=3, seconds=60)
    decision = verdict.decide(found, [], asked)
    why = decision.reason
    assert (decision.verdict, why.partition(": ")[0]) == ("invalid", "too little was measured")
    assert "1 of 20 analyzers" in why and "2 of 3 repeats" in why and "of 60 seconds" in why
    enough = MinimumConfig(analyzers=1, repeats=2, seconds=0)
    assert verdict.decide(found, [], enough) == verdict.Decision("invalid", "no target was measured")


def test_clips_in_flight_at_once_are_no_more_seconds(clip):
    found = record(clip, "steady")
    for one in found.passes:
        one.start_s, one.end_s = 100.0, 102.0
    enough, more = (MinimumConfig(analyzers=1, repeats=2, seconds=s) for s in (2, 3))
    assert verdict.decide(found, [], enough).reason == "no target was measured"
    assert verdict.decide(found, [], more).reason == "too little was measured: 2 of 3 seconds"


def test_segments_that_differ_between_passes_are_warned_of(clip):
    found = record(clip, "steady")
    assert not any("steady" in w for w in run_summary.warnings(found))
    found.passes[-1].outcomes["steady"].segments *= 2
    assert any("steady gave different segments" in w for w in run_summary.warnings(found))


def test_what_cleanup_leaves_is_kept(clip):
    found = record(clip, "steady")
    assert found.cleanup.mode == "exit" and "main" in found.cleanup.workers
    assert metric(found, "ready_again_s").value is found.cleanup.ready_again_s is None


@pytest.mark.parametrize("in_flight", [1, 2])
@pytest.mark.parametrize("cleanup", ["exit", "unload"])
def test_workers_are_woken_after_the_cleanup_only_where_that_is_asked_for(clip, in_flight, cleanup):
    made = replace(plan("steady", executor="threads"), settings=ExecutorSettings(cleanup=cleanup))

    def measured(wake):
        run = Runner(made, Notes(), executor_factory("threads"), wake=wake)
        found = run.measure([clip, clip], 1, 1, in_flight)
        return metric(found, "ready_again_s"), sum(s.phase == "load" for s in found.spans)

    again, loads = measured(wake=False)
    assert again.value is None and "scenario.wake=true" in again.reason and loads == 1
    again, loads = measured(wake=True)
    assert again.value >= 0 and loads == 2


def test_how_long_the_first_offload_takes_is_measured_on_gpus_alone(clip):
    on_cpu = replace(plan("steady", executor="threads"), settings=ExecutorSettings(cleanup="offload"))
    found = Runner(on_cpu, Notes(), executor_factory("threads")).measure([clip], 1, 1, 1)
    assert metric(found, "first_offload_s").value is None
    assert "no worker of this run was on a GPU" in metric(found, "first_offload_s").reason
    assert found.cleanup.took_s >= 0
    found.plan = ideal_run.on_gpu(found.plan)
    assert metric(found, "first_offload_s").value == found.cleanup.took_s
    found.cleanup.mode = "unload"
    assert "executor.cleanup=offload" in metric(found, "first_offload_s").reason
    found.cleanup = None
    assert "before cleanup" in metric(found, "first_offload_s").reason


def test_efficiency_is_at_most_one_and_a_queue_has_throughput_instead(clip):
    found = record(clip, "steady", "sleeper")
    assert 0 < metric(found, "efficiency").value <= 1
    assert metric(found, "throughput").value is None
    run = Runner(
        grouped({"a": ("sleeper",), "b": ("steady",)}, executor="threads"),
        Notes(),
        executor_factory("threads"),
    )
    queue = run.measure([clip, clip, clip], 1, 2, in_flight=2)
    assert len(queue.measured()) == 6
    assert metric(queue, "throughput").value > 0 and metric(queue, "rtf_warm").value is None


def test_a_bad_clip_is_refused_before_anything_is_loaded(tmp_path):
    notes = Notes()
    with pytest.raises(InputError):
        record(tmp_path / "nothing.mp4", "steady", notes=notes)
    assert not any(phase == "load" for _, phase in notes.begun)


def test_the_pass_that_loads_the_models_is_never_a_warm_one(clip):
    found = record(clip, "steady", warmup=0, repeats=1)
    for name in ("rtf_warm", "efficiency"):
        assert metric(found, name).value is None and "scenario.warmup=1" in metric(found, name).reason
    assert metric(found, "rtf_cold").value > 0 and metric(found, "success_rate").value == 100
    assert len(metric(record(clip, "steady", warmup=0, repeats=3), "rtf_warm").samples) == 2


@pytest.mark.parametrize("in_flight", [1, 2])
def test_a_clip_of_a_queue_that_cannot_be_read_is_lost_and_the_others_are_measured(clip, tmp_path, in_flight):
    bad = tmp_path / "bad.mp4"
    bad.write_text("no video")
    run = Runner(plan("steady", executor="sequential"), Notes(), executor_factory("sequential"))
    found = run.measure([bad, clip, clip], 1, 2, in_flight)
    assert [(p.clip.path, p.warmup) for p in found.passes] == [(str(clip), n == 0) for n in range(5)]
    assert [lost.path for lost in found.lost] == [str(bad)]
    assert found.lost[0].reason.startswith("it cannot be read as video")


def test_a_queue_in_which_no_clip_can_be_read_starts_nothing(tmp_path):
    bad = [tmp_path / f"{n}.mp4" for n in range(3)]
    run = Runner(plan("steady", executor="sequential"), Notes(), executor_factory("sequential"))
    found = run.measure(bad, 1, 1, 2)
    assert not found.passes and not found.workers and found.cleanup is None
    assert [lost.path for lost in found.lost] == list(map(str, bad))


def test_one_clip_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        record(tmp_path / "nothing.mp4", "steady")
