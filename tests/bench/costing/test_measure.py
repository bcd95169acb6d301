"""Measuring costs with fakes: what is measured, that it goes on after an interrupt, and what it refuses."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from clipbench.bench.costing import cuts, measure, rig, stages
from clipbench.bench.costing.measure import Measuring
from clipbench.bench.costing.observed import EMPTY, SHARED, Observed, Timing
from clipbench.bench.costing.stages import Subject
from clipbench.bench.errors import InputError, Interrupted
from clipbench.bench.planning import config, cost_store
from clipbench.executors.costs import AnalyzerCost, Costs, Work
from tests.support.costs import kept, task_named
from tests.support.fake_plans import FAKES, FOLDER
from tests.support.video_files import numbered_frames, write_clip


class Told:
    """Hears the units, and interrupts after some."""

    def __init__(self, most: int = 1000) -> None:
        self.most, self.units = most, []

    def unit(self, name: str, number: int, of: int) -> None:
        self.units.append(name)
        if number > self.most:
            raise Interrupted(130)


@pytest.fixture
def measuring(tmp_path, monkeypatch) -> Measuring:
    """Two fakes that share, on a clip of two seconds in two chunks."""
    plugins = ":".join(map(str, (FAKES, FOLDER / "sharing.py")))
    monkeypatch.setenv("CLIPBENCH_PLUGINS", plugins)
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setattr(rig, "REPEATS", 1)
    monkeypatch.setattr(stages, "BESIDE_S", 0.02)
    monkeypatch.setattr("clipbench.bench.costing.decoding.PASSES", 1)
    clip = write_clip(tmp_path / "clip.mp4", numbered_frames(20, 32, 32), fps=10)
    cfg = config.compose("only=[]")
    cfg.clip.path, cfg.clip.chunk_s = str(clip), 1.0
    tasks = [task_named("napper"), task_named("napper_too")]
    subject = Subject(tasks, clip, 1.0, cores=2)
    return Measuring(cfg, subject, tmp_path / "store" / "costs.json", {"clip": "a"}, Observed())


def test_it_goes_on_where_it_was_interrupted(measuring, monkeypatch):
    with pytest.raises(Interrupted):
        measure.run(measuring, Told(most=2))
    assert not measuring.path.exists()
    before = measure.unfinished(measuring.unfinished, measuring.facts)
    assert before is not None and before.done == ["napper, turn 1", "napper_too, turn 1"]
    assert measure.unfinished(measuring.unfinished, {"clip": "another"}) is None

    found = measure.run(dataclasses.replace(measuring, found=before), Told())
    assert not measuring.unfinished.exists()
    assert cost_store.read(measuring.path) == found
    raw = json.loads(measuring.path.read_text())["observed"]
    assert len(set(raw["done"])) == len(raw["done"])
    assert {"napper beside napper_too", "decoding beside napper"} <= set(raw["done"])
    assert {pair["one"] for pair in raw["pairs"]} == {"napper", "decoding"}
    check_observed(before)
    check_costs(found.costs)


def check_observed(found: Observed) -> None:
    assert found.shared_memos() == {"napper": ["nap 1"], "napper_too": ["nap 1"]}
    fed = {(t.piece, t.memo) for t in found.timings if (t.analyzer, t.step) == ("napper", "feed")}
    pieces = [f"chunk {n} of 0.25 s" for n in range(4)] + [f"chunk {n} of 1 s" for n in range(2)]
    assert fed == {(piece, memo) for piece in pieces for memo in (EMPTY, SHARED)}
    ends = [t.span_s for t in found.timings_of("napper", ("finish",), EMPTY, 1)]
    assert ends == [1.0, 2.0]


def check_costs(costs) -> None:
    assert costs.analyzers.keys() == {"napper", "napper_too"}
    assert "nap 1" in costs.derivations  # and a part of its own, where the machine was busy meanwhile
    assert all("nap 1" in cost.derivations for cost in costs.analyzers.values())
    assert costs.residual is not None and costs.decoding.frames.at(1.0, 0.001) > 0
    assert "no GPU" in costs.unknown["gpu"] or "nothing ran on a GPU" in costs.unknown["gpu"]


def test_what_comes_with_the_end_of_the_clip_is_told_apart(measuring):
    subject = dataclasses.replace(measuring.subject, tasks=[task_named("collector")])
    found = measure.run(dataclasses.replace(measuring, subject=subject), Told())
    cost = found.costs.analyzers["collector"]
    assert cost.window_s == 2.0
    assert cost.windowed.host.at(2.0, 0.0) > cost.work.host.at(2.0, 0.0)


def test_costs_of_analyzers_that_were_not_measured_again_stay():
    before, now = (kept([task_named(name)]).costs for name in ("body_pose", "eye_tracking"))
    both = measure.beside(before, now)
    assert both.analyzers.keys() == {"body_pose", "eye_tracking"}
    assert {"models.body_pose.fps", "models.eye_tracking.fps"} <= both.facts.keys()


def test_one_that_shares_is_not_measured_without_those_with_whom_it_does():
    costs = kept([task_named("object_detection"), task_named("body_pose")]).costs
    sharing = {
        name: dataclasses.replace(cost, derivations=("detections",)) for name, cost in costs.analyzers.items()
    }
    costs = dataclasses.replace(costs, analyzers=sharing)
    measure.check_sharers(["object_detection", "body_pose"], costs)
    with pytest.raises(InputError, match=r"only=\[body_pose,object_detection\]"):
        measure.check_sharers(["body_pose"], costs)


def test_an_analyzer_that_takes_its_process_down_is_named(measuring):
    subject = dataclasses.replace(measuring.subject, tasks=[task_named("dying")])
    with pytest.raises(InputError, match=r"^dying: .*code 5.*only="):
        measure.run(dataclasses.replace(measuring, subject=subject), Told())


def test_an_analyzer_that_fails_has_no_costs_and_says_why(measuring):
    tasks = [task_named("raising"), measuring.subject.tasks[0]]
    subject = dataclasses.replace(measuring.subject, tasks=tasks, cores=1)
    found = measure.run(dataclasses.replace(measuring, subject=subject), Told())
    assert found.costs.analyzers.keys() == {"napper"}
    assert {"parallel", "pressure"} <= found.costs.unknown.keys()  # one core
    assert any(line.startswith("raising has no costs: ") for line in found.remarks)


def test_a_long_clip_is_refused(measuring, monkeypatch):
    monkeypatch.setattr(cuts, "LONGEST_S", 1.0)
    with pytest.raises(InputError, match=r"clip\.path: .* at most 1 s"):
        measure.run(measuring, Told())


def test_a_store_that_cannot_be_written_to_is_named(measuring, tmp_path):
    (tmp_path / "file").touch()
    blocked = dataclasses.replace(measuring, path=Path(tmp_path / "file" / "costs.json"))
    with pytest.raises(InputError, match=r"costs\.store: "):
        measure.run(blocked, Told())


def test_another_turn_adds_to_the_times_of_the_same_step():
    found = Observed()
    for threads, seconds, gb in ((1, 1.0, None), (2, 0.6, None), (1, 3.0, 0.2)):
        found.add(Timing("napper", "feed", "0", 1.0, 1.0, threads, EMPTY, [seconds], gb))
    assert [(timing.threads, timing.seconds, timing.peak_gb) for timing in found.timings] == [
        (1, [1.0, 3.0], 0.2),
        (2, [0.6], None),
    ]


def test_what_nobody_shares_any_more_is_dropped():
    def costs(shared: str) -> Costs:
        return Costs("here", 2, "measured", {"napper": AnalyzerCost(Work(), (shared,))}, {shared: Work()})

    assert list(measure.beside(costs("faces (2)"), costs("faces")).derivations) == ["faces"]
