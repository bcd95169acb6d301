"""How many clips of a queue are under way where nobody says."""

from __future__ import annotations

import pytest

from clipbench.bench.measuring import session
from clipbench.bench.planning.config import compose
from clipbench.bench.probes import environment
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import GpuSummary

GPU = [GpuSummary(name="H100", memory_gb=85.5, uuid="GPU-aa")]


@pytest.mark.parametrize(
    ("gpus", "overrides", "count"),
    [
        (GPU, ["models=random"], 4),
        (GPU, ["models=embedded"], 2),
        (GPU, ["models=random", "only=[color_analysis]"], 2),
        (NotMeasured("no driver"), ["models=random"], 2),
        (GPU, ["models=random", "scenario.in_flight=3"], 3),
        (NotMeasured("no driver"), ["models=random", "executor=simulated", "machine=h100"], 4),
        (GPU, ["models=random", "executor=simulated", "machine=cores_16"], 2),
    ],
)
def test_more_where_models_are_on_a_gpu(monkeypatch, gpus, overrides, count):
    monkeypatch.setattr(environment, "gpus", lambda: gpus)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    cfg = compose("scenario=offline", *overrides)
    session.check_scenario(cfg)
    assert cfg.scenario.in_flight == cfg.scenario.at_once == count


def test_one_clip_at_a_time_stays_one(monkeypatch):
    monkeypatch.setattr(environment, "gpus", lambda: GPU)
    cfg = compose("models=random")
    session.check_scenario(cfg)
    assert cfg.scenario.in_flight == 1
