"""How busy workers were: by hand, and the same in a simulated run as in the prediction of its plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from clipbench.bench.clips.clip_info import ClipInfo
from clipbench.bench.measuring import busy, session
from clipbench.bench.measuring.record import Pass, Record
from clipbench.bench.planning import config
from clipbench.bench.planning.auto.configured import declared
from clipbench.bench.planning.scenario import Service
from clipbench.bench.planning.simulation import predict
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.utilization import Utilization
from clipbench.executors.base import Span
from clipbench.reports.run.busy_line import busy_line, of_prediction
from tests.support.declared_costs import write_costs
from tests.support.fake_plans import Notes, grouped, use_fakes

ONLY = ("color_analysis", "cut_analysis", "audio_analysis", "camera_analysis")


def record(monkeypatch, *passes: tuple[bool, float, float], **fields) -> Record:
    """Passes as (warm-up, start, end), of two workers x and y."""
    use_fakes(monkeypatch)
    info = ClipInfo("clip.mp4", "", 1.0, 64, 64, 25.0, False, 25)
    made = [Pass(info, warmup, start, start, end) for warmup, start, end in passes]
    plan = grouped({"x": ("steady",), "y": ("raising",)}, executor="spawn_pool", workers=2)
    return Record(plan, 0.0, NotMeasured(), made, **fields)


SPANS = [
    Span("x", "a", "analyze", 1, 3),  # before anything counts
    Span("x", "a", "load", 10, 12),
    Span("x", "a", "analyze", 12, 14, chunk=0),
    Span("x", "b", "analyze", 13, 15),  # at once with the one before
    Span("y", "c", "analyze", 19, 21),  # half of it between the passes
    Span("decoder", "", "decode", 10, 20),
    Span("y", "c", "analyze", 22, 24),
]


def test_only_analyses_in_measured_passes_count(monkeypatch):
    found = record(monkeypatch, (True, 0, 5), (False, 10, 20), (False, 22, 32), spans=SPANS)
    names = [worker.name for worker in found.plan.layout]
    spans = [Span(names["xy".find(s.worker)], s.analyzer, s.phase, s.start_s, s.end_s) for s in SPANS[:5]]
    found.spans = [*spans, *SPANS[5:6], Span(names[1], "c", "analyze", 22, 24)]
    shares = busy.of_run(found)
    assert shares == Utilization(workers={names[0]: 3 / 20, names[1]: 3 / 20})
    found.service = Service((0.0,), 95, None)  # one window, from the first arrival to the last outcome
    assert busy.of_run(found).workers == {names[0]: 3 / 22, names[1]: 4 / 22}
    assert busy_line(shares) == f"{names[0]} 15%, {names[1]} 15%"


def test_where_nothing_was_measured_there_is_no_share(monkeypatch):
    found = record(monkeypatch, (True, 0, 5))
    assert busy.of_run(found) is None and busy_line(None) == ""


@pytest.mark.parametrize("scenario", [("scenario.repeats=3",), ("scenario=offline", "repeats=6")])
def test_a_simulated_run_and_its_prediction_have_the_same_shares(scenario, tmp_path):
    costs = write_costs(tmp_path / "costs.json", *ONLY)
    words = ("executor=simulated", "grouping=two_core", f"only=[{','.join(ONLY)}]", f"costs.file={costs}")
    prepared = session.prepare(config.compose(*words, *scenario), tmp_path / "run")
    shares = session.run(prepared, Notes()).result.run.utilization
    at_once, pretended = prepared.cfg.scenario.at_once, prepared.plan.pretended
    clips = [declared(Path(prepared.cfg.clip.path))] * (6 if at_once > 1 else 1)
    found = predict(prepared.plan, pretended.machine, pretended.costs, clips, at_once)
    assert shares.workers == pytest.approx(found.workers, rel=0.02)
    assert shares.cores == pytest.approx(found.cores, rel=0.02) and shares.cores > 0.1
    assert shares.gpus == {} and busy_line(shares) == of_prediction(found)
