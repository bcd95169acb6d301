"""Clips of any name, and of any kind, at the prompt: measured, lost and named, or refused in one line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from clipbench.bench.runs import storage
from tests.support.command_line import PROJECT, refused, run, run_forked
from tests.support.fake_plans import FAKES
from tests.support.video_files import numbered_frames, write_clip

#: A run that is only about its clips.
STEADY = ("only=[steady]", "executor=sequential", "scenario.repeats=1")
#: Names of clips, and the folders of their segments.
NAMES = {
    "a=b.mp4": "a=b", "[x].mp4": "[x]", "q'u\"o.mp4": "q'u\"o", "co:lon.mp4": "co:lon", "-dash.mp4": "-dash",
    "two words.mp4": "two words", "中文.mkv": "中文", "$x$.mp4": "$x$", "tab\t.mp4": "tab\t",
    "x" * 251 + ".mp4": "x" * 200,
}  # fmt: skip


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", numbered_frames(10, 64, 64))


def measured(*arguments: str, **variables: str) -> subprocess.CompletedProcess:
    """A run with a fake analyzer; with variables that Python reads when it starts, it is started anew."""
    start = run if variables else run_forked
    return start(*STEADY, *arguments, CLIPBENCH_PLUGINS=str(FAKES), **variables)


def test_a_queue_of_clips_of_every_name_under_a_posix_locale(clip, tmp_path):
    folder, out = tmp_path / "clips", tmp_path / "out"
    folder.mkdir()
    for name in NAMES:
        shutil.copy(clip, folder / name)
    bad = folder / os.fsdecode(b"caf\xe9.mp4")
    bad.write_text("no video")
    os.mkfifo(folder / "fifo.mp4")
    done = measured("scenario=offline", f"clip.path={folder}", f"hydra.run.dir={out}", LC_ALL="POSIX")
    assert (done.returncode, done.stderr) == (0, "")
    raw = json.loads((out / "result.json").read_bytes().decode("utf-8"))
    assert {one["path"] for one in raw["run"]["clips"]} == {str(folder / name) for name in NAMES}
    assert [one["path"] for one in raw["lost_clips"]] == [rf"{folder}/caf\xe9.mp4"]
    assert {p.name for p in (out / "segments").iterdir()} == set(NAMES.values())
    assert raw["verdict"] != "pass" and r"lost 1 of 11 clips (caf\xe9.mp4)" in raw["verdict_reason"]
    cases = ElementTree.parse(out / "junit.xml").iter("testcase")
    assert rf"clip {folder}/caf\xe9.mp4" in [case.get("name") for case in cases]
    for text in (done.stdout, (out / "report.html").read_text(encoding="utf-8")):
        assert r"caf\xe9.mp4" in text and "fifo.mp4 (a FIFO)" in text


def test_an_output_folder_whose_name_is_no_utf_8(clip, tmp_path):
    out = tmp_path / os.fsdecode(b"caf\xe9")
    done = measured(f"clip.path={clip}", f"hydra.run.dir='{out}'", PYTHONIOENCODING="utf-8:strict")
    assert (done.returncode, done.stderr) == (0, "")
    assert rf"{tmp_path}/caf\xe9/result.json" in done.stdout and (out / "report.html").exists()


def test_a_clip_whose_name_is_no_utf_8(clip, tmp_path):
    path, out = tmp_path / os.fsdecode(b"caf\xe9.mp4"), tmp_path / "out"
    shutil.copy(clip, path)
    done = measured(f"clip.path={path}", f"hydra.run.dir={out}", PYTHONIOENCODING="utf-8:strict")
    assert (done.returncode, done.stderr) == (0, "")
    assert storage.read_result(out).run.clip.path == rf"{tmp_path}/caf\xe9.mp4"


def test_a_queue_without_a_clip_that_can_be_read(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_text("no video")
    done = measured("scenario=offline", f"clip.path={tmp_path}", f"hydra.run.dir={tmp_path / 'out'}")
    assert done.returncode == 5 and done.stderr == ""
    result = storage.read_result(tmp_path / "out")
    assert len(result.lost_clips) == 2 and result.verdict == "invalid" and not result.run.pids


@pytest.mark.parametrize("name", ["it's 中文=1.mp4"])
def test_what_the_line_says_works_in_a_shell(name, clip, tmp_path):
    line = refused(run_forked(f"clip.path={tmp_path / name}", f"hydra.run.dir={tmp_path / 'out'}"))
    typed = line.partition("quote it: ")[2]
    shutil.copy(clip, tmp_path / name)
    command = (
        f"{sys.executable} run.py {' '.join(map(repr, STEADY))} hydra.run.dir={tmp_path / 'out'} {typed}"
    )
    variables = {**os.environ, "CLIPBENCH_PLUGINS": str(FAKES)}
    done = subprocess.run(["sh", "-c", command], cwd=PROJECT, env=variables, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert storage.read_result(tmp_path / "out").run.clip.path == str(tmp_path / name)


def test_a_truth_file_is_named_in_the_same_way(clip, tmp_path):
    truth = tmp_path / "t=1, [2].json"
    truth.write_text("{}")
    done = run_forked(f"clip.path={clip}", f"clip.truth={truth}", f"hydra.run.dir={tmp_path / 'out'}")
    line = refused(done)
    assert f"clip.truth: {truth} is no ground truth for this clip" in line


REFUSED = {"fifo.mp4": "is a FIFO", "device.mp4": "is a device", "._a.mp4": "cannot be read as video"}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_clip_is_refused_and_not_waited_for(name, tmp_path):
    os.mkfifo(tmp_path / "fifo.mp4")
    (tmp_path / "device.mp4").symlink_to("/dev/zero")
    (tmp_path / "._a.mp4").write_bytes(b"\0\5\26\7")
    for scenario in ("single_stream", "offline"):
        given = (f"clip.path={tmp_path / name}", f"scenario={scenario}", f"hydra.run.dir={tmp_path / 'out'}")
        assert REFUSED[name] in refused(run_forked("only=[color_analysis]", *given))


def test_a_sweep_goes_on_without_the_clips_that_cannot_be_read(clip, tmp_path):
    shutil.copy(clip, tmp_path / "a=b.mp4")
    (tmp_path / "bad.mp4").write_text("no video")
    queue = ("scenario=offline", f"clip.path={tmp_path}", "only=[steady]", "repeats=1")
    swept = ("-m", "executor=sequential,threads", f"hydra.sweep.dir={tmp_path / 'sweep'}")
    done = run(*swept, *queue, CLIPBENCH_PLUGINS=str(FAKES))
    assert done.returncode == 0, done.stderr
    for job in ("sequential", "threads"):
        result = storage.read_result(tmp_path / "sweep" / f"executor={job}" / "1")
        assert [Path(one.path).name for one in result.lost_clips] == ["bad.mp4"]
        assert [Path(one.path).name for one in result.run.clips] == ["a=b.mp4"]
