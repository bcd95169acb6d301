"""Sweeps: turns in their order, failures that cost only themselves, going on after an end at any moment."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf
from rich.console import Console

from clipbench.bench.comparing import comparison
from clipbench.bench.comparing.statistics import MIN_PAIRS
from clipbench.bench.errors import Exit, InputError
from clipbench.bench.runs import child_run as turn
from clipbench.bench.runs import storage
from clipbench.bench.runs.child_run import Turn
from clipbench.bench.runs.results import TargetResult
from clipbench.bench.sweeping import sweep, verdict
from clipbench.bench.sweeping.hydra_sweeper import InterleavedSweeper, expand
from clipbench.bench.sweeping.sweep import Job, Sweep
from clipbench.commands import run
from clipbench.reports.formatting import long_duration
from clipbench.reports.live.sweep_progress import sweep_progress
from tests.e2e.test_command_line import PROJECT
from tests.support.clips import numbered_frames, write_clip
from tests.support.fakes import FAKES
from tests.support.runs import a_result, missing_target, without

#: A run.py that takes a moment, does what it is told by does= or by the environment, and leaves a result.
CHILD = """
import json, os, pathlib, signal, subprocess, sys, time
said = dict(word.split("=", 1) for word in sys.argv[1:])
folder = pathlib.Path(said["hydra.run.dir"].strip("'"))
journal = open(os.environ["JOURNAL"], "a")
print(said["executor"], folder.name, said["repeats"], file=journal, flush=True)
time.sleep(float(os.environ.get("CHILD_S", 0)))
does = "die" if said["executor"] == os.environ.get("DIES") else said.get("does")
if does == "die":
    os.kill(os.getpid(), signal.SIGKILL)
elif does == "refuse":
    print("clipbench: there is no such clip", file=sys.stderr)
    sys.exit(2)
elif does == "hang":
    below = subprocess.Popen(["sleep", "600"])
    print(below.pid, file=journal, flush=True)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)
elif does == "vary":
    sys.exit(f"failure at {time.monotonic_ns()}")
elif does == "nothing":
    sys.exit(0)
