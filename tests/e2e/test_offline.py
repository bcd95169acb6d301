"""A queue of clips: all of a folder, several under way at once, with the results of one at a time."""

from __future__ import annotations

import json
from itertools import pairwise
from types import SimpleNamespace

import pytest

from clipbench.analyzers.base import Segment
from clipbench.bench.errors import InputError
from clipbench.bench.measuring.clip_files import find_clips, segments_by_file
from clipbench.bench.runs import storage
from clipbench.executors.base import Outcome
from tests.support.command_line import run_forked
from tests.support.footage import panning
from tests.support.video_files import numbered_frames, write_clip

ONLY = "only=[color_analysis,cut_analysis,visual_effects,audio_analysis,audio_environment]"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Six clips of different lengths, sizes and sounds."""
    made = tmp_path_factory.mktemp("clips")
    for n in range(6):
        write_clip(made / f"clip{n}.mp4", panning(160 + 16 * n, 120, 20 + 5 * n), 30, 200.0 + 20 * n)
    (made / "notes.txt").write_text("no clip")
    return made


def found(folder):
    return {p.name: json.loads(p.read_text()) for p in sorted(folder.glob("*.json"))}


def test_a_folder_of_clips(folder, tmp_path):
    done = run_forked(
        "executor=gpu_pinned", "grouping=two_core", "scenario=offline", "scenario.repeats=2", ONLY,
        f"clip.path={folder}", f"hydra.run.dir={tmp_path / 'queue'}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = storage.read_result(tmp_path / "queue")
    assert result.metric("throughput").value > 0 and "throughput" in done.stdout
    measured = [p for p in result.run.passes if not p.warmup]
    assert len(measured) == 12 and len(result.run.clips) == 6

    # Two clips at once, and every worker at work on every clip.
    assert any(a.start_s < b.start_s < a.end_s for a, b in pairwise(measured))
    work = [s for s in result.spans if s.phase == "analyze"]
    assert {s.worker for s in work} == {"pictures", "text_and_sound"}
    assert {(s.worker, s.clip) for s in work} == {
        (worker, clip) for worker in ("pictures", "text_and_sound") for clip in range(13)
    }

    single = tmp_path / "single"
    for clip in sorted(folder.glob("*.mp4"))[::2]:
        out = f"hydra.run.dir={single / clip.stem}"
        alone = run_forked(ONLY, "gate=off", "scenario.repeats=0", f"clip.path={clip}", out)
        assert alone.returncode == 0, alone.stderr
        assert found(single / clip.stem / "segments") == found(tmp_path / "queue" / "segments" / clip.stem)


def test_files_folders_and_patterns(folder, tmp_path):
    assert len(find_clips(str(folder)).clips) == 6
    assert [p.name for p in find_clips(str(folder / "clip[12].mp4")).clips] == ["clip1.mp4", "clip2.mp4"]
    assert find_clips("one.mp4").clips[0].name == "one.mp4"
    for nothing in (tmp_path, tmp_path / "*.mp4"):
        with pytest.raises(InputError, match="holds no video"):
            find_clips(str(nothing))


def test_clips_of_one_name_keep_their_segments_apart(tmp_path):
    clips = [tmp_path / folder / name for folder in "ab" for name in ("clip.mp4", "clip.mov")]
    passes = [
        SimpleNamespace(
            clip=SimpleNamespace(path=str(clip)),
            outcomes={"a": Outcome("a", "ok", "w", "cpu", segments=[Segment(0.0, 1.0, str(clip))])},
        )
        for clip in clips
    ]
    plan = SimpleNamespace(pretended=None)
    found = segments_by_file(SimpleNamespace(completed=lambda: passes, plan=plan), clips)
    assert sorted(segments[0].label for segments in found.values()) == sorted(map(str, clips))


def test_a_file_with_brackets_in_its_name_is_a_file(tmp_path):
    clip = write_clip(tmp_path / "talk [1].mp4", numbered_frames(5, 64, 64))
    assert find_clips(str(clip)).clips == [clip]
