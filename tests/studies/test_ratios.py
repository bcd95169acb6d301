"""The figures of studies.ratios, with made-up passes; its rivals, for real, on a short clip."""

from __future__ import annotations

import io
import json
import os
import sys
from multiprocessing import shared_memory

import numpy as np
import pytest
from rich.console import Console

from clipbench.analyzers import registry
from clipbench.analyzers.base import Segment
from clipbench.bench.planning.plan import resolve_upstream
from clipbench.executors.layout import Task
from studies import naive_executors, ratios
from studies.contestants import LANES, MEANING, Lane, Sample, Unmeasured
from studies.frame_sharing import Sharing, mapping, totals
from studies.handwritten_loop import Bare
from studies.ratio_targets import Ratio, Rounds, differences
from studies.ratio_targets import ratios as figures
from tests.support.video_files import write_clip
from tools.rendered_clips.pictures import photograph

#: Seconds of a pass of which all targets are met, by contestant.
GOOD = {
    "sequential_1": 10.0,
    "bare": 8.0,
    "sequential": 8.1,
    "telemetry": 8.1,
    "gpu_pinned": 5.5,
    "spawn_pool": 5.0,
    "threads": 6.0,
    "best": 5.0,
    "process_pool": 8.0,
    "ray_actors": 5.5,
}
SHARED = Sharing(2, 100_000_000, 300_000, 100_000_000, 0, {"a": (5, 6), "b": (7, 8)})
NAMES = ("color_analysis", "cut_analysis", "audio_analysis", "visual_effects")


def made_up(sharing=SHARED, efficiency=0.95, sampler=0.5, reasons=None, **seconds) -> Rounds:
    """Rounds of a clip of ten seconds; a contestant with None was not measured."""
    known = {
        "busy_s": 5.0,
        "efficiency": efficiency,
        "sampler_percent": sampler,
        "sampler_start_s": 0.05,
    }
    samples = {
        # The second round is disturbed as a whole: no ratio may change by it.
        name: [Sample(s * slow, 1.0, 0.0, known) for slow in (1.0, 1.7, 1.0)] if s else []
        for name, s in (GOOD | seconds).items()
    }
    return Rounds(10.0, samples, reasons or {}, sharing)


def statuses(rounds: Rounds) -> dict[str, str]:
    return {ratio.what: ratio.status for ratio in figures(rounds)}


def test_all_targets_can_be_met():
    found = figures(made_up())
    assert {ratio.status for ratio in found} == {"met"} and len(found) == 11
    by_name = {ratio.what: ratio.value for ratio in found}
    assert by_name["best / sequential, one thread"] == pytest.approx(0.5)
    assert by_name["process pool / best"] == pytest.approx(1.6)
    assert by_name["best: real-time factor"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ({"sequential_1": 8.2}, "best / sequential, one thread"),
        ({"sequential": 6.6, "bare": 6.6, "telemetry": 6.6}, "best / sequential, all cores"),
        ({"bare": 7.9}, "sequential / bare loop"),
        ({"telemetry": 8.2}, "sequential with telemetry / bare loop"),
        ({"process_pool": 7.4}, "process pool / best"),
        ({"ray_actors": 4.9}, "plain Ray actors / best"),
        ({"efficiency": 0.89}, "best: efficiency"),
        ({"sampler": 1.1}, "sampler, % of one core"),
        ({"sharing": Sharing(2, 100, 100, 100, 0, {})}, "through pipes / decoded clip"),
        (
            {"sharing": Sharing(2, 100, 0, 200, 50, {})},
            "memory of the decoded clip in all processes / its size",
        ),
    ],
)
def test_a_missed_target_is_said_to_be_missed(change, missed):
    found = statuses(made_up(**change))
    assert found.pop(missed) == "not met"
    slower_bare = {"sequential with telemetry / bare loop", "sequential / bare loop"}
    others = {
        name: status for name, status in found.items() if missed not in slower_bare or name not in slower_bare
    }
    assert set(others.values()) == {"met"}


def test_a_slow_best_misses_the_real_time_factor():
    slow = {name: 2 * seconds for name, seconds in GOOD.items()}
    assert statuses(made_up(**slow))["best: real-time factor"] == "not met"


def test_not_measured_stays_so():
    without = made_up(ray_actors=None, reasons={"ray_actors": "ray is not installed"})
    assert statuses(without)["plain Ray actors / best"] == "not measured: ray is not installed"
    assert Ratio("x", "≤", 1.0).value is None

    nothing = made_up(
        gpu_pinned=None, spawn_pool=None, threads=None, best=None, sharing="it ended with code 1"
    )
    found = statuses(nothing)
    assert found["process pool / best"] == "not measured: no executor could be measured"
    assert found["through pipes / decoded clip"] == "not measured: it ended with code 1"
    assert found["sequential / bare loop"] == "met"


def test_the_tables_tell_what_was_missed_and_what_differs():
    rounds = made_up(process_pool=5.0, ray_actors=None, reasons={"ray_actors": "ray is not installed"})
    out = io.StringIO()
    ratios.show(rounds, {"threads": {"eye_tracking": "3 segments for 4"}}, Console(file=out, width=160))
    lines = out.getvalue().splitlines()

    def line(begins: str) -> str:
        return next(line for line in lines if line.strip().startswith(begins))

    assert "not met" in line("process pool / best") and "1.0" in line("process pool / best")
    assert "not measured: ray is not installed" in line("plain Ray actors / best")
    assert "(best)" in line(MEANING["spawn_pool"]) and "yes" in line(MEANING["spawn_pool"])
    assert "but for eye_tracking" in line(MEANING["threads"])
    assert json.loads(json.dumps(ratios.as_json(rounds, {})))["ratios"][0]["status"] == "met"


