"""Clips that arrive one after another: latencies and goodput by hand, and what is not measured, and why."""

from __future__ import annotations

import math
import random
from types import SimpleNamespace

import pytest

from clipbench.bench.measuring import metrics, served
from clipbench.bench.measuring.record import Pass, Record
from clipbench.bench.measuring.runner import Runner
from clipbench.bench.planning.scenario import Service, poisson
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import LostClip
from clipbench.executors.arrivals import NEVER
from clipbench.executors.base import Executor, Outcome
from tests.support.fake_plans import Notes, plan, use_fakes
from tests.support.video_files import numbered_frames, write_clip


class OneAtATime(Executor):
    """An executor with a virtual clock on which every clip takes `seconds`."""

    seconds = 1.5

    def __init__(self, observer):
        super().__init__(observer)
        self.time, self.under_way = 100.0, []
        self.clock = lambda: self.time

    def start(self, plan):
        self.time += 7.0

    def run_many(self, clips, in_flight):
        number = 0
        while clips.next_s < NEVER:
            clip = clips.take(self.clock())
            if clip is None:
                self.time = clips.next_s
                continue
            self.time += self.seconds
            yield number, Outcome("steady", "ok", "", "", segments=[object()])
            number += 1

    def cleanup(self):
        pass

    def wake(self):
        pass

    def state(self):
        return {}

    def pids(self):
        return {}

    def close(self):
        pass


@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    use_fakes(monkeypatch)


@pytest.fixture
def virtual(tmp_path):
    """A run on the virtual clock whose clips arrive at these times."""
    clip = write_clip(tmp_path / "clip.mp4", numbered_frames(5, 64, 64))

    def run(*times, limit_s=None, paths=(clip,)):
        runner = Runner(plan("steady"), Notes(), OneAtATime)
        return runner.measure(list(paths), 1, 1, 2, Service(times, 50, limit_s))

    return run


def value(record, name):
    return metrics.find(name).measure(record)


def test_latency_counts_from_the_arrival_on_the_executors_clock(virtual):
    found = virtual(0.0, 1.0, 2.0, 3.0, 20.0)
    assert [round(p.latency_s, 9) for p in found.measured()] == [1.5, 2.0, 2.5, 3.0, 1.5]
    assert [round(p.start_s - p.arrived_s, 9) for p in found.measured()] == [0.0, 0.5, 1.0, 1.5, 0.0]
    assert found.passes[0].warmup and value(found, "rtf_cold").value > 1.5  # 7 s of it are the start


def test_goodput_counts_from_the_beginning_to_the_last_outcome(virtual):
    found = virtual(2.0, 10.0, 20.0, 20.5, limit_s=2.0)
    # The last one waits for a second, and is late: 3 of 4 within 20.5 + 2.5 s.
    assert value(found, "goodput").value == pytest.approx(3 / 23.0)
    assert served.summarize(found).in_time == 3


