"""Standard output that is closed, full, gone or ASCII costs no result and no exit code; folders of runs."""

from __future__ import annotations

import concurrent.futures
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import PROJECT, refused, run_forked
from tests.support.fake_plans import FOLDER
from tests.support.video_files import numbered_frames, write_clip

#: Shell code after the command: what becomes of its streams. The command itself prints to them under every
#: executor; the analyzer does in processes of its own, or in that of the command.
STREAMS = {
    "stdout is closed": ">&-",
    "all are closed": "<&- >&- 2>&-",
    "stdout is full": ">/dev/full",
    "both are full": ">/dev/full 2>/dev/full",
    "nobody reads": "2>&1 | true",
    "somebody reads a line": "2>&1 | head -n 1 >/dev/null",
}


@pytest.fixture
def clip(tmp_path) -> Path:
    return write_clip(tmp_path / "clip.mp4", numbered_frames(15, 64, 64))


def command(clip: Path, *more: str) -> list[str]:
    """A run of an analyzer that prints, and of one whose label is full of odd characters."""
    return [
        *(sys.executable, "run.py", "only=[wild_whole,chatty]", f"clip.path={clip}", "scenario.repeats=1"),
        *(
            "scenario.warmup=0",
            "models.wild_whole.where=analyze",
            "models.wild_whole.what=nasty_label",
            *more,
        ),
    ]


def environment(**more: str) -> dict[str, str]:
    plugins = os.pathsep.join(str(FOLDER / name) for name in ("wild.py", "fakes.py"))
    return {**os.environ, "CLIPBENCH_PLUGINS": plugins, **more}


@pytest.mark.parametrize(
    ("case", "executor"),
    [
        *((case, "spawn_pool") for case in STREAMS),
        *((case, "sequential") for case in ("all are closed", "nobody reads")),
    ],
)
def test_streams_that_take_nothing_cost_nothing(case, executor, clip, tmp_path):
    words = " ".join(
        f"'{word}'" for word in command(clip, f"executor={executor}", f"hydra.run.dir={tmp_path / 'o'}")
    )
    script = f"set -o pipefail; {{ {words}; echo $? > {tmp_path / 'code'}; }} {STREAMS[case]}"
    subprocess.run(["bash", "-c", script], cwd=PROJECT, env=environment(), timeout=120)
    assert (tmp_path / "code").read_text() == "0\n"
    result = json.loads((tmp_path / "o" / "result.json").read_text())
    assert {one["status"] for one in result["analyzers"].values()} == {"ok"}
    log = (
        tmp_path / "o" / "clipbench.log"
    ).read_text()  # nothing was written into what was opened in its place
    assert "odd output" not in log and "verdict" not in log


def test_ascii_only(clip, tmp_path):
    done = subprocess.run(
        command(clip, f"hydra.run.dir={tmp_path / 'o'}"),
        cwd=PROJECT, env=environment(PYTHONIOENCODING="ascii", LC_ALL="C"), capture_output=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0 and done.stdout.isascii() and b"Traceback" not in done.stderr
    assert b"\x1b" not in done.stdout and b"verdict" in done.stdout
    assert (tmp_path / "o" / "result.json").exists()


def test_runs_of_the_same_second_have_folders_of_their_own(clip, tmp_path):
    def one(_: int) -> int:
        return subprocess.run(
            [sys.executable, str(PROJECT / "run.py"), *command(clip)[2:]],
            cwd=tmp_path, env=environment(), capture_output=True, timeout=120,
        ).returncode  # fmt: skip

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        assert list(pool.map(one, range(3))) == [0, 0, 0]
    results = list((tmp_path / "outputs").glob("*/*/result.json"))
    assert len([path for path in results if path.parent.name != "latest"]) == 3
    assert len({json.loads(path.read_text())["run"]["id"] for path in results}) == 3


def test_a_folder_that_is_used_again_keeps_nothing_old_and_a_link_in_it_is_not_followed(clip, tmp_path):
    out, mine = tmp_path / "o", tmp_path / "mine.txt"
    (out / "segments").mkdir(parents=True)
    mine.write_text("mine")
    for name in ("report.html", ".clipbench-probe", "trace.json"):
        (out / name).symlink_to(mine)
    for name in ("segments/old.json", "junit.xml", "notes.txt", "clipbench.log"):
        (out / name).write_text("old")
    done = run_forked(*command(clip, f"hydra.run.dir={out}")[2:], **environment())
    assert done.returncode == 0
    assert mine.read_text() == "mine" and not (out / "report.html").is_symlink()
    assert not (out / "segments" / "old.json").exists() and (out / "notes.txt").read_text() == "old"
    assert "old" not in (out / "clipbench.log").read_text().splitlines()


def test_a_folder_in_which_another_run_is_at_work_is_refused(clip, tmp_path):
    import fcntl

    (tmp_path / "o").mkdir()
    held = os.open(tmp_path / "o", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        done = run_forked(f"clip.path={clip}", "only=[cut_analysis]", f"hydra.run.dir={tmp_path / 'o'}")
    finally:
        os.close(held)
    assert "hydra.run.dir: another run is writing into" in refused(done)
    assert (tmp_path / "o").exists()  # it is the other run's
