"""The frames of the report are read when all is measured: what goes wrong then costs nothing else."""

from __future__ import annotations

import html
import signal
import subprocess
import sys

import pytest

from clipbench.bench.runs import storage
from tests.support.command_line import PROJECT
from tests.support.video_files import numbered_frames, write_clip

#: run.py, with frames that end in what `{happens}` does.
RUN = """
import os, signal
from clipbench.bench.measuring import shot_frames
def keep(*_):
    {happens}
shot_frames.keep = keep
from clipbench.commands.run import main
main()
"""
HAPPENS = {
    "an error": ("raise RuntimeError('no such picture')", "no frames: RuntimeError: no such picture"),
    "a full disk": (
        "raise OSError(28, 'No space left on device')",
        "no frames: OSError: [Errno 28] No space left on device",
    ),
    "Ctrl-C": ("os.kill(os.getpid(), signal.SIGINT)", "no frames: interrupted while they were read"),
}


@pytest.mark.parametrize("what", HAPPENS)
def test_the_run_is_whole_and_says_so(what, tmp_path):
    happens, said = HAPPENS[what]
    done = run(happens, tmp_path)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert [said in line for line in done.stderr.splitlines()] == [True], done.stderr
    result = storage.read_result(tmp_path / "out")
    assert not result.run.interrupted and result.analyzers["color_analysis"].status == "ok"
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert f"N{said[1:]}." in html.unescape(page)


def test_when_the_process_is_killed_then_its_result_is_there(tmp_path):
    done = run("os.kill(os.getpid(), signal.SIGKILL)", tmp_path)
    assert done.returncode == -signal.SIGKILL
    assert storage.read_result(tmp_path / "out").analyzers["color_analysis"].status == "ok"


def run(happens: str, folder) -> subprocess.CompletedProcess[str]:
    clip = write_clip(folder / "clip.mp4", numbered_frames(15, 64, 64))
    words = [
        "only=[color_analysis]",
        "scenario.repeats=1",
        f"clip.path={clip}",
        f"hydra.run.dir={folder / 'out'}",
    ]
    code = RUN.format(happens=happens)
    return subprocess.run([sys.executable, "-c", code, *words], cwd=PROJECT, capture_output=True, text=True)