result = json.loads(os.environ["RESULT"])
result["run"] |= {"id": str(os.getpid()), "executor": said["executor"]}
(folder / "result.json").write_text(json.dumps(result))
sys.exit(int(said.get("exit", 0)))
"""


@pytest.fixture
def child(tmp_path, monkeypatch):
    """Let turns run CHILD instead of run.py; gives what reads the journal of the turns taken."""
    (tmp_path / "child.py").write_text(CHILD)
    monkeypatch.setattr(turn, "COMMAND", (sys.executable, str(tmp_path / "child.py")))
    monkeypatch.setenv("RESULT", json.dumps(dataclasses.asdict(a_result([1.5]))))
    monkeypatch.setenv("JOURNAL", str(tmp_path / "journal"))
    monkeypatch.setattr(sweep, "code", lambda: {"run.py": "1"})
    (tmp_path / "journal").touch()
    return lambda: (tmp_path / "journal").read_text().splitlines()


class Notes:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.begun, self.done, self.dropped = [], [], {}

    def began(self, number, of, job, round_, left_s):
        self.begun.append((number, of, job, round_, left_s))

    def ended(self, turn):
        self.done.append(turn)

    def gave_up(self, job, reason):
        self.dropped[job] = reason


def a_sweep(folder: Path, *does: str, rounds: int = 3, repeats: int = 3, **options) -> Sweep:
    """Jobs A, B, C …, each of which does what it is told."""
    gate = {"mode": "enforce", "require": list(options.pop("require", ()))}
    minimum = {"analyzers": 2, "repeats": 2, "seconds": 20} | options.pop("minimum", {})
    config = {"seed": 0, "gate": gate, "targets": {"minimum": minimum}}
    jobs = [
        Job(name, (f"executor={name}", what if "=" in what else f"does={what}"), config)
        for name, what in zip("ABCDEF", does, strict=False)
    ]
    settings = {"order": "fixed", "seed": 0, "timeout_s": 60.0, "identity": {"code": {"run.py": "1"}}}
    return Sweep(folder, jobs, rounds, repeats, command=["python", "run.py", "-m"], **settings | options)


def order(of: Sweep) -> list[str]:
    return [f"{job.name}{number}" for number, job in of.schedule()]


def test_the_jobs_take_turns(tmp_path, child):
    three = a_sweep(tmp_path / "s", "well", "well", "well")
    assert order(three) == ["A1", "B1", "C1", "A2", "B2", "C2", "A3", "B3", "C3"]
    three.run(notes := Notes())
    assert child() == [f"{name} {number} 1" for number in (1, 2, 3) for name in "ABC"]
    assert [(b[0], b[1], b[2], b[3]) for b in notes.begun[:2]] == [(1, 9, "A", 1), (2, 9, "B", 1)]
    assert notes.begun[0][4] is None and notes.begun[8][4] > 0
    state = json.loads((tmp_path / "s" / "sweep.json").read_text())
    assert state["complete"] and [j["done"] for j in state["jobs"]] == [3, 3, 3]
    assert {t["value"] for t in state["turns"]} == {1.5}


def test_a_shuffled_order_has_every_job_once_a_round_and_is_the_seed_s(tmp_path):
    def rounds(seed: int) -> list[list[str]]:
        names = order(a_sweep(tmp_path, *["well"] * 6, rounds=9, repeats=9, order="shuffled", seed=seed))
        return [[name[0] for name in names[at : at + 6]] for at in range(0, 54, 6)]

    assert all(sorted(names) == list("ABCDEF") for names in rounds(1))
    assert len({"".join(names) for names in rounds(1)}) > 1
    assert rounds(1) == rounds(1) != rounds(2)


def test_repeats_are_shared_out_over_the_rounds(tmp_path, child):
    a_sweep(tmp_path / "s", "well", rounds=3, repeats=8).run(Notes())
    assert child() == ["A 1 3", "A 2 3", "A 3 2"]


def test_a_failing_job_is_given_up_and_costs_only_itself(tmp_path, child):
    five = a_sweep(tmp_path / "s", "die", "refuse", "well", "nothing", "vary", rounds=4, repeats=4)
    five.run(notes := Notes())
    assert set(notes.dropped) == {"A", "B", "D"}
    reasons = {t.job: t.reason for t in notes.done}
    assert reasons["A"] == "it was ended by SIGKILL"
    assert reasons["B"] == "exit code 2: there is no such clip"
    assert reasons["D"].startswith("exit code 0: ") and "result.json" in reasons["D"]
    assert reasons["E"].startswith("exit code 1: failure at")
    assert [len(five.of(name)) for name in "ABCDE"] == [2, 2, 4, 2, 4]
    state = json.loads((tmp_path / "s" / "sweep.json").read_text())
    assert [j["done"] for j in state["jobs"]] == [0, 0, 4, 0, 0] and state["complete"]
    assert state["jobs"][0]["given_up"] == "it failed 2 times in a row: it was ended by SIGKILL"
    assert "no such clip" in (tmp_path / "s" / "B" / "1" / "log.txt").read_text()


def test_what_hangs_is_ended_with_all_it_started(tmp_path, child, monkeypatch):
    monkeypatch.setattr(turn, "GRACE_S", 0.2)
    one = a_sweep(tmp_path / "s", "hang", rounds=1, repeats=1, timeout_s=1.0)
    one.run(notes := Notes())
    assert notes.done[0].reason == "it took longer than hydra.sweeper.timeout_s=1"
    assert gone(int(child()[1]))


def gone(pid: int, within_s: float = 10.0) -> bool:
    """Whether a process ends in time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def test_a_verdict_is_no_failure_to_measure_and_a_crash_is(tmp_path, child):
    four = a_sweep(tmp_path / "s", "exit=3", "exit=5", "exit=1", "exit=2", rounds=1, repeats=1)
    four.run(Notes())
    assert [four.of(name)[0].state for name in "ABCD"] == ["done", "done", "failed", "failed"]