def test_every_contestant_has_a_lane_and_a_name():
    assert list(MEANING) == list(GOOD)
    assert sorted(name for names in LANES.values() for name in names) == sorted(set(MEANING) - {"best"})


class Spoken:
    """A lane that answers at once; `ray_actors` cannot."""

    asked: list[tuple[str, str]] = []

    def __init__(self, name, path):
        self.name = name

    def ask(self, what, contestant):
        self.asked.append((what, contestant))
        if contestant == "ray_actors":
            raise Unmeasured("ray is not installed")
        if what == "found":
            return {}
        if what == "sharing":
            return SHARED
        return made_up().samples[contestant][0]

    def close(self):
        self.asked.append(("close", self.name))


def test_the_contestants_take_turns(monkeypatch):
    monkeypatch.setattr(ratios, "Lane", Spoken)
    with ratios.Progress(disable=True) as bar:
        rounds, differing = ratios.measure(3, 2, bar)
    once = [name for what, name in Spoken.asked if what == "once"]
    ours = list(GOOD)[:7]
    assert once[:35] == ours * 5  # A B C … A B C …, two of them warm-up
    assert once[35:] == ["process_pool"] * 2 + ["ray_actors"] + ["spawn_pool", "process_pool"] * 3
    assert {name: len(found) for name, found in rounds.samples.items()} == {
        **dict.fromkeys(GOOD, 3),
        "ray_actors": 0,
    }
    assert differing == {}
    found = statuses(rounds)
    assert found["process pool / best"] == "met"
    assert found["plain Ray actors / best"] == "not measured: ray is not installed"
    # Their models are gone before the rivals load theirs, and the best one's stay.
    assert Spoken.asked.index(("close", "threads")) < Spoken.asked.index(("once", "process_pool"))
    assert Spoken.asked.index(("close", "spawn_pool")) > Spoken.asked.index(("once", "process_pool"))


def test_a_lane_that_cannot_measure_says_why(tmp_path):
    lane = Lane("sequential_1", tmp_path / "missing.mp4")
    try:
        with pytest.raises(Unmeasured, match=r"InputError: .*missing\.mp4"):
            lane.ask("once", "sequential_1")
    finally:
        lane.close()
    assert not lane.process.is_alive()


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Two seconds, in two shots, with a tone."""
    frames = [photograph(name)[:240, :320] for name in ("astronaut.jpg", "coffee.jpg") for _ in range(30)]
    return write_clip(tmp_path_factory.mktemp("clip") / "short.mp4", np.stack(frames), tone_hz=440)


@pytest.fixture(scope="module")
def tasks():
    """Three that read frames, one that reads sound; and one that reads what another found."""
    known = registry.discover()
    upstream = resolve_upstream(known)
    reads = {name: tuple(u for u in upstream[name] if u in NAMES) for name in NAMES}
    made = [Task(name, known[name].settings_type(), reads[name]) for name in NAMES]
    return sorted(made, key=lambda task: len(task.upstream))


def test_the_pool_finds_what_the_bare_loop_finds(clip, tasks):
    loop, pool = Bare(tasks, threads=1), naive_executors.Pool(tasks, workers=2, threads=1)
    try:
        seconds, expected = loop.once(clip)
        assert seconds > 0 and set(expected) == set(NAMES)
        assert [s.label for s in expected["cut_analysis"]].count("hard_cut") == 1
        seconds, found = pool.once(clip)
    finally:
        loop.close()
        pool.close()
    assert seconds > 0
    assert found == expected


def test_an_actor_finds_what_the_bare_loop_finds(clip, tasks):
    loop, member = Bare(tasks, threads=1), naive_executors.Member(tasks, threads=1)
    expected = loop.once(clip)[1]
    found = naive_executors.follow(
        tasks,
        lambda task, upstream: (task.analyzer, tuple(upstream.items())),
        lambda handles: [(h, member.analyze(h[0], clip, dict(h[1]))) for h in handles],
    )
    member.forget()
    loop.close()
    assert found == expected


def test_follow_waits_for_what_is_read():
    class Settings:
        pass

    order = []
    chain = [Task("c", Settings(), ("a", "b")), Task("b", Settings(), ("a",)), Task("a", Settings())]

    def submit(task, upstream):
        order.append((task.analyzer, sorted(upstream)))
        return task.analyzer

    assert set(naive_executors.follow(chain, submit, lambda handles: [(handles[0], [])])) == {"a", "b", "c"}
    assert order == [("a", []), ("b", ["a"]), ("c", ["a", "b"])]


def test_differences_are_named():
    found = {"sequential": {"a": [], "b": []}, "threads": {"a": [], "b": []}}
    assert differences(found) == {}
    found["threads"]["b"] = [Segment(0, 1, "x")]
    assert differences(found) == {"threads": {"b": "1 segments for 0"}}


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_memory_that_is_mapped_is_found():
    memory = shared_memory.SharedMemory(create=True, size=4 << 20)
    try:
        memory.buf[:] = bytes(4 << 20)
        assert mapping(os.getpid(), memory.name)["Rss"] == 4 << 20
        assert mapping(os.getpid(), "psm_of_nobody")["Rss"] == 0
    finally:
        memory.close()
        memory.unlink()
    assert totals(["Pss:   3 kB", "Pss:  1 kB", "Other: 9 kB"])["Pss"] == 4096
