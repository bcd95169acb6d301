"""From the command line to the jobs of a sweep: what Hydra's grammar makes of it, and what is refused."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from clipbench.bench.enough import ENOUGH_PAIRS
from clipbench.bench.errors import InputError
from clipbench.bench.sweeping.hydra_sweeper import InterleavedSweeper, expand
from clipbench.bench.sweeping.sweep import Sweep
from clipbench.commands import run
from tests.support.command_line import PROJECT
from tests.support.declared_costs import write_costs


def planned(monkeypatch, *arguments: str) -> Sweep:
    """The sweep that `python run.py -m` with these arguments would conduct."""
    found: list[Sweep] = []
    monkeypatch.setattr(sys, "argv", ["run.py", "-m", *arguments])
    monkeypatch.setattr(run, "conduct", lambda sweep: found.append(sweep) or 0)
    monkeypatch.chdir(PROJECT)
    assert run.main() == 0
    return found[0]


def test_jobs_are_the_product_of_the_choices(tmp_path, monkeypatch):
    made = planned(
        monkeypatch, "executor=glob(s*,exclude=simulated)", "executor.threads=range(2,3)", "seed=choice(7)",
        "repeats=9",
        "models.color_analysis.fps=2", "progress=false", "hydra.sweeper.rounds=3",
        "hydra.sweeper.order=shuffled", "hydra.sweeper.budget_s=90", f"hydra.sweep.dir={tmp_path}/sweep",
        "only=[color_analysis]",
    )  # fmt: skip
    assert [job.name for job in made.jobs] == [
        f"executor={name},executor.threads=2,seed=7" for name in ("sequential", "spawn_pool")
    ]
    assert made.jobs[1].overrides == (
        "executor=spawn_pool", "executor.threads=2", "seed=7", "models.color_analysis.fps=2",
        "only=[color_analysis]",
    )  # fmt: skip
    assert made.jobs[1].settings["executor"]["threads"] == 2
    assert (made.rounds, made.repeats, made.order, made.seed, made.progress) == (3, 9, "shuffled", 7, False)
    assert made.folder == tmp_path / "sweep" and made.budget_s == 90.0
    assert "commands/run.py" in made.code and "clip.sha256" in made.jobs[0].key
    words = [word for word in sys.argv if not word.startswith("hydra.sweep.dir=")]
    python = Path(sys.executable).name
    assert made.resumption == shlex.join([python, *words, f"hydra.sweep.dir={tmp_path}/sweep"])


def test_too_few_repeats_are_said_before_the_sweep(tmp_path, monkeypatch):
    sweep = ("executor=sequential,threads", "only=[color_analysis]", f"hydra.sweep.dir={tmp_path}/sweep")
    few = ENOUGH_PAIRS - 1
    (note,) = planned(monkeypatch, *sweep, f"repeats={few}").notes
    assert note == f"repeats={few} cannot show any difference: that requires {ENOUGH_PAIRS} or more"
    assert planned(monkeypatch, *sweep, f"repeats={ENOUGH_PAIRS}").notes == []
    queue = (*sweep, "scenario=offline", f"repeats={ENOUGH_PAIRS}")
    (note,) = planned(monkeypatch, *queue, "hydra.sweeper.rounds=1").notes
    assert note.startswith("a queue of clips in hydra.sweeper.rounds=1 cannot show any difference")
    assert planned(monkeypatch, *queue).notes == []


def test_configuration_files_from_outside_reach_the_child(tmp_path, monkeypatch):
    (tmp_path / "grouping").mkdir()
    text = "name: mine\ngroups: {all: {analyzers: ['*']}}\n"
    (tmp_path / "grouping" / "mine.yaml").write_text(text)
    here = f"hydra.sweep.dir={tmp_path}/sweep"
    (job,) = planned(monkeypatch, f"--config-dir={tmp_path}", "grouping=mine", "seed=choice(1)", here).jobs
    assert job.overrides == (f"--config-dir={tmp_path}", "grouping=mine", "seed=1")
    assert job.settings["grouping"]["name"] == "mine" and job.name == "seed=1"


def test_what_comes_to_the_same_is_measured_once(tmp_path, monkeypatch):
    made = planned(monkeypatch, "executor.threads=1,1", f"hydra.sweep.dir={tmp_path}/sweep")
    assert [job.name for job in made.jobs] == ["executor.threads=1"]
    assert made.notes == [
        "executor.threads=1-2 is the same configuration as executor.threads=1, and left out",
        f"repeats=auto: the jobs of a sweep take turns, so each is measured {ENOUGH_PAIRS} times, as many "
        "pairs as a call takes",
    ]
    assert made.rounds == made.repeats == ENOUGH_PAIRS


REFUSED = {
    "grouping=staged,optimised": "grouping=optimised does not exist; did you mean optimized?",
    "models.color_analysis.fps=2,0": "models.color_analysis.fps=0 is out of range",
    "gropuing=staged,optimized": "did you mean grouping?",
    "repeats=3,4": "all have the same repeats",
    "hydra.sweeper.rounds=two": "hydra.sweeper.rounds: Value 'two'",
    "clip.path=clips/reference.mp4,nothing.mp4": "nothing.mp4",
    "profile=python": "profile=python: a sweep only measures",
}


def test_settings_of_the_sweeper_are_in_range():
    def refusal(
        repeats: int,
        rounds: int | None = None,
        order: str = "fixed",
        timeout_s: float = 1.0,
        budget_s: float | None = None,
    ) -> str:
        with pytest.raises(InputError) as refused:
            InterleavedSweeper(rounds, order, timeout_s, budget_s).rounds_of(repeats)
        return str(refused.value)

    assert refusal(0) == "scenario.repeats=0 is out of range: a sweep requires 1 or more"
    assert refusal(3, rounds=4).startswith("hydra.sweeper.rounds=4 is out of range: the 3 repeats are shared")
    assert refusal(3, rounds=0).startswith("hydra.sweeper.rounds=0 is out of range")
    assert refusal(3, order="random").endswith(
        "order=random does not exist; write alternating, fixed or shuffled"
    )
    assert refusal(3, budget_s=0) == "hydra.sweeper.budget_s=0 is out of range: it must be above 0"
    assert refusal(3, timeout_s=-1) == "hydra.sweeper.timeout_s=-1 is out of range: it must be above 0"


class Loader:
    """Of Hydra's configuration loader, what tells the choices in a group."""

    def get_group_options(self, group, results_filter):
        return [path.stem for path in (PROJECT / "conf" / group).glob("*.yaml")]


