"""What may be written wrong about plans, machines and costs: a line with the fix, before anything runs."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import sys
from pathlib import Path

import pytest
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from rich.console import Console
from yaml import YAMLError

from clipbench.bench.errors import InputError
from clipbench.bench.planning import config, cost_store, ranges
from clipbench.bench.planning.auto import configured
from clipbench.bench.planning.config import Config, CostsConfig
from clipbench.bench.planning.config_errors import explain
from clipbench.commands import plan
from clipbench.commands.describe import describe
from tests.support.costs import task_named
from tests.support.declared_costs import write_costs

#: Numbers of these parts that any value will do for: dice, and one of a few that the scenario checks.
ANY = ("seed", "scenario.seed", "scenario.percentile")
#: The annotation of a number.
NUMBER = re.compile(r"(int|float)\b")
#: What is no number of cores, clips, seconds or anything else.
ODD = (-1.0, math.nan, math.inf, -math.inf, 1e300)


def places() -> list[tuple[object, str, dataclasses.Field]]:
    """Each number of the configuration that is checked in one place: its part, its dotted key, its field."""
    found = []
    for f in dataclasses.fields(Config):
        part = getattr(Config(), f.name)
        if f.name in ranges.LATER:
            continue
        inner = ranges.leaves(part, f"{f.name}.") if dataclasses.is_dataclass(part) else [(f.name, f, part)]
        found += [
            (key, each) for key, each, _ in inner if {"int", "float"} & set(str(each.type).split(" | "))
        ]
    return found


@pytest.mark.parametrize(("key", "f"), places(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_number_has_a_range_and_is_held_to_it(key, f):
    if key in ANY:
        return
    assert f.metadata.get("low") is not None and f.metadata.get("high") is not None, key
    for value in ODD:
        cfg = Config()
        cfg.machine.name = cfg.scenario.name = "none of those in conf"
        *way, leaf = key.split(".")
        part = cfg
        for name in way:
            part = getattr(part, name)
        setattr(part, leaf, value)
        with pytest.raises(InputError) as error:
            ranges.check(cfg)
        assert f"{leaf}={value:g} is out of range: it must be " in str(error.value)
        assert str(error.value).startswith((f"{key}=", "conf/"))


def test_the_defaults_are_in_their_ranges():
    ranges.check(Config())
    ranges.check(config.compose())


@pytest.fixture
def said(tmp_path, monkeypatch, capsys):
    """Calls `run.py plan=true` or `plan.py` with words: the one line that they are refused with.

    No search and no measuring begins.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(cost_store.VARIABLE, str(tmp_path / "store"))

    def began(*_: object) -> None:
        raise AssertionError("it was not refused")

    monkeypatch.setattr(configured, "find_grouping", began)
    monkeypatch.setattr("clipbench.bench.costing.measure.run", began)

    def call(command: str, *words: str) -> str:
        before = sorted(tmp_path.rglob("*"))
        if command == "run":
            with pytest.raises((InputError, HydraException, OmegaConfBaseException, YAMLError)) as error:
                describe(config.compose(*words), Console())
            line = str(error.value) if isinstance(error.value, InputError) else explain(error.value)
        else:
            monkeypatch.setattr(sys, "argv", ["plan.py", *words])
            assert plan.main() == 2
            line = capsys.readouterr().err.strip()
        assert "\n" not in line and line
        assert sorted(tmp_path.rglob("*")) == before
        return line

    return call


