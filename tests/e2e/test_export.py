"""Exports at the prompt: after a run, and of folders."""

from __future__ import annotations

import json

import pytest

from tests.support.command_line import refused, run_forked
from tests.support.declared_costs import write_costs
from tests.support.exported_runs import measured, stored

SMALL = ("only=[color_analysis]", "scenario.repeats=1", "scenario.warmup=0", "progress=false")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """The words of a run that takes next to nothing: it is simulated."""
    costs = write_costs(tmp_path_factory.mktemp("costs") / "costs.json", "color_analysis")
    return ("only=[color_analysis]", "progress=false", "executor=simulated", f"costs.file={costs}")


def typed(*words, **variables):
    return run_forked(*words, command="export", **variables)


def test_a_run_exports_what_it_has_measured(simulated, tmp_path):
    done = run_forked(*SMALL, "export=openmetrics", f"hydra.run.dir={tmp_path / 'run'}")
    assert (done.returncode, done.stderr) == (0, "")
    path = tmp_path / "run" / "export" / "metrics.txt"
    assert str(path) in done.stdout
    value = json.loads((tmp_path / "run" / "result.json").read_text())["metrics"][1]["value"]
    assert f" {value!r}\n" in path.read_text()
    assert 'predicted="false"' in path.read_text() and 'predicted="true"' not in path.read_text()
    done = run_forked(*simulated, f"hydra.run.dir={tmp_path / 'run'}")
    assert done.returncode == 0 and not path.exists()  # it was of the run before


@pytest.mark.parametrize(("gate", "code"), [("report", 0), ("enforce", 3)])
def test_an_export_that_fails_changes_nothing_else(gate, code, simulated, tmp_path):
    (tmp_path / "export").touch()
    words = (f"gate={gate}", "+targets.limits.rtf_cold='< 0.001'", f"hydra.run.dir={tmp_path}")
    done = run_forked(*simulated, "export=openmetrics", *words)
    assert done.returncode == code
    (line,) = done.stderr.splitlines()
    assert (
        line.startswith("clipbench: export to openmetrics failed: FileExistsError") and "is complete" in line
    )
    assert json.loads((tmp_path / "result.json").read_text())["verdict"]
    assert (tmp_path / "report.html").exists()


SEARCH = ("scenario=server", "scenario.warmup=1", "scenario.latency_limit_s=9", "scenario.search=true")


@pytest.mark.parametrize("more", [("calibrate=true",), SEARCH])
def test_what_makes_several_runs_is_exported_afterwards(more, tmp_path):
    done = run_forked(*SMALL, "export=openmetrics", *more, f"hydra.run.dir={tmp_path / 'run'}")
    assert "FOLDER --to openmetrics" in refused(done)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("export=openmetric",), "export=openmetric does not exist; did you mean openmetrics?"),
        (("export.to=cvs",), "export: there is no cvs; did you mean csv?"),
    ],
)
def test_what_does_not_exist_is_refused_before_a_run(words, line, tmp_path):
    assert line in refused(run_forked(*SMALL, *words, f"hydra.run.dir={tmp_path / 'run'}"))


def test_folders_of_runs_each_once(tmp_path):
    runs = stored(tmp_path / "runs")
    places = (str(tmp_path / "runs"), str(runs[1].folder / "result.json"))
    done = typed(*places, "--to", "openmetrics", "--output", str(tmp_path / "out"))
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'out' / 'metrics.txt'}\n"), done.stderr
    text = (tmp_path / "out" / "metrics.txt").read_text()
    assert text.count("\nclipbench_rtf_warm{") == 2
    assert 'predicted="true",run="a-prediction"' in text


def test_a_run_that_cannot_be_read_is_named_and_the_others_exported(tmp_path):
    runs = stored(tmp_path)
    (runs[0].folder / "result.json").write_text("{}")
    done = typed(str(tmp_path), "--to", "openmetrics", "--output", str(tmp_path / "out"))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "run-0/result.json is not of schema" in line
    assert 'predicted="true"' in (tmp_path / "out" / "metrics.txt").read_text()


def test_an_export_that_fails_afterwards_exits_with_1(tmp_path):
    stored(tmp_path, measured())
    (tmp_path / "out").touch()
    done = typed(str(tmp_path), "--to", "openmetrics", "--output", str(tmp_path / "out"))
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1 and line.startswith("clipbench: export to openmetrics failed: ")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("nothing", "--to", "openmetrics"), "nothing has no run: there is no result.json in it"),
        (("docs", "--to", "openmetrics"), "docs has no run: there is no result.json in it"),
        (("docs", "--to", "openmetric"), "--to: there is no openmetric; did you mean openmetrics?"),
    ],
)
def test_what_the_command_refuses(words, line):
    assert line in refused(typed(*words))