def expanded(*arguments: str) -> list:
    return expand(OverridesParser.create(config_loader=Loader()).parse_overrides(list(arguments)))


@pytest.mark.parametrize("argument", ["seed=interval(0,1)", "executor=glob(x*)"])
def test_a_choice_of_nothing_is_refused(argument):
    with pytest.raises(InputError, match=re.escape(argument)):
        expanded(argument)


def test_the_documented_sweeps_are_so_many_jobs():
    page = (PROJECT / "docs" / "sweeping.md").read_text()
    lines = re.findall(r"^python run.py -m (.*?)(?:   .*)?$", page, re.MULTILINE)
    groupings = len(Loader().get_group_options("grouping", None)) - 1  # all but auto
    assert [len(expanded(*shlex.split(line))) for line in lines] == [6, 2, 4, groupings, 2]


@pytest.mark.parametrize("argument", REFUSED)
def test_a_mistake_in_any_job_is_refused_before_one_runs(argument, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        sys, "argv", ["run.py", "-m", "only=[color_analysis]", argument, f"hydra.sweep.dir={tmp_path}/s"]
    )
    monkeypatch.setattr(run, "conduct", lambda sweep: pytest.fail("it was started"))
    monkeypatch.chdir(PROJECT)
    assert run.main() == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("clipbench: ") and REFUSED[argument] in line
    assert not (tmp_path / "s" / "sweep.json").exists()


def test_what_a_glob_chose_and_cannot_be_swept_is_left_out_and_said(tmp_path, monkeypatch):
    same = ("only=[color_analysis]", "progress=false", "repeats=9", f"hydra.sweep.dir={tmp_path}/sweep")
    no_costs = ("grouping=glob(*)", "executor=sequential", f"costs.store={tmp_path}/none")
    made = planned(monkeypatch, *no_costs, *same)
    assert len(made.notes) >= 1 and made.notes[0].startswith("left out of grouping: job grouping=auto: ")
    assert "grouping=auto" not in {job.name for job in made.jobs} and made.jobs
    costs = write_costs(tmp_path / "costs.json", "color_analysis")
    made = planned(monkeypatch, "executor=glob(s*)", f"costs.file={costs}", *same)
    assert [job.name for job in made.jobs] == ["executor=sequential", "executor=spawn_pool"]
    (note,) = made.notes
    assert note.startswith("executor=simulated is left out: predictions are not compared")


def test_what_is_wrong_with_what_was_typed_is_refused_beside_a_glob_too(tmp_path, monkeypatch, capsys):
    typed = ("executor=glob(s*)", "only=choice([color_analysis],[colour_analysis])")
    monkeypatch.setattr(sys, "argv", ["run.py", "-m", *typed, f"hydra.sweep.dir={tmp_path}/sweep"])
    monkeypatch.chdir(PROJECT)
    assert run.main() == 2
    assert "there is no analyzer colour_analysis" in capsys.readouterr().err
