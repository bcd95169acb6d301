"""Which files of a folder are clips, what is said of the others, and where segments of odd names are."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from clipbench.bench.clips.clip_path import check_clip
from clipbench.bench.errors import InputError
from clipbench.bench.measuring.clip_files import find_clips, folder_names
from clipbench.bench.runs.results import LostClip

ENDINGS = (
    "mts m2ts flv wmv ogv gif 3gp mpeg m2v vob mxf asf 3g2 f4v apng mp4 mov mkv webm avi m4v mpg ts h264 y4m"
)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with all that may be in one."""
    for name in ("b.mp4", "a.MTS", "b.json", "notes.txt", "._a.mp4", ".hidden.mp4"):
        (tmp_path / name).touch()
    (tmp_path / "x.mp4").mkdir()
    os.mkfifo(tmp_path / "fifo.mp4")
    (tmp_path / "device.mp4").symlink_to("/dev/zero")
    (tmp_path / "link.mp4").symlink_to("b.mp4")
    (tmp_path / "broken.mp4").symlink_to("nothing.mp4")
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket.mp4")
    return tmp_path


def test_every_entry_of_a_folder_is_a_clip_or_lost_or_named(folder):
    found = find_clips(str(folder))
    assert [clip.name for clip in found.clips] == ["a.MTS", "b.mp4", "link.mp4"]
    assert found.lost == [LostClip(str(folder / "broken.mp4"), "a link that leads nowhere")]
    assert found.left_out == (
        f"7 left out of {folder}: ._a.mp4 (hidden), .hidden.mp4 (hidden), device.mp4 (a device), "
        "fifo.mp4 (a FIFO), notes.txt (not named like a video), socket.mp4 (a socket), x.mp4 (a folder)"
    )


def test_many_that_are_left_out_are_counted(tmp_path):
    for number in range(20):
        (tmp_path / f"{number:02}.txt").touch()
    (tmp_path / "a.mp4").touch()
    line = find_clips(str(tmp_path)).left_out
    assert line.startswith("20 left out") and line.endswith("07.txt (not named like a video) and 12 more")


def test_nothing_is_said_where_nothing_is_left_out(tmp_path):
    for name in ("a.mp4", "a.json", "b.mov"):
        (tmp_path / name).touch()
    assert find_clips(str(tmp_path)).left_out == ""


@pytest.mark.parametrize("ending", ENDINGS.split())
def test_endings_of_videos(ending, tmp_path):
    for name in (f"a.{ending}", f"b.{ending.upper()}"):
        (tmp_path / name).touch()
    assert len(find_clips(str(tmp_path)).clips) == 2


def test_a_pattern_with_an_ending_of_its_own_takes_any(folder):
    assert [p.name for p in find_clips(str(folder / "*.txt")).clips] == ["notes.txt"]
    assert [p.name for p in find_clips(str(folder / ".h*.mp4")).clips] == [".hidden.mp4"]
    assert [p.name for p in find_clips(str(folder / "*")).clips] == ["a.MTS", "b.mp4", "link.mp4"]


@pytest.mark.parametrize("pattern", ["a**b", "nothing/*.mp4"])
def test_a_pattern_that_gives_nothing(pattern, folder):
    with pytest.raises(InputError, match=r"clip\.path: "):
        find_clips(pattern)


def test_a_folder_without_a_clip_says_what_is_in_it(tmp_path):
    (tmp_path / "song.mp3").touch()
    with pytest.raises(InputError, match=r"holds no video: song.mp3 \(not named like a video\)"):
        find_clips(str(tmp_path))


REFUSED = {
    "fifo.mp4": "is a FIFO",
    "device.mp4": "is a device",
    "socket.mp4": "is a socket",
    "x.mp4": "is a folder; name a video file in it",
    "broken.mp4": r"there is no file .*broken.mp4 \(a link that leads nowhere\)",
    "nothing.mp4": "there is no file",
    "b.mp4/c.mp4": "not a directory",
    "y" * 300: "file name too long",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_clip_that_is_no_file_is_refused(name, folder):
    with pytest.raises(InputError, match=REFUSED[name]):
        check_clip(folder / name)
    check_clip(folder / "link.mp4")


def test_folders_of_segments_are_below_theirs_and_short_enough(tmp_path):
    names = [
        b"...mp4",
        b"..mp4",
        b"x" * 251 + b".mp4",
        b"x" * 251 + b".mov",
        b"caf\xe9.mp4",
        "中".encode() * 80 + b".ts",
    ]
    names += [b"a.mp4", b"a.mov", b"a.mkv/a.mov", b"a-2.mp4"]
    clips = [tmp_path / os.fsdecode(name) for name in names]
    folders = folder_names(clips)
    assert list(folders) == list(map(str, clips)) and len(set(folders.values())) == len(clips)
    for name in folders.values():
        (tmp_path / "segments" / name).mkdir(parents=True)
    assert len(list((tmp_path / "segments").iterdir())) == len(clips)
    assert folders[str(clips[4])] == r"caf\xe9"
