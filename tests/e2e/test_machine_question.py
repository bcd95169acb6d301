"""`python plan.py machine=…`: which machine is enough, predicted; and a grouping that is kept as a file."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml

from tests.support import browser
from tests.support.command_line import PROJECT, refused, run_forked
from tests.support.declared_costs import write_costs

ONLY = ("color_analysis", "cut_analysis", "audio_analysis", "camera_analysis")
SERVER = ("scenario=server", "scenario.rate=1", "scenario.latency_limit_s=4", "scenario.clips=40")


def plan(*arguments: str) -> subprocess.CompletedProcess:
    """`python plan.py` with these arguments."""
    command = [sys.executable, "plan.py", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def same(tmp_path_factory) -> tuple[str, ...]:
    folder = tmp_path_factory.mktemp("costs")
    costs = write_costs(folder / "costs.json", *ONLY)
    return f"costs.file={costs}", f"costs.store={folder}", f"only=[{','.join(ONLY)}]", "progress=false"


@pytest.fixture(scope="module")
def asked(same, tmp_path_factory):
    """The answer about a small and a large machine: the folder, and what was printed."""
    folder = tmp_path_factory.mktemp("machines")
    sizes = ("machine=cores_16,here", "machine.price_per_hour=2", "targets.limits.rtf_warm='< 2'")
    return folder, plan(*same, *sizes, *SERVER, "--output", str(folder))


def test_the_smallest_machine_that_keeps_every_promise_is_named(asked):
    folder, done = asked
    assert done.returncode == 0, done.stderr
    found = json.loads((folder / "machines.json").read_text())
    large = next(each for each in found["answers"] if each["machine"] == "cores_16")
    assert found["predicted"] is True and "plan.py" in found["question"]
    assert found["answers"][found["take"]] == large
    assert large["goodput"] > 0.5 and large["latency_p95_s"] < 4 and large["prediction"]["binds"]
    # At 2 an hour, and as many clips a second as are done: so much for a thousand.
    assert 0 < large["price_per_1000_clips"] < 2000 * 2 / (3600 * 0.5)
    small = next(each for each in found["answers"] if each["machine"] == "here")
    assert small["grows"] and small["latency_p95_s"] is None and not small["promises"][-1]["kept"]
    assert "extrapolated: 16 cores" in done.stdout and "cores_16 with 0 GPUs is" in done.stdout


def test_every_page_says_that_it_is_predicted(asked):
    folder, done = asked
    for text in (done.stdout, *((folder / f"machines.{kind}").read_text() for kind in ("html", "md"))):
        assert "predicted, by costs" in text and "not sure" in text
        assert "grows" in text


@pytest.mark.parametrize("width", [400, 1400])
def test_the_page_in_a_browser(asked, width):
    with browser.session() as chromium:
        page = chromium.open(asked[0] / "machines.html", width=width)
        assert page.problems == [] and page.overflow() == []


def test_a_grouping_is_kept_as_a_file_that_runs(same, tmp_path):
    write = ("--write", "mine", "--output", str(tmp_path / "out"))
    done = run_forked(*same, *write, command="plan", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "conf" / "grouping" / "mine.yaml"
    written = yaml.safe_load(path.read_text())
    assert written["name"] == "mine"
    assert sorted(n for group in written["groups"].values() for n in group["analyzers"]) == sorted(ONLY)
    comments = [line for line in path.read_text().splitlines() if line.lstrip().startswith("#")]
    assert any("What binds" in line for line in comments) and any("rtf_warm" in line for line in comments)
    ran = run_forked("grouping=mine", "plan=true", "executor=threads", *same, cwd=tmp_path)
    assert ran.returncode == 0 and "grouping=mine" in ran.stdout, ran.stderr
    again = run_forked(*same, *write, command="plan", cwd=tmp_path)
    assert "there is a grouping mine already" in refused(again)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("machine=hal",), "machine=hal does not exist"),
        (("machine=h100", "gpus=0"), "gpus=0 is out of range: it must be 1 to 1024"),
        (("machine=h100", "gpus=two"), "gpus=two is out of range"),
        (("machine=here,h100", "--write", "mine"), "--write=mine: there are 2 machines; name one"),
        (("machine=here", "grouping=two_core"), "grouping=two_core: plan.py finds one; leave it out"),
        (
            ("machine=here", "executor=threads"),
            "executor=threads: nothing is run here; write executor.like=th",
        ),
        (("machine=here", "h100"), "h100 is no KEY=VALUE"),
        (("machine=here", "scenario=server", "scenario.rate=-1"), "scenario.rate=-1 is out of range"),
    ],
)
def test_what_is_refused(same, words, line):
    assert line in refused(run_forked(*same, *words, command="plan"))


def test_run_knows_the_key_of_a_search():
    assert "objective=latency is for a search" in refused(run_forked("objective=latency"))