def test_the_exit_code_is_about_all_turns_of_all_jobs(tmp_path, child, monkeypatch):
    def code(name: str, *does: str, **options) -> Exit:
        one = a_sweep(tmp_path / name, *does, **options)
        one.run(Notes())
        sides = comparison.load([tmp_path / name])
        made = comparison.compare(sides) if any(side.runs for side in sides) else None
        found, lines = verdict.verdict(one.jobs, made)
        reasons[name] = "; ".join(lines)
        return found

    reasons: dict[str, str] = {}
    assert code("kept", "well", "well") == Exit.OK and reasons["kept"] == ""
    assert code("absent", "well", require=["gpu_utilization"]) == Exit.TARGET_MISSED
    assert reasons["absent"] == "A: required, but not measured: gpu_utilization"
    assert code("one", "well", "die") == Exit.NOTHING_VALID and reasons["one"] == "B: it has given nothing"
    assert code("none", "die") == Exit.NOTHING_VALID
    # Three turns of one repeat of 15 s, with two analyzers: all together it is enough, or is not.
    for key, least, of in (("analyzers", 20, 2), ("repeats", 4, 3), ("seconds", 46, 45)):
        assert code(key, "well", minimum={key: least}) == Exit.NOTHING_VALID
        assert reasons[key] == f"A: too little was measured: {of} of {least} {key}"
    stand_in = TargetResult("quality.text.recall", ">=", 0.8, None, "", "not_measured", "a stand-in")
    result = dataclasses.replace(a_result([1.5]), targets=[stand_in])
    monkeypatch.setenv("RESULT", json.dumps(dataclasses.asdict(result)))
    assert code("unknown", "well") == Exit.NOTHING_VALID and reasons["unknown"] == "A: no target was measured"
    assert code("stand-in", "well", require=["quality.text.recall"]) == Exit.TARGET_MISSED
    result = missing_target(a_result([1.5]))
    monkeypatch.setenv("RESULT", json.dumps(dataclasses.asdict(result)))
    assert code("missed", "well", "well") == Exit.TARGET_MISSED


def test_analyzers_that_all_fail_are_no_fast_run(tmp_path, child, monkeypatch):
    result = without(without(a_result([1.5]), "text"), "cuts")
    monkeypatch.setenv("RESULT", json.dumps(dataclasses.asdict(result)))
    one = a_sweep(tmp_path / "s", "well", rounds=1, repeats=1)
    one.run(Notes())
    assert (one.of("A")[0].state, one.of("A")[0].reason) == ("failed", "no analyzer succeeded")


def test_what_was_printed_is_shown_without_its_control_characters(tmp_path):
    (tmp_path / "log.txt").write_bytes(b"\x1b[31mfirst\nclipbench: \x1b[2Jred\xff \x07\nTraceback\n")
    assert turn.last_line(tmp_path / "log.txt") == "[2Jred\ufffd "
    (tmp_path / "log.txt").write_text("\n\n")
    assert turn.last_line(tmp_path / "log.txt") == "it said nothing"


def test_finished_turns_are_not_taken_again(tmp_path, child):
    a_sweep(tmp_path / "s", "well", "die").run(Notes())
    taken = child()
    a_sweep(tmp_path / "s", "well", "die").run(notes := Notes())
    assert child() == taken and notes.begun == []
    (tmp_path / "s" / "A" / "2").rename(tmp_path / "thrown_away")
    a_sweep(tmp_path / "s", "well", "die").run(Notes())
    assert child() == [*taken, "A 2 1"]


def test_another_sweep_in_the_folder_is_refused_with_what_differs(tmp_path, child):
    a_sweep(tmp_path / "s", "well").run(Notes())
    taken = child()
    identity = {"code": {"run.py": "2", "new.py": "3"}}
    other = a_sweep(tmp_path / "s", "well", identity=identity, order="shuffled")
    with pytest.raises(InputError, match="another sweep") as refused:
        other.run(Notes())
    for word in ('order: "fixed" → "shuffled"', 'code.run.py: "1" → "2"', 'code.new.py: none → "3"'):
        assert word in str(refused.value)
    assert child() == taken


def test_memory_may_differ_as_much_as_a_kernel_keeps(tmp_path, child):
    def of(memory: float) -> Sweep:
        return a_sweep(
            tmp_path / "s", "well", identity={"code": {"run.py": "1"}, "machine": {"memory_gb": memory}}
        )

    of(25.3).run(Notes())
    of(25.4).run(Notes())
    with pytest.raises(InputError, match=r"machine.memory_gb: 25.4 → 50.6"):
        of(50.6).run(Notes())


def test_code_that_changes_meanwhile_ends_the_sweep(tmp_path, child, monkeypatch):
    class Editor(Notes):
        def ended(self, turn):
            monkeypatch.setattr(sweep, "code", lambda: {"run.py": "2"})

    with pytest.raises(InputError, match=r'code has changed .*code.run.py: "1" → "2".*hydra.sweep.dir='):
        a_sweep(tmp_path / "s", "well").run(Editor())
    monkeypatch.setattr(sweep, "code", lambda: {"run.py": "1"})
    a_sweep(tmp_path / "s", "well").run(Notes())
    assert child() == ["A 1 1", "A 2 1", "A 3 1"]


