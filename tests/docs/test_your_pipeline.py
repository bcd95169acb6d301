"""docs/your-pipeline.md is followed as it stands, with clipbench installed and no checkout on the path."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from clipbench.executors import registry as executors
from tests.support.executors import usable
from tests.support.installed import PROJECT

PAGE = (PROJECT / "docs" / "your-pipeline.md").read_text(encoding="utf-8")
#: A file's name on a line of its own and its block, or a block of commands, in the order of the page.
STEP = re.compile(r"^(?:`(?P<file>[^`\n]+)`:\n\n```\w+\n|```\n)(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
#: What the environment of the test has done already.
DONE = ("pip install", "mkdir", "cd ")
#: The commands of the page that measure go on for up to a minute; here, for as few passes as are enough.
SOON = "scenario.budget_s=1"


def words(line: str) -> list[str]:
    """The words of a command of the page."""
    measures = line.startswith("clipbench ") and not line.endswith(("--help", "plan=true"))
    return [*shlex.split(line), *([SOON] if measures else [])]


@pytest.fixture(scope="module")
def followed(installed, tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """The folder after all steps of the page, and what each command printed."""
    folder, printed = tmp_path_factory.mktemp("my_pipeline"), {}
    for step in STEP.finditer(PAGE):
        if step["file"]:
            path = folder / step["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step["text"], encoding="utf-8")
            continue
        for line in step["text"].splitlines():
            if not line.startswith(DONE):
                done = installed.run(*words(line), cwd=folder)
                assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
                printed[line] = done.stdout
                if line == "clipbench gate=enforce":
                    (folder / "reported").symlink_to((folder / "outputs" / "latest").resolve())
    return folder, printed


def test_every_step_of_the_page_works(followed):
    _, printed = followed
    assert len(printed) == 7


def test_the_report_is_on_the_three_analyzers(followed):
    folder, _ = followed
    result = json.loads((folder / "reported" / "result.json").read_text())
    assert set(result["analyzers"]) == {"brightness", "loudness", "dull_moments"}
    assert (result["verdict"], result["run"]["executor"]) == ("pass", "one_each")
    assert result["run"]["workers"] == 3
    figures = {m["name"]: m["value"] for m in result["metrics"]}
    assert figures["quality.brightness.dark_iou"] == 1
    assert figures["dull_share"] == pytest.approx(25, abs=4)
    assert (folder / "reported" / "report.html").exists()


def test_help_lists_the_users_own(followed):
    own = followed[1]["clipbench --help"].partition("Yours")[2]
    assert "analyzers: brightness, dull_moments, loudness" in own
    for line in ("executor: one_each", "grouping: mine", "targets: mine", "clip: mine"):
        assert line in own


def test_a_fault_costs_only_the_analyzer_that_it_strikes(followed):
    folder, _ = followed
    result = json.loads((folder / "outputs" / "latest" / "result.json").read_text())
    states = {name: analyzer["status"] for name, analyzer in result["analyzers"].items()}
    assert states == {"brightness": "crashed", "loudness": "ok", "dull_moments": "ok"}


def test_a_subset_is_incomplete(installed, followed):
    chosen = ("only=[loudness]", "gate=enforce", SOON, "hydra.run.dir=subset")
    done = installed.run("clipbench", *chosen, cwd=followed[0])
    result = json.loads((followed[0] / "subset" / "result.json").read_text())
    assert (done.returncode, result["verdict"]) == (0, "incomplete"), done.stderr
    assert result["verdict_reason"].startswith("covers 1 of 3 analyzers (loudness)")


def test_a_wrong_key_of_the_truth_is_named(installed, followed):
    folder = followed[0]
    (folder / "wrong.json").write_text((folder / "my.json").read_text().replace('"quiet"', '"quite"'))
    done = installed.run("clipbench", "clip.truth=wrong.json", "hydra.run.dir=wrong", cwd=folder)
    assert done.returncode == 2
    assert "wrong.json" in done.stderr and "no key quite; did you mean quiet?" in done.stderr


@pytest.mark.parametrize("name", usable(executors.running()))
def test_under_every_executor_it_passes_and_a_fault_costs_one_analyzer(name, installed, followed):
    folder, chosen = followed[0], ("grouping=mine", f"executor={name}", "gate=enforce", SOON)
    done = installed.run("clipbench", *chosen, f"hydra.run.dir=by_{name}", cwd=folder)
    result = json.loads((folder / f"by_{name}" / "result.json").read_text())
    assert (done.returncode, result["verdict"]) == (0, "pass"), done.stdout + done.stderr
    for analyzer in result["analyzers"]:
        paths = (folder / run / "segments" / f"{analyzer}.json" for run in (f"by_{name}", "reported"))
        found, expected = map(Path.read_text, paths)
        assert json.loads(found) == json.loads(expected), analyzer
    kind = "sigkill" if "sigkill" in executors.strategy(name).contains else "raise"
    planted = (f"faults={kind}", "faults.analyzer=brightness", "gate=report", f"hydra.run.dir=hit_{name}")
    done = installed.run("clipbench", *chosen, *planted, "scenario.repeats=1", cwd=folder)
    result = json.loads((folder / f"hit_{name}" / "result.json").read_text())
    states = {analyzer: one["status"] for analyzer, one in result["analyzers"].items()}
    assert states.pop("brightness") in ("crashed", "failed"), done.stderr
    assert set(states.values()) == {"ok"}