def test_a_folder_of_clips_comes_in_turn_and_a_lost_one_takes_no_arrival(virtual, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_text("no video")
    good = tmp_path / "clip.mp4"
    found = virtual(0.0, 5.0, 10.0, paths=(good, bad))
    assert [p.clip.path for p in found.measured()] == [str(good)] * 3
    assert [lost.path for lost in found.lost] == [str(bad)]


def a_record(ends, arrivals=None, limit_s=None, *, status="ok", percentile=50):
    """A record of clips that arrive once a second and are done at `ends`; None: lost on the way."""
    arrivals = [float(n) for n in range(len(ends))] if arrivals is None else arrivals
    info = SimpleNamespace(path="a.mp4", duration_s=1.0)
    made = Record(plan("steady"), 0.0, NotMeasured(), service=Service(tuple(arrivals), percentile, limit_s))
    for arrived, end in zip(arrivals, ends, strict=True):
        outcome = Outcome("steady", "skipped" if end is None else status, "", "", segments=[object()])
        one = Pass(info, False, arrived, arrived, end or 0.0, outcomes={"steady": outcome})
        made.passes.append(one)
    return made


#: When 64 clips are done, each after a tenth of a second more than the tenth one before it.
ENDS = [n + 0.1 * (n % 10 + 1) for n in range(64)]


def test_the_percentile_is_the_nearest_rank_once_there_are_clips_enough():
    found = a_record(ENDS)
    assert value(found, "latency_p50").value == pytest.approx(0.5)
    late = value(found, "latency_p95")
    assert (late.value, late.failed) == (None, False)
    assert late.reason == "64 clips arrived, and it takes 130: scenario.clips=130"
    assert value(a_record(ENDS[:63]), "latency_p50").value is None


def test_clips_that_were_lost_on_the_way_are_slower_than_all_others():
    few = a_record([None] * 7 + ENDS[7:])
    assert value(few, "latency_p50").value == pytest.approx(0.6)
    many = a_record([None] * 33 + ENDS[33:])
    found = value(many, "latency_p50")
    assert (found.value, found.failed, found.reason) == (None, True, "33 of 64 clips were lost on the way")


def test_a_clip_on_which_an_analyzer_failed_is_no_good():
    assert value(a_record(ENDS, limit_s=2.0), "goodput").value == pytest.approx(64 / ENDS[-1])
    assert value(a_record(ENDS, limit_s=2.0, status="crashed"), "goodput").value == 0
    assert value(a_record(ENDS, limit_s=0.05), "goodput").value == 0
    assert "scenario.latency_limit_s" in value(a_record(ENDS), "goodput").reason


def test_an_interrupted_run_has_no_percentile():
    found = a_record(ENDS, limit_s=2.0)
    found.passes[-1].end_s, found.passes[-1].outcomes = 0.0, {}
    assert value(found, "latency_p50").reason == "the run ended when 63 of 64 clips were done"
    assert value(found, "latency_p50").value is value(found, "goodput").value is None


def test_a_queue_that_grows_misses_its_targets():
    found = value(a_record([2.0 * n + 2 for n in range(80)]), "latency_p50")
    assert (found.value, found.failed) == (None, True)
    assert found.reason == "the queue grew: in the second half of the time 40 clips arrived and 20 were done"


def test_other_scenarios_have_no_latency_and_a_server_no_throughput(virtual):
    found = virtual(0.0)
    for name in ("rtf_warm", "throughput", "efficiency"):
        assert "latency_p95" in value(found, name).reason
    found.service = None
    for name in ("latency_p50", "latency_p95", "latency_p99", "goodput"):
        assert "scenario=server" in value(found, name).reason


def done_in_turn(times, seconds):
    """When clips that arrive at `times` are done, one after another, each in so many seconds."""
    ends, free = [], -math.inf
    for time in times:
        free = max(time, free) + seconds
        ends.append(free)
    return ends


@pytest.mark.parametrize(("load", "least", "most"), [(0.5, 0.0, 0.02), (0.9, 0.0, 0.1), (2.0, 0.95, 1.0)])
def test_growth_is_found_where_it_is(load, least, most):
    flagged = 0
    for seed in range(100):
        times = poisson(load, 130, seed)
        flagged += bool(served.growth(times, done_in_turn(times, 1.0)))
    assert least <= flagged / 100 <= most


def test_clips_that_take_long_beside_each_other_are_no_growing_queue():
    times = [float(n) for n in range(200)]
    assert not served.growth(times, [time + 30 for time in times])


def test_the_length_of_the_queue():
    found = served.queue_length([0.0, 1.0, 1.5], [2.0, 3.0, 6.0], start_s=-10.0)
    assert found.times_s == [11.0, 12.0, 13.0, 14.0, 15.0, 16.0]
    assert found.clips == [2, 3, 2, 1, 1, 1]
    assert served.queue_length([], [], 0.0).clips == []
    dice = random.Random(0)
    times = sorted(dice.random() for _ in range(5000))
    long = served.queue_length(times, [t + 0.1 for t in times], 0.0)
    assert len(long.clips) == served.MOST_VALUES and 400 < max(long.clips) < 600


def test_lost_files_are_kept_apart_from_the_clips_that_arrived():
    found = a_record([0.5, 1.5])
    found.lost.append(LostClip("b.mp4", "it cannot be read"))
    assert served.summarize(found).arrived == 2