def test_many_differences_are_not_all_listed(tmp_path, child):
    code = {"code": {"run.py": "1"}}
    a_sweep(tmp_path / "s", "well", identity=code | {"n": dict.fromkeys("abcdefghij", 1)}).run(Notes())
    with pytest.raises(InputError, match="and 4 more"):
        a_sweep(tmp_path / "s", "well", identity=code | {"n": dict.fromkeys("abcdefghij", "x" * 50)}).run(
            Notes()
        )


def test_a_folder_with_something_else_and_one_in_use_are_refused(tmp_path, child):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InputError, match="is not empty and holds no sweep"):
        a_sweep(tmp_path, "well").run(Notes())
    with sweep.locked(tmp_path / "s"), pytest.raises(InputError, match="another process is at the sweep"):
        a_sweep(tmp_path / "s", "well").run(Notes())
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "sweep.json").write_text("{")
    with pytest.raises(InputError, match="is no state of a sweep"):
        a_sweep(tmp_path / "t", "well").run(Notes())
    with pytest.raises(InputError, match="cannot be written to"):
        a_sweep(tmp_path / "thesis.tex" / "s", "well").run(Notes())
    assert child() == []


def test_any_folder_s_name_reaches_the_child(tmp_path):
    for name in ("plain", "two words", "it's", "josé", "a,b=[c]", "${oc.env:HOME}", "back\\slash\\"):
        (override,) = OverridesParser.create().parse_overrides([f"x={turn.literal(tmp_path / name)}"])
        assert OmegaConf.create({"x": override.value()}).x == str(tmp_path / name)


def test_the_display_shows_text_as_text_and_no_bar_in_a_log():
    out = io.StringIO()
    with sweep_progress(Console(file=out, width=40), enabled=True) as display:
        display.began(1, 2, "[red]job", 1, 90.0)
        display.ended(Turn("[red]job", 1, "failed", "[/] it's broken", 2, 61.0, None, None))
        display.ended(Turn("b", 1, "done", "", 0, 7250.0, "rtf_warm", 0.51234))
        display.gave_up("[red]job", "[b]")
    assert out.getvalue().splitlines() == [
        "round 1  [red]job  failed: [/] it's broken  1 min 01 s",
        "round 1  b  rtf_warm 0.512  2 h 00 min",
        "[red]job gets no more turns: [b]",
    ]
    assert long_duration(59.4) == "59 s"


# From the command line on: what Hydra's grammar makes of it.


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
        monkeypatch, "executor=glob(s*)", "executor.threads=range(2,3)", "seed=choice(7)", "repeats=9",
        "models.color_analysis.fps=2", "progress=false", "hydra.sweeper.rounds=3",
        "hydra.sweeper.order=shuffled", f"hydra.sweep.dir={tmp_path}/sweep", "only=[color_analysis]",
    )  # fmt: skip
    assert [job.name for job in made.jobs] == [
        f"executor={name},executor.threads=2,seed=7" for name in ("sequential", "spawn_pool")
    ]
    assert made.jobs[1].overrides == (
        "executor=spawn_pool", "executor.threads=2", "seed=7", "models.color_analysis.fps=2",
        "only=[color_analysis]",
    )  # fmt: skip
    assert made.jobs[1].config["executor"]["threads"] == 2
    assert (made.rounds, made.repeats, made.order, made.seed, made.progress) == (3, 9, "shuffled", 7, False)
    assert made.folder == tmp_path / "sweep"
    assert set(made.identity) == {"jobs", "clips", "code", "machine"}
    assert "commands/run.py" in made.identity["code"]
    words = [word for word in sys.argv if not word.startswith("hydra.sweep.dir=")]
    python = Path(sys.executable).name
    assert made.resumption() == shlex.join([python, *words, f"hydra.sweep.dir={tmp_path}/sweep"])


