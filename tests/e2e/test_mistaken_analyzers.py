"""Analyzers that return rubbish or leave the process, at the prompt: the others' results are written."""

from __future__ import annotations

import json
import os

import pytest

from tests.support.command_line import run_forked
from tests.support.fake_plans import FAKES, FOLDER
from tests.support.video_files import numbered_frames, write_clip

PLUGINS = os.pathsep.join(map(str, (FAKES, FOLDER / "mistaken.py")))
BAD = {
    "leaving": "SystemExit: 3",
    "leaving_early": "cannot be loaded: SystemExit: no licence",
    "mistaken": "TypeError: analyze must return a list of Segment, not NoneType",
    "unpicklable_found": "TypeError: what was found in chunk 0 cannot be pickled",
}
GOOD = ("fed", "fed_nothing", "steady")


@pytest.mark.parametrize("executor", ["sequential", "threads", "spawn_pool"])
def test_the_others_are_written(executor, tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", numbered_frames(30, 64, 64), fps=30)
    out = tmp_path / "out"
    done = run_forked(
        f"only=[{','.join([*BAD, *GOOD])}]", f"executor={executor}", "scenario.repeats=1",
        f"clip.path={clip}", f"hydra.run.dir={out}", CLIPBENCH_PLUGINS=PLUGINS,
    )  # fmt: skip
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    found = json.loads((out / "result.json").read_text(encoding="utf-8"))["analyzers"]
    assert {name for name, one in found.items() if one["status"] == "ok"} == set(GOOD)
    for name, reason in BAD.items():
        assert found[name]["status"] == "failed" and found[name]["reason"].startswith(reason)
    assert {path.stem for path in (out / "segments").rglob("*.json")} >= set(GOOD)
    assert (out / "report.html").exists()
