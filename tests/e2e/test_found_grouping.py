"""grouping=auto: a grouping is found by costs, predicted and run, and both stand side by side."""

from __future__ import annotations

import re

import pytest

from clipbench.bench.planning.auto import accuracy
from clipbench.bench.runs.storage import read_result
from tests.support.command_line import refused, run_each
from tests.support.declared_costs import write_costs

ONLY = ("color_analysis", "cut_analysis", "audio_analysis", "camera_analysis")
SAME = ("grouping=auto", f"only=[{','.join(ONLY)}]", "progress=false", "clip.truth=null")

#: One short repeat is enough for a verdict.
ENOUGH = ("targets.minimum.repeats=1", "targets.minimum.seconds=0")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What several commands left: folder by name, and what they printed."""
    folder = tmp_path_factory.mktemp("found")
    costs = (f"costs.file={write_costs(folder / 'costs.json', *ONLY)}", f"costs.store={folder}")
    on_gpu = f"costs.file={write_costs(folder / 'gpu.json', *ONLY, on_gpu=True)}"
    commands = {
        "run": (*costs, "executor=threads", "repeats=1", *ENOUGH),
        "simulated": (*costs, "executor=simulated", "machine=cores_16", "scenario=offline", "repeats=4"),
        "plan": (*costs, "plan=true"),
        "objective": (*costs, "objective=speed"),
        "limit": (*costs, "objective=goodput"),
        "queue": (*costs, "objective=goodput", "scenario.latency_limit_s=3", "scenario=server"),
        "no costs": (f"costs.store={folder / 'empty'}",),
        "gpu": (on_gpu, "executor=simulated"),
        "memory": (*costs, "executor=simulated", "machine.memory_gb=1"),
        "not searched": ("grouping=two_core", "objective=latency"),
    }
    lists = [
        (*SAME, *more, f"hydra.run.dir={folder / name.replace(' ', '_')}") for name, more in commands.items()
    ]
    return folder, dict(zip(commands, run_each(*lists), strict=True))


def test_what_was_predicted_stands_beside_what_was_measured(made):
    folder, done = made
    assert done["run"].returncode == 0, done["run"].stderr
    result = read_result(folder / "run")
    assert result.run.executor == "threads" and result.run.grouping == "auto"
    assert {name for group in result.run.groups for name in group.analyzers} == set(ONLY)
    assert result.prediction is not None
    (rtf,) = result.prediction.metrics
    assert rtf.metric == "rtf_warm" and rtf.measured == result.metric("rtf_warm").value
    assert rtf.error == pytest.approx(rtf.measured / rtf.predicted - 1)
    for text in (
        done["run"].stdout,
        *((folder / "run" / f"report.{kind}").read_text() for kind in ("md", "html")),
    ):
        assert "predicted" in text and f"{rtf.error:+.1%}" in text and "no grouping can beat" in text


def test_the_error_is_kept_for_the_next_prediction(made):
    folder, done = made
    kept = [error for path in folder.glob("errors-*.json") for error in accuracy.read(path)]
    if "is not kept: other work took" not in done["run"].stdout:
        (rtf,) = read_result(folder / "run").prediction.metrics
        assert [(each.metric, each.error) for each in kept] == [("rtf_warm", rtf.error)]
    else:
        assert kept == []


def test_a_simulated_run_agrees_with_the_prediction_and_measures_nothing(made):
    folder, done = made
    assert done["simulated"].returncode == 0, done["simulated"].stderr
    result = read_result(folder / "simulated")
    (throughput,) = result.prediction.metrics
    assert throughput.metric == "throughput" and throughput.error is None
    assert result.metric("throughput").value == pytest.approx(throughput.predicted, rel=0.1)
    assert result.prediction.objective == "throughput"
    assert any(line.startswith("extrapolated: 16 cores") for line in result.prediction.beware)


def test_a_plan_says_why_and_what_was_tried(made):
    shown = made[1]["plan"].stdout
    assert made[1]["plan"].returncode == 0, made[1]["plan"].stderr
    assert re.search(r"found for latency: \d worker", shown) and "Nothing was loaded" in shown
    for words in ("what binds:", "distance:", "tried:", "computed from:", "rtf_warm", "two_core"):
        assert words in shown


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("objective", "objective=speed does not exist"),
        ("limit", "objective=goodput requires a limit that is to be kept: scenario.latency_limit_s=30"),
        ("queue", "scenario=server requires the clips that arrive per second"),
        ("no costs", "costs of models=embedded on this machine; measure them"),
        ("gpu", "are those on a GPU, and this plan has it on the CPU"),
        ("memory", "machine=here: no grouping fits into 1 GB"),
        ("not searched", "objective=latency is for a search: add grouping=auto"),
    ],
)
def test_what_is_refused(made, name, line):
    assert line in refused(made[1][name])