def test_too_few_repeats_are_said_before_the_sweep(tmp_path, monkeypatch):
    sweep = ("executor=sequential,threads", "only=[color_analysis]", f"hydra.sweep.dir={tmp_path}/sweep")
    few = MIN_PAIRS - 1
    (note,) = planned(monkeypatch, *sweep, f"repeats={few}").notes
    assert note == f"repeats={few} will tell nothing apart: that takes {MIN_PAIRS} or more"
    assert planned(monkeypatch, *sweep, f"repeats={MIN_PAIRS}").notes == []
    queue = (*sweep, "scenario=offline", f"repeats={MIN_PAIRS}")
    (note,) = planned(monkeypatch, *queue, "hydra.sweeper.rounds=1").notes
    assert note.startswith("a queue of clips in hydra.sweeper.rounds=1 will tell nothing apart")
    assert planned(monkeypatch, *queue).notes == []


def test_configuration_files_from_outside_reach_the_child(tmp_path, monkeypatch):
    (tmp_path / "grouping").mkdir()
    text = "name: mine\ngroups: {all: {analyzers: ['*']}}\n"
    (tmp_path / "grouping" / "mine.yaml").write_text(text)
    here = f"hydra.sweep.dir={tmp_path}/sweep"
    (job,) = planned(monkeypatch, f"--config-dir={tmp_path}", "grouping=mine", "seed=choice(1)", here).jobs
    assert job.overrides == (f"--config-dir={tmp_path}", "grouping=mine", "seed=1")
    assert job.config["grouping"]["name"] == "mine" and job.name == "seed=1"


def test_what_comes_to_the_same_is_measured_once(tmp_path, monkeypatch):
    made = planned(monkeypatch, "executor.threads=1,1", f"hydra.sweep.dir={tmp_path}/sweep")
    assert [job.name for job in made.jobs] == ["executor.threads=1"]
    assert made.notes == [
        "executor.threads=1-2 is the same configuration as executor.threads=1, and left out"
    ]
    assert made.rounds == made.repeats == 3


REFUSED = {
    "grouping=staged,optimised": "conf/grouping has no optimised; did you mean optimized?",
    "models.color_analysis.fps=2,0": "models.color_analysis.fps=0.0 makes no sense",
    "gropuing=staged,optimized": "no key gropuing in the configuration; did you mean grouping?",
    "repeats=3,4": "all have the same repeats",
    "hydra.sweeper.rounds=two": "hydra.sweeper.rounds: Value 'two'",
    "clip.path=clips/reference.mp4,nothing.mp4": "nothing.mp4",
    "profile=python": "profile=python: a sweep only measures",
}


def test_settings_of_the_sweeper_are_in_range():
    def refusal(repeats: int, rounds: int | None = None, order: str = "fixed", timeout_s: float = 1.0) -> str:
        with pytest.raises(InputError) as refused:
            InterleavedSweeper(rounds, order, timeout_s).rounds_of(repeats)
        return str(refused.value)

    assert refusal(0) == "scenario.repeats=0 makes no sense in a sweep: it takes 1 or more"
    assert refusal(3, rounds=4).startswith("hydra.sweeper.rounds=4 makes no sense: the 3 repeats are shared")
    assert refusal(3, rounds=0).startswith("hydra.sweeper.rounds=0 makes no sense")
    assert refusal(3, order="random") == "hydra.sweeper.order=random: it is one of fixed, shuffled"
    assert refusal(3, timeout_s=-1) == "hydra.sweeper.timeout_s=-1 makes no sense: it takes more than 0"


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
    groupings = len(Loader().get_group_options("grouping", None))
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


# In a process of its own, which can be ended.


SWEEP = """
import pathlib, sys
from clipbench.bench.runs import child_run as turn
from clipbench.bench.sweeping import sweep
from clipbench.commands import sweep as command
folder = pathlib.Path(sys.argv[1])
turn.COMMAND = (sys.executable, str(folder / "child.py"))
sweep.code = lambda: {}
gate = {"mode": "report", "require": []}
names = [f"executor={name}" for name in ("sequential", "threads", "dying")]
jobs = [sweep.Job(name, (name,), {"gate": gate}) for name in names]
words = ["python", "run.py", "-m"]
sys.exit(command.conduct(sweep.Sweep(folder / "s", jobs, 3, 3, "fixed", 0, 60.0, {"code": {}}, words)))
"""


