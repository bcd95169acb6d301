"""docs/ci.md: its workflow parses, and every command in it is one that the project accepts."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest
import yaml

from tests.support.command_line import PROJECT

PAGE = (PROJECT / "docs" / "ci.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
WORKFLOW = yaml.safe_load(next(text for language, text in BLOCKS if language == "yaml"))
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
SHOWN = [text for language, text in BLOCKS if not language]


def commands() -> list[list[str]]:
    """Every command line of the page that begins with python or make, as words."""
    found = []
    for script in [*(step.get("run", "") for step in STEPS), *SHOWN]:
        for line in re.split(r"\n|\|\| code=\$\?", script):
            line = line.strip().removeprefix(".venv/bin/")
            if line.startswith(("python ", "make ")) and (words := shlex.split(line)) not in found:
                found.append(words)
    return found


def run(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120)


def test_the_workflow_is_one():
    assert set(WORKFLOW["jobs"]) == {"targets", "parts"}
    assert all(("run" in step) != ("uses" in step) for step in STEPS)
    assert set(WORKFLOW[True]) == {"pull_request", "push"}  # YAML 1.1 takes the key `on` for true
    published = "\n".join(step.get("run", "") for step in STEPS if step.get("if") == "always()")
    assert "report.md" in published and "GITHUB_STEP_SUMMARY" in published


@pytest.mark.parametrize(("stored", "code"), [(False, 0), (False, 2), (True, 0), (True, 2), (True, 4)])
def test_only_an_empty_store_makes_no_comparison(stored, code, tmp_path):
    (step,) = [step for step in STEPS if "baseline=compare" in step.get("run", "")]
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\nexit {code}\n")
    python.chmod(0o755)
    (tmp_path / "baselines").mkdir()
    if stored:
        (tmp_path / "baselines" / "one.json").touch()
    done = subprocess.run(["bash", "-e", "-c", step["run"]], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == (code if stored else 0)
    assert ("::warning::" in done.stdout) != stored


@pytest.mark.parametrize("words", [w for w in commands() if "run.py" in w], ids=" ".join)
def test_run_py_accepts(words):
    done = run(sys.executable, *words[1:], "--cfg", "job")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", [w for w in commands() if w[0] == "make"], ids=" ".join)
def test_make_has(words):
    made = run("make", "--dry-run", "--assume-old=.venv/.ready", *words[1:])
    assert made.returncode == 0, made.stderr
    assert words[1] != "bench" or words[2].partition("=")[2] in made.stdout


def test_pytest_accepts_what_make_bench_hands_it():
    (words,) = [w for w in commands() if any(word.startswith("ARGS=") for word in w)]
    made = run("make", "--no-print-directory", "--dry-run", "--assume-old=.venv/.ready", *words[1:])
    arguments = shlex.split(made.stdout.replace("\\\n", " ").splitlines()[-1])
    assert "--slow" in arguments and "tests/perf/bench_*.py" in arguments
    one = [word.replace("bench_*", "bench_reports") for word in arguments[1:]]
    done = run(sys.executable, *one, "--collect-only")
    assert done.returncode == 0, done.stderr


def test_the_comparison_is_there():
    chosen = [w for w in commands() if "tests.perf.compare" in w]
    assert len(chosen) == 2
    for words in chosen:
        done = run(sys.executable, *words[1:-1], "absent.json")
        assert done.returncode == 2 and "is no file of `make bench`" in done.stderr


def test_every_exit_code_is_explained():
    from clipbench.bench.errors import Exit

    for code in Exit:
        assert re.search(rf"^\| {int(code)} \|", PAGE, re.MULTILINE), code
