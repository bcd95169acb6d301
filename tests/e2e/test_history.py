"""`clipbench-history`, as it is typed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from clipbench.bench.invocation import environment
from tests.bench.comparing.test_history import put
from tests.support.command_line import PROJECT, refused


def typed(*words: str, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "history.py", *words]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=300, **options)


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for number in range(16):
        level = 1.0 if number < 8 else 1.5
        put(folder, number, [level, level * 1.01, level * 0.99, level * 1.005, level * 0.995])
    return folder


def test_a_list(runs):
    done = typed("list", "--in", str(runs), "--since", "2026-01-10")
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) == 1 + 7, done.stderr
    assert lines[0].split()[:4] == ["started", "run", "grouping", "executor"]
    assert lines[1].split()[-2:] == ["pass", "1.5"]


def test_a_trend_with_its_page(runs, tmp_path):
    done = typed("trend", "--in", str(runs), "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "slower from 2026-01-09" in done.stdout and "1.5 times" in done.stdout
    page = (tmp_path / "trend.html").read_text()
    assert "slower from 2026-01-09" in page and "data:image/png;base64," in page
    assert (tmp_path / "trend.png").stat().st_size > 10_000


def test_best_pin_and_clean(runs, tmp_path):
    folder = tmp_path / "own"
    for number in range(5):
        put(folder, number, [1.0 + number / 10] * 5)
    assert typed("best", "--in", str(folder)).stdout.splitlines()[1].split()[2] == "0"
    assert typed("pin", str(folder / "0"), str(folder / "1" / "result.json")).returncode == 0
    assert typed("unpin", str(folder / "1")).returncode == 0
    first = typed("clean", "--in", str(folder), "--keep", "2", stdin=subprocess.DEVNULL)
    assert "nothing was removed; --yes removes 2 runs" in first.stdout and len(list(folder.iterdir())) == 6
    assert "removed 2 runs" in typed("clean", "--in", str(folder), "--keep", "2", "--yes").stdout
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["0", "3", "4"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("list", "--in", "nothing"), "nothing is no folder of runs"),
        (("pin", "nothing"), "nothing is not the folder of a run: it has no result.json"),
        (("trend", "--metric", "rtf_wram"), "no run has measured rtf_wram; did you mean rtf_warm?"),
        (("clean", "--keep", "-1"), "--keep=-1 is out of range: it must be 0 or more"),
    ],
)
def test_what_is_refused(words, line, runs):
    where = ["--in", str(runs)] if words[0] in ("trend", "clean") else []
    assert line in refused(typed(*words, *where))


def test_the_commands_of_the_page_do_as_it_says(tmp_path):
    for number in range(12):
        put(tmp_path / "outputs", number, [1.0] * 5)
    pinned = tmp_path / "outputs" / "2026-01-31" / "12-00-00"
    pinned.parent.mkdir()
    put(tmp_path / "outputs", 30).rename(pinned)
    page = (PROJECT / "docs" / "history.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("python history.py")]
    assert len(lines) == 9
    for line in lines:
        words = shlex.split(re.split(r"\s{2,}", line)[0].replace("text_overlay", "a"))[2:]
        done = subprocess.run(
            [sys.executable, str(PROJECT / "history.py"), *words],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, line + done.stderr
    assert len(list((tmp_path / "outputs").rglob("result.json"))) == 5
    assert (tmp_path / "trend" / "trend.html").exists()
