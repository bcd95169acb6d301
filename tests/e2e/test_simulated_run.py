"""`executor=simulated`: a run like any other, but that everything it shows is called predicted."""

from __future__ import annotations

import html
import json
import re

import pytest

from clipbench.bench.comparing import baselines, calibration, candidates, comparison
from clipbench.bench.errors import InputError
from clipbench.bench.measuring import session
from clipbench.bench.planning import config
from clipbench.bench.runs.storage import read_result
from clipbench.reports import formatting
from clipbench.reports.comparison import html as page
from clipbench.reports.comparison import json as data
from clipbench.reports.comparison import markdown
from tests.support.command_line import refused, run_each
from tests.support.declared_costs import write_costs

ONLY = ("color_analysis", "cut_analysis", "audio_analysis", "camera_analysis")
#: What every command has; a file of costs is added.
SAME = ("executor=simulated", "grouping=two_core", f"only=[{','.join(ONLY)}]", "progress=false")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What several commands left: folder by name, and what they printed."""
    folder = tmp_path_factory.mktemp("simulated")
    costs = f"costs.file={write_costs(folder / 'costs.json', *ONLY)}"
    commands = {
        "here": (costs, "scenario.wake=true"),
        "queue": (costs, "scenario=offline", "repeats=6", "machine=cores_16", "machine.core_speed=2"),
        "plan": (costs, "machine=cores_16", "plan=true"),
        "unknown machine": (costs, "machine=hal"),
    }
    done = run_each(*((*SAME, *more, f"hydra.run.dir={folder / name}") for name, more in commands.items()))
    return folder, dict(zip(commands, done, strict=True))


def test_a_run_is_predicted_by_its_costs(made):
    folder, done = made
    assert done["here"].returncode == 0, done["here"].stderr
    result = read_result(folder / "here")
    simulated = result.run.simulated
    assert (simulated.like, simulated.costs, simulated.machine.name) == ("gpu_pinned", "declared", "here")
    assert result.metric("rtf_warm").samples[0] == result.metric("rtf_warm").samples[2] > 0.2
    assert result.metric("rss_peak").value == pytest.approx(2 * 0.25 + 4 * 0.5)
    assert result.metric("ready_again_s").value >= 1.0
    assert {a.status for a in result.analyzers.values()} == {"ok"} and result.run.pids == {}
    assert "extrapolated: the costs are declared: nobody has measured them" in result.warnings
    found = {(a.segments, a.reason) for a in result.analyzers.values()}
    assert found == {(None, "simulated: nothing was analyzed")}
    assert "0 ×" not in (folder / "here" / "report.html").read_text(encoding="utf-8")
    assert "– (predicted)" in (folder / "here" / "report.md").read_text(encoding="utf-8")
    assert not (folder / "here" / "segments").exists() or not list((folder / "here" / "segments").iterdir())
    for name in ("vlm_segments_per_second", "gpu_memory_residue", "energy_per_clip"):
        metric = result.metric(name)
        assert metric.value is None and metric.reason.startswith("simulated")
    quality = [m for m in result.metrics if m.name.startswith("quality.")]
    assert quality and all(m.value is None and not m.failed for m in quality)


def test_a_queue_on_a_machine_that_nobody_has(made):
    folder, done = made
    assert done["queue"].returncode == 0, done["queue"].stderr
    result = read_result(folder / "queue")
    assert (result.environment.cores_allowed, result.environment.memory_gb) == (16, 64)
    assert any(line.startswith("extrapolated: 16 cores") for line in result.warnings)
    assert any("speed is stated, not measured" in line for line in result.warnings)
    assert result.metric("throughput").value > 5
    assert "on the pretended machine cores_16" in done["plan"].stdout


@pytest.mark.parametrize("name", ["report.html", "report.md", "junit.xml", "trace.json", "terminal"])
def test_no_figure_of_a_simulated_run_is_shown_as_measured(made, name):
    folder, done = made
    run = read_result(folder / "here").run
    text = done["here"].stdout if name == "terminal" else (folder / "here" / name).read_text()
    shown = html.unescape(re.sub(r"<style.*?</style>|<script.*?</script>|<[^>]+>", " ", text, flags=re.S))
    if name in ("report.html", "report.md", "terminal"):
        assert "predicted: grouping=two_core" in shown
        assert re.search(r"predicted (pass|incomplete)", shown)
    else:
        assert "predicted" in text and "nothing ran" in text
    shown = shown.replace(formatting.prediction(run), "").replace("\n", " ")
    for line in read_result(folder / "here").warnings:
        shown = shown.replace(line, "")
    assert re.findall(r"(?<!not )(?<!could be )(?<!can be )measured", shown) == []


def test_a_comparison_says_so_and_never_mixes_both(made, tmp_path):
    folder, _ = made
    other = tmp_path / "other"
    other.mkdir()
    raw = json.loads((folder / "here" / "result.json").read_text())
    raw["run"]["simulated"]["machine"]["name"] = "another"
    (other / "result.json").write_text(json.dumps(raw | {"run": raw["run"] | {"id": "1"}}))
    sides = [candidates.load([folder / "here"])[0], candidates.load([other])[0]]
    found = comparison.compare(sides)
    for text in (page.render(found), markdown.render(found)):
        assert "predicted: 2 candidates compared" in text
        assert " measured target" not in text and "samples each" not in text
    assert {d.call for d in found.pairs.values()} == {"same"}
    assert all(side["predicted"] for side in data.as_json(found)["sides"])

    raw["run"]["simulated"] = None
    (other / "result.json").write_text(json.dumps(raw))
    with pytest.raises(InputError, match="simulated: "):
        comparison.compare([sides[0], candidates.load([other])[0]])


def test_a_machine_that_does_not_exist(made):
    assert "machine=hal does not exist" in refused(made[1]["unknown machine"])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("costs.store={folder}/none",), "plan.py costs"),
        (("costs.file={costs}", "only=[text_overlay]"), "has no costs of text_overlay"),
        (("costs.file={gpu}",), "are those on a GPU, and this plan has it on the CPU"),
        (
            ("costs.file={huge}", "machine=cores_16"),
            "memory_gb=64), and the workers of this plan need 200.5 GB",
        ),
        (("costs.file={costs}", "executor.like=spawn_poll"), "does not exist; did you mean spawn_pool?"),
        (("costs.file={costs}", "machine.cores=0"), "machine.cores=0 is out of range"),
        (("costs.file={costs}", "machine.gpus=2"), "add machine.gpu.memory_gb=80"),
        (("costs.file={costs}", "baseline=save"), "a prediction is no measurement"),
        (("costs.file={costs}", "calibrate=true"), "a simulation has none of"),
        (("costs.file={costs}", "resume=true", "scenario.warmup=0", "repeats=1"), "nothing to go on with"),
        (("executor=threads", "machine=h100"), "executor=threads runs on it; add executor=simulated"),
    ],
)
def test_what_is_refused_in_one_line(tmp_path, asked, said):
    files = {
        "folder": tmp_path,
        "costs": write_costs(tmp_path / "costs.json", *ONLY),
        "gpu": write_costs(tmp_path / "gpu.json", *ONLY, on_gpu=True),
        "huge": write_costs(tmp_path / "huge.json", *ONLY, memory_gb=50),
    }
    with pytest.raises(InputError) as refusal:
        cfg = config.compose(*SAME, *(each.format(**files) for each in asked))
        prepared = session.prepare(cfg, tmp_path / "run")
        (calibration if cfg.calibrate else baselines).check(prepared)
    assert said in str(refusal.value) and "\n" not in str(refusal.value)