SERVER = ("scenario=server", "scenario.latency_limit_s=4")


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("scenario=server", "scenario.rate=-1"), "scenario.rate=-1 is out of range: it must be 0.000001 to"),
        ((*SERVER, "scenario.rate=1e308"), "scenario.rate=1e+308 is out of range: it must be 0.000001 to"),
        ((*SERVER,), "scenario=server requires the clips that arrive per second"),
        ((*SERVER, "scenario.arrivals=none.txt"), "scenario.arrivals: none.txt cannot be read"),
        (("scenario.rate=1",), "scenario.rate=1.0 is for clips that arrive: add scenario=server"),
        (("repeats=-1",), "repeats=-1 is out of range: it must be 0 to 1000000"),
        (("clip.chunk_s=nan",), "clip.chunk_s=nan is out of range: it must be 0.1 to 1000000"),
        (("clip.path=nothing.mp4",), "clip.path: there is no file nothing.mp4"),
        (("clip.truth=nothing.json",), "clip.truth: there is no file nothing.json"),
        (("targets.limits.rtf_warm=fast",), '"fast" is not a limit'),
        (("targets.minimum.repeats=-1",), "targets.minimum.repeats=-1 is out of range"),
        (("gate.mode=bla",), "gate.mode=bla does not exist"),
        (("machine.cores=0",), "machine.cores=0 is out of range: it must be 1 to 100000"),
        (("machine.gpu.speed=nan",), "machine.gpu.speed=nan is out of range"),
        (("machine.price_per_hour=-3",), "machine.price_per_hour=-3 is out of range"),
        (
            ("machine.cores=abc",),
            "machine.cores: Value 'abc' of type 'str' could not be converted",
        ),
        (("executor=simulated", "machine.gpus=4"), "machine.gpus=4, and there is no GPU here"),
        (("executor=simulated", "executor.like=bla"), "executor.like=bla does not exist"),
        (("executor=simulated", "resume=true", "repeats=1", "scenario.warmup=0"), "resume="),
        (("costs.file=none.json",), "costs.file: there is no file none.json; name a file that plan.py costs"),
        (("costs.file=''",), "costs.file: "),
        (("objective=speed",), "objective=speed "),
        (("objective=''",), "objective= "),
    ],
)
def test_wrong_words(said, command, words, line, monkeypatch):
    monkeypatch.setattr("clipbench.bench.probes.environment.gpus", tuple)
    assert line in said(command, *(("machine=here",) if command == "plan" else ()), *words)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("gpus=",), "gpus= is out of range: it must be 1 to 1024"),
        (("gpus=²",), "gpus=² is out of range"),
        (("machine=h100", "gpus=1,,2"), "gpus= is out of range"),
        (("machine=h100", f"gpus={'9' * 5000}"), "is out of range"),
        (("machine=h100,hal",), "machine=hal does not exist"),
        (("machine=here", "--write", "a/b"), "--write: a/b is no name for a grouping"),
        (("machine=here", "--write", ""), "--write:  is no name for a grouping"),
        (("machine=here", "--write", "two_core"), "--write: there is a grouping two_core already"),
        (("machine=here", *SERVER, "scenario.rate=1", "scenario.search=true"), "plan.py answers for one"),
        (("machine=here", "baseline=save"), "baseline=save: nothing is run here; leave it out"),
        (("machine=here", "faults=slow"), "faults=slow: nothing is run here; leave it out"),
        (("machine=here", "grouping.stages=true"), "grouping=auto: a search finds groups that wait for none"),
        (("machine=here", "grouping.groups.all.replicas=2"), "groups.all.replicas=2 is for a search to find"),
        (("costs", "executor=simulated"), "executor=simulated: costs are measured by running; leave it out"),
        (
            ("costs", "machine=cores_16"),
            "costs are measured on this machine (conf/machine/cores_16.yaml: cores=16); le",
        ),
        (("costs", "machine.cores=3"), "costs are measured on this machine (machine.cores=3); leave it out"),
        (("costs", "scenario.rate=nan"), "scenario.rate=nan is out of range"),
        (("costs", "clip.chunk_s=-1"), "clip.chunk_s=-1 is out of range"),
    ],
)
def test_wrong_words_of_plan(said, words, line):
    assert line in said("plan", *words)


@pytest.mark.parametrize("command", [("machine=here",), ("costs",)])
def test_a_report_that_could_not_be_written_is_refused_before_anything_is_done(said, command, tmp_path):
    (tmp_path / "file").touch()
    line = said("plan", *command, "--output", "file/out")
    assert f"--output: file/out cannot be written to ({tmp_path / 'file'} is no folder)" in line


MACHINE = "name: odd\ncores: 4\nmemory_gb: 8\ngpus: 0\n"


@pytest.mark.parametrize(
    ("content", "words", "line"),
    [
        (MACHINE.replace("cores: 4", "cores: -4"), (), "conf/machine/mine.yaml: cores=-4 is out of range"),
        (MACHINE.replace("8", "1e-9"), (), "conf/machine/mine.yaml: memory_gb=1e-09 is out of range"),
        (MACHINE + "gpu: {speed: .nan}\n", (), "conf/machine/mine.yaml: gpu.speed=nan is out of range"),
        (MACHINE + "gpu: {speed: 0}\n", (), "conf/machine/mine.yaml: gpu.speed=0 is out of range"),
        (MACHINE, ("machine.cores=-4",), "machine.cores=-4 is out of range"),
        (
            MACHINE.replace("cores: 4", "cores: many"),
            (),
            "conf/machine/mine.yaml: machine.cores: Value 'many'",
        ),
        (
            MACHINE.replace("cores", "core"),
            (),
            "no key machine.core in the configuration; did you",
        ),
        (MACHINE, (), "machine=odd: conf/machine/mine.yaml: cores=4 is not that of this machine"),
        ("[", (), "a file is no YAML: "),
        ("", (), "machine.name is missing"),
    ],
)
def test_the_file_of_a_machine_is_named(said, tmp_path, content, words, line):
    (tmp_path / "conf" / "machine").mkdir(parents=True)
    (tmp_path / "conf" / "machine" / "mine.yaml").write_text(content)
    assert line in said("run", "machine=mine", *words)