def start(tmp_path: Path, child_s: float) -> subprocess.Popen:
    """A sweep of three jobs in three rounds, with CHILD for the turns; the third job dies of it."""
    return subprocess.Popen(
        [sys.executable, "-c", SWEEP, str(tmp_path)],
        cwd=PROJECT,
        env={**os.environ, "CHILD_S": str(child_s), "DIES": "dying"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_turns(journal, number: int, sweeping: subprocess.Popen) -> None:
    """Until that many turns have begun."""
    deadline = time.monotonic() + 60
    while len(journal()) < number:
        assert sweeping.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)


def test_a_sweep_that_is_ended_at_any_moment_goes_on_where_it_was(tmp_path, child):
    """Ended in its second turn, in its third, and in its fourth, which are each begun again."""
    kept = []
    for number, by in enumerate((signal.SIGINT, signal.SIGKILL, signal.SIGTERM), start=1):
        sweeping = start(tmp_path, child_s=0.5)
        wait_for_turns(child, 2 * number, sweeping)
        below = psutil.Process(sweeping.pid).children()
        sweeping.send_signal(by)
        _, err = sweeping.communicate(timeout=60)
        assert below and all(gone(process.pid) for process in below)
        if by == signal.SIGKILL:
            assert sweeping.returncode == -by
        else:
            assert sweeping.returncode == 128 + by, err
            assert f"interrupted; continue with: python run.py -m hydra.sweep.dir={tmp_path}/s\n" in err
        before, kept = kept, json.loads((tmp_path / "s" / "sweep.json").read_text())["turns"]
        assert len(kept) == number and kept[: len(before)] == before
    last = start(tmp_path, child_s=0.0)
    out, err = last.communicate(timeout=60)
    assert last.returncode == Exit.NOTHING_VALID, err
    state = json.loads((tmp_path / "s" / "sweep.json").read_text())
    assert state["complete"] and state["turns"][:3] == kept
    turns = ["sequential 1", "threads 1", "dying 1", "sequential 2", "threads 2", "dying 2"]
    turns += ["sequential 3", "threads 3"]
    assert [f"{t['job'].removeprefix('executor=')} {t['round']}" for t in state["turns"]] == turns
    assert [line.rsplit(" ", 1)[0] for line in child()] == [
        *turns[:2], *turns[1:3], *turns[2:4], *turns[3:],
    ]  # fmt: skip
    assert [job["done"] for job in state["jobs"]] == [3, 3, 0]
    assert "executor=dying left no result: round 1: it was ended by SIGKILL" in out
    for kind in ("html", "md", "json"):
        assert "executor=dying" in (tmp_path / "s" / f"comparison.{kind}").read_text()


def test_one_job_that_kills_its_process_leaves_the_others_compared(tmp_path):
    """The real thing: half a second of clip, at which the fake analyzer `fate` sends itself SIGKILL."""
    clip = write_clip(tmp_path / "clip.mp4", numbered_frames(15, 64, 64))
    command = [
        sys.executable, "run.py", "-m", "executor=sequential,spawn_pool", "only=[steady,fate]", "repeats=2",
        "scenario.warmup=0", "hydra.sweeper.rounds=1", f"clip.path={clip}", f"hydra.sweep.dir={tmp_path}/s",
    ]  # fmt: skip
    settings = {"cwd": PROJECT, "env": {**os.environ, "CLIPBENCH_PLUGINS": str(FAKES)}}
    done = subprocess.run(command, **settings, capture_output=True, text=True, timeout=120)
    assert done.returncode == Exit.NOTHING_VALID, done.stderr
    assert "executor=sequential  failed: it was ended by SIGKILL" in done.stderr
    assert not re.search(r"\x1b|\r", done.stderr), "there is no progress bar in a log"
    result = storage.read_result(tmp_path / "s" / "executor=spawn_pool" / "1")
    assert result.analyzers["steady"].status == "ok" and result.analyzers["fate"].status == "crashed"
    assert len(result.metric("rtf_warm").samples) == 1, "without a warm-up, the first of two loads the models"
    assert "steady" in (tmp_path / "s" / "executor=spawn_pool" / "1" / "log.txt").read_text()
    assert "executor=sequential left no result: round 1: it was ended by SIGKILL" in done.stdout
    assert (tmp_path / "s" / "comparison.html").exists()
    again = subprocess.run(command, **settings, capture_output=True, text=True, timeout=120)
    assert again.returncode == Exit.NOTHING_VALID and "round 1" not in again.stderr, again.stderr
    assert again.stdout == done.stdout
