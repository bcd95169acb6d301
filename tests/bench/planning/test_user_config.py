"""What a user adds in the working directory: clipbench.yaml, conf/, and plugins on the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clipbench import plugins
from clipbench.bench.errors import InputError
from clipbench.bench.planning.config import compose, register
from clipbench.bench.planning.help import help_text
from clipbench.bench.planning.plan import make_plan
from clipbench.bench.planning.user_config import with_user_config
from tests.support.command_line import PROJECT

ANALYZER = """
from dataclasses import dataclass
from clipbench.analyzers.base import Analyzer, Segment, Settings, setting

@dataclass
class LoudnessSettings(Settings):
    window_s: float = setting(1.0, "length of a window", low=0.1, high=10)

class Loudness(Analyzer):
    name = "loudness"
    settings_type = LoudnessSettings

    def analyze(self, clip, upstream):
        return [Segment(0.0, clip.duration_s, "loud")]
"""
GROUPING = "name: mine\ngroups:\n  all: {analyzers: [loudness, cut_analysis]}\n"


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A working directory with a plugin and a grouping of the user's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(plugins.VARIABLE, "")
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "conf" / "grouping").mkdir(parents=True)
    (tmp_path / "conf" / "grouping" / "mine.yaml").write_text(GROUPING)
    (tmp_path / "user_config_parts.py").write_text(ANALYZER)
    yield tmp_path
    sys.modules.pop("user_config_parts", None)


def composed(*arguments: str):
    return compose(*with_user_config(arguments))


def test_a_grouping_of_ones_own_runs_what_it_names(here):
    cfg = composed("plugins=[user_config_parts.py]", "grouping=mine", "models.loudness.window_s=2")
    assert [task.analyzer for task in make_plan(cfg).tasks()] == ["loudness", "cut_analysis"]
    assert cfg.models.of("loudness").window_s == 2.0


def test_the_file_has_defaults_that_the_command_line_overrides(here):
    (here / "clipbench.yaml").write_text(
        "plugins: [user_config_parts.py]\n"
        "grouping: mine\n"
        "scenario: {repeats: 7, warmup: 2}\n"
        "models.loudness.window_s: 3\n"
        "only: [loudness]\n"
        "targets.limits.rtf_cold: '< 9'\n"
        "clip.path: 'a clip, with ''quotes''.mp4'\n"
    )
    cfg = composed("scenario.repeats=1")
    assert (cfg.grouping.name, cfg.only, cfg.models.of("loudness").window_s) == ("mine", ["loudness"], 3.0)
    assert (cfg.scenario.repeats, cfg.scenario.warmup) == (1, 2)
    assert cfg.targets.limits["rtf_cold"] == "< 9"
    assert cfg.clip.path == "a clip, with 'quotes'.mp4"
    assert composed("grouping=two_core").grouping.name == "two_core"


def test_a_second_reading_of_the_file_changes_nothing(here):
    (here / "clipbench.yaml").write_text("scenario: {repeats: 7}\n")
    once = with_user_config(["-m", "executor=threads,sequential"])
    assert once == ["-m", "scenario.repeats=7", "executor=threads,sequential"]
    assert with_user_config(once) == once


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("scenario: {repeets: 7}", "no key scenario.repeets in the configuration; did you mean repeats?"),
        ("gruoping: mine", "no key gruoping in the configuration; did you mean grouping?"),
        ("plugins: {parts.py: 1}", "plugins must be a list"),
        ("- plugins", "must be a mapping"),
        ("a: b: c", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used(here, text, line):
    (here / "clipbench.yaml").write_text(text)
    with pytest.raises(InputError) as refused:
        with_user_config([])
    assert line in str(refused.value) and "clipbench.yaml" in str(refused.value)


def test_a_choice_with_the_name_of_a_built_in_one_names_both_files(here):
    (here / "conf" / "grouping" / "optimized.yaml").write_text(GROUPING)
    with pytest.raises(InputError) as refused:
        with_user_config([])
    assert str(refused.value).count("grouping/optimized.yaml") == 2


def test_help_lists_what_is_the_users_own(here):
    text = help_text(["--help", "plugins=[user_config_parts.py]"])
    own = text.partition("Yours")[2]
    assert "analyzers: loudness" in own and "grouping: mine" in own
    assert "sigkill" in text.partition("faults: ")[2].splitlines()[0]


def test_every_fault_can_be_chosen():
    register()
    assert compose("faults=no_load", "faults.analyzer=text_overlay").faults.kind == "no_load"
    assert compose().faults.kind is None


@pytest.mark.parametrize(
    ("grouping", "line"),
    [
        (
            GROUPING.replace("name:", "nmae:"),
            "conf/grouping/mine.yaml: no key grouping.nmae in the configuration; did you mean name?",
        ),
        (GROUPING.replace("name: mine\n", ""), "grouping.name is missing; add it to the file that you chose"),
        (
            GROUPING.replace("loudness", "loudnes"),
            "mine.yaml: groups.all.analyzers: there is no analyzer loudnes; did you mean loudness?",
        ),
        ("name: mine\ngroups: {all: {analyzers: []}}\n", "its groups have no analyzers; name some"),
    ],
)
def test_a_wrong_grouping_is_told_in_one_line(here, grouping, line):
    (here / "conf" / "grouping" / "mine.yaml").write_text(grouping)
    done = subprocess.run(
        [sys.executable, "-m", "clipbench", "plugins=[user_config_parts.py]", "grouping=mine", "plan=true"],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert line in done.stderr


@pytest.mark.parametrize(
    ("machine", "line"),
    [
        ("name: mine\ncores: [\n", 'machine/mine.yaml", line 3, column 1; mend it'),
        ("- mine\n", "conf/machine/mine.yaml: it must be a mapping with the keys name, cores"),
        (
            "name: mine\ngpu: 3\n",
            "conf/machine/mine.yaml: gpu must be a mapping with the keys name, memory_gb",
        ),
        ("cores: 4\n", "machine.name is missing; add it to the file that you chose"),
        ("name: mine\ncores: many\n", "conf/machine/mine.yaml: machine.cores: Value 'many'"),
    ],
)
def test_a_wrong_machine_is_told_in_one_line(here, machine, line):
    (here / "conf" / "machine").mkdir()
    (here / "conf" / "machine" / "mine.yaml").write_text(machine)
    for program in ("run", "plan"):
        done = subprocess.run(
            [sys.executable, str(PROJECT / f"{program}.py"), "machine=mine", "executor=simulated"],
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            capture_output=True,
            text=True,
        )
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
        assert line in done.stderr


@pytest.mark.parametrize("flag", ["-v", "--verbose"])
def test_a_flag_is_short_for_a_key(here, flag):
    assert composed("seed=1", flag, "only=cut_analysis").verbose
    assert not composed("seed=1").verbose
