"""Two commits of clipbench itself, the second with a planted slowdown: the call names its analyzer."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from tests.support.command_line import PROJECT
from tests.support.installed import copy_source
from tests.support.video_files import numbered_frames, write_clip

#: Where the slowdown is planted: a second for each clip.
BEGIN = "    def begin(self, clip: ClipFacts) -> shots.ShotState:\n"
SLEEP = "        __import__('time').sleep(1.0)\n"


@pytest.fixture
def clone(tmp_path):
    """A repository with the code as it is, and a commit after it in which cut_analysis is slower."""
    folder = copy_source(tmp_path / "clone")

    def git(*arguments):
        who = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)

    git("init", "--quiet", "--initial-branch=main")
    git("add", "--all")
    git("commit", "--quiet", "--message", "as it is")
    git("branch", "before")
    file = folder / "analyzers" / "cut_analysis.py"
    code = file.read_text()
    assert code.count(BEGIN) == 1
    file.write_text(code.replace(BEGIN, BEGIN + SLEEP))
    git("commit", "--quiet", "--all", "--message", "slower")
    return folder


def test_a_planted_slowdown_is_called_and_its_analyzer_named(clone, tmp_path):
    clip, out = write_clip(tmp_path / "clip.mp4", numbered_frames(15, 64, 64)), tmp_path / "out"
    words = ["--commits", "before", "main", "--rounds", "7", "--gate", "--output", str(out), "--"]
    words += [f"clip.path={clip}", "only=cut_analysis,color_analysis"]
    variables = {name: value for name, value in os.environ.items() if name != "CLIPBENCH_PLUGINS"}
    done = subprocess.run(
        [sys.executable, "compare.py", *words],
        cwd=clone,
        env=variables,
        capture_output=True,
        text=True,
        timeout=3000,
    )
    assert done.returncode == 4, done.stderr
    made = json.loads((out / "comparison.json").read_text())
    (name,) = made["analyzers"]
    calls = {each["analyzer"]: each["call"] for each in made["analyzers"][name]}
    assert name.startswith("main@") and calls["cut_analysis"] == "slower"
    assert f"{name} is slower than {made['reference']} in rtf_warm" in " ".join(done.stdout.split())
    said = " ".join(done.stdout.split())  # where lines are broken is the terminal's
    assert re.search(r"Analyzers beyond noise: .*cut_analysis ×[\d.e+]+ slower", said)
    commits = [each.partition("git commit: ")[2] for each in made["warnings"] if "git commit: " in each]
    assert len(commits) == 1 and all(
        side.partition("@")[2] in commits[0] for side in (name, made["reference"])
    )
    listed = subprocess.run(
        ["git", "worktree", "list"], cwd=clone, capture_output=True, text=True, check=True
    )
    assert listed.stdout.count("\n") == 1 and PROJECT.as_posix() not in listed.stdout