def changed(path: Path, keys: str, value: object) -> None:
    """The file of costs with another value at these keys, which are joined with dots."""
    raw = json.loads(path.read_text())
    *way, leaf = keys.split(".")
    part = raw
    for key in way:
        part = part[key]
    part[leaf] = value
    path.write_text(json.dumps(raw))


@pytest.mark.parametrize(
    ("keys", "value", "reason"),
    [
        ("schema", 9, "it is of schema 9, this version of clipbench reads 1"),
        ("schema", "1", "it is of schema 1, this version"),
        ("costs", None, "it is no mapping with costs"),
        ("costs", [1], "it is no mapping with costs"),
        ("costs.analyzers", [], "costs.analyzers is [], not dict"),
        ("costs.cores", 0, "costs.cores is 0, and must be 1 or more"),
        ("costs.cores", 1.5, "costs.cores is 1.5, not int"),
        ("costs.analyzers.body_pose.work.host.per_s", -5, "per_s is -5, and must be a number from 0 on"),
        (
            "costs.analyzers.body_pose.work.host.per_s",
            math.nan,
            "per_s is nan, and must be a number from 0",
        ),
        ("costs.analyzers.body_pose.load_s", math.inf, "load_s is inf, and must be a number from 0 on"),
        ("costs.analyzers.body_pose.work.parallel", 2, "parallel is 2, and must be 0 to 1"),
        ("costs.analyzers.body_pose.work.host.per_s", "much", "per_s is 'much', not float"),
    ],
)
@pytest.mark.parametrize("own", [True, False])
def test_a_file_of_costs_that_is_wrong_is_named_with_what_is_wrong(tmp_path, keys, value, reason, own):
    tasks = [task_named("body_pose")]
    cfg = CostsConfig(store=str(tmp_path))
    path = write_costs(cost_store.path_of(cfg, "embedded", cost_store.environment.describe()), "body_pose")
    changed(path, keys, value)
    with pytest.raises(InputError) as error:
        cost_store.find(CostsConfig(file=str(path)) if own else cfg, "embedded", tasks)
    begin = f"costs.{'file' if own else 'store'}: {path} holds no costs: "
    assert str(error.value).startswith(begin) and reason in str(error.value)
    fix = (
        "; name a file that plan.py costs wrote, or leave it out" if own else "; delete it, and measure them"
    )
    assert fix in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("costs.json", "", "it is no JSON"),
        ("costs.json", "hello {", "it is no JSON"),
        ("costs.json", "[" * 100_000, "it is no JSON"),
        ("costs.json", "{}", "it is no mapping with costs"),
        ("costs.json", "7", "it is no mapping with costs"),
        ("costs.json", '{"costs": {}}', "it has no schema"),
        ("costs.json", '{"schema": 1, "costs": {}}', "it has no profiles"),
        ("costs.yaml", "", "it is no mapping with costs"),
        ("costs.yaml", "a: [1", "it is no YAML"),
    ],
)
def test_a_file_that_holds_no_costs_is_refused_with_why(tmp_path, name, content, reason):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError) as error:
        cost_store.find(CostsConfig(file=str(tmp_path / name)), "embedded", [])
    assert f"costs.file: {tmp_path / name} holds no costs: {reason}" in str(error.value)


def test_a_store_is_a_folder_and_a_file_no_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=f"costs.store: {tmp_path / 'file'} is a file; name a folder"):
        cost_store.find(CostsConfig(store=str(tmp_path / "file")), "embedded", [])
    with pytest.raises(InputError, match=f"costs.file: {tmp_path} is a folder; name a file"):
        cost_store.find(CostsConfig(file=str(tmp_path)), "embedded", [])


def test_a_grouping_that_fits_on_no_machine_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    costs = write_costs(tmp_path / "costs.json", "cut_analysis", memory_gb=500.0)
    words = ["machine=cores_16,here", "machine.memory_gb=3", "only=[cut_analysis]", f"costs.file={costs}"]
    monkeypatch.setattr(sys, "argv", ["plan.py", *words, f"costs.store={tmp_path}", "progress=false"])
    assert plan.main() == 2
    line = capsys.readouterr().err.strip()
    assert "\n" not in line and "machine=cores_16: no grouping fits into 3 GB" in line
    assert [each.name for each in tmp_path.iterdir()] == ["costs.json"]
