"""The frames that a run keeps for its report: the right ones, few enough, and why there are none."""

from __future__ import annotations

import time
from itertools import pairwise

import cv2
import numpy as np
import pytest

from clipbench.analyzers.base import FrameRequest, Segment
from clipbench.bench.clips import frame_reader
from clipbench.bench.clips.clip_info import sha256
from clipbench.bench.clips.decoder_link import Decoders
from clipbench.bench.errors import InputError
from clipbench.bench.measuring import shot_frames
from clipbench.bench.planning.config import compose
from clipbench.bench.planning.plan import make_plan
from clipbench.bench.runs import kept_frames
from clipbench.bench.runs.results import ClipSummary
from clipbench.bench.runs.storage import read_result, write_result
from clipbench.reports.run import shot_frames as shown
from tests.support.command_line import run_forked
from tests.support.declared_costs import write_costs
from tests.support.minimal_result import a_result
from tests.support.video_files import write_clip

FPS, WIDE, HIGH = 10, 160, 96
#: Seconds, more than a few chunks of the reader.
LENGTH_S = 24


def place(number: int) -> tuple[int, int]:
    """Where the bright square of frame `number` begins, x and y in pixels."""
    return 4 + (7 * number) % (WIDE - 24), 4 + (3 * number) % (HIGH - 24)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A clip in which a bright square of 16 pixels is somewhere else in each frame."""
    frames = np.full((LENGTH_S * FPS, HIGH, WIDE, 3), 20, np.uint8)
    for number, frame in enumerate(frames):
        x, y = place(number)
        frame[y : y + 16, x : x + 16] = 240
    return write_clip(tmp_path_factory.mktemp("clip") / "<b>.mp4", frames, FPS)


def plan_of(*options: str):
    return make_plan(compose(*(options or ("only=[object_detection,cut_analysis]",))))


def result_of(*clips):
    result = a_result()
    result.run.clips = [ClipSummary(str(clip), sha256(clip), float(LENGTH_S)) for clip in clips]
    return result


def shots_of(*edges: float) -> list[Segment]:
    return [Segment(a, b, "shot", None, {"index": i}) for i, (a, b) in enumerate(pairwise(edges))]


def square_in(picture: np.ndarray) -> list[float]:
    """The bright square's box, in percent of the picture."""
    ys, xs = np.nonzero(picture.mean(axis=2) > 130)
    return [
        100 * xs.min() / WIDE,
        100 * ys.min() / HIGH,
        100 * (xs.max() + 1) / WIDE,
        100 * (ys.max() + 1) / HIGH,
    ]


def test_a_box_lands_where_the_picture_has_what_it_is_about(clip, tmp_path):
    boxes = []
    # object_detection looks three times a second, at the nearest frame, and calls it by the earlier time.
    nearest = [round(sample / 3 * FPS) for sample in range(LENGTH_S * 3)]
    times = [min(sample / 3, number / FPS) for sample, number in enumerate(nearest)]
    for number, start_s, end_s in zip(nearest, times, [*times[1:], LENGTH_S], strict=True):
        x, y = place(number)
        box = [x / WIDE, y / HIGH, (x + 16) / WIDE, (y + 16) / HIGH]
        boxes.append(Segment(start_s, end_s, "cup", 0.9, {"box": box}))
    segments = {"cut_analysis": shots_of(0, 1.5, 8.3, 8.9, 16, LENGTH_S), "object_detection": boxes}
    result = result_of(clip)
    write_result(result, segments, tmp_path)
    shot_frames.keep(plan_of(), [clip], result, segments, tmp_path)
    found = shown.stills(read_result(tmp_path), tmp_path)
    assert [still.caption for still in found.clips[0].stills] == [f"Shot {n} of 5" for n in range(1, 6)]
    for number, still in enumerate(found.clips[0].stills, start=1):
        picture = cv2.imread(str(tmp_path / "frames" / f"1-0{number}.jpg"))
        (box,) = still.marks.objects
        drawn = [box.x, box.y, box.x + box.width, box.y + box.height]
        assert square_in(picture) == pytest.approx(drawn, abs=1.5)
        assert still.uri.startswith("data:image/jpeg;base64,/9j/")


def test_the_frame_is_the_sampled_one_nearest_to_the_middle_wherever_chunks_end(clip, monkeypatch):
    spans = [(0.0, 24.0), (4.8, 5.3), (9.9, 10.3), (3.1, 3.4), (11.0, 19.0)]
    with Decoders() as decoders:
        read = lambda: frame_reader.read_stretches(  # noqa: E731
            clip, LENGTH_S, spans, FrameRequest(2.0, 640), decoders, time.monotonic() + 60
        )
        found = read()
        monkeypatch.setattr(frame_reader, "CHUNK_S", 1000.0)
        whole = read()
    assert [frame and frame.time_s for frame in found] == [12.0, 5.0, 10.0, None, 15.0]
    for one, other in zip(found, whole, strict=True):
        assert (one is None) == (other is None)
        assert one is None or (one.time_s == other.time_s and np.array_equal(one.picture, other.picture))


def test_a_stretch_that_nobody_wants_is_not_decoded(clip, monkeypatch):
    asked = []
    real = frame_reader.chunk_of
    monkeypatch.setattr(
        frame_reader,
        "chunk_of",
        lambda clip, number, *more: asked.append(number) or real(clip, number, *more),
    )
    with Decoders() as decoders:
        ends = [(0.0, 1.0), (23.0, 24.0)]
        frame_reader.read_stretches(
            clip, LENGTH_S, ends, FrameRequest(2.0, 640), decoders, time.monotonic() + 60
        )
    assert asked == [0, 4]


@pytest.mark.parametrize(("count", "most"), [(1, 12), (12, 12), (13, 12), (100, 12), (5, 1), (0, 3)])
def test_shots_are_chosen_evenly_and_those_left_out_are_counted(count, most):
    chosen = shot_frames.evenly(count, most)
    assert len(chosen) == len(set(chosen)) == min(count, most) and chosen == sorted(chosen)
    gaps = np.diff([-1, *chosen, count])
    assert count == 0 or max(gaps) <= 2 * max(1, count / most)
    wanted = shot_frames.choose(shots_of(*range(count + 1)), float(count), most)
    if count > most:
        left = f"{count - most} of the {count} shots are left out, evenly."
        assert shot_frames.left_out(wanted, 0, 3.0) == [left]


def test_without_shots_there_are_frames_at_equal_distances():
    wanted = shot_frames.choose([], 9.0, 12)
    assert [shot.number for shot in wanted.shots] == [None] * 4 and wanted.of is None
    assert wanted.shots[1][:2] == (2.25, 4.5)


def test_a_clip_that_is_gone_or_another_one_costs_its_own_frames_and_is_said(clip, tmp_path):
    gone, changed = tmp_path / "gone.mp4", tmp_path / "changed.mp4"
    for path in (gone, changed):
        path.write_bytes(clip.read_bytes())
    result = result_of(gone, changed, clip)
    gone.unlink()
    changed.write_bytes(clip.read_bytes() + b"more")
    shot_frames.keep(plan_of(), [gone, changed, clip], result, {}, tmp_path)
    first, second, third = kept_frames.read(tmp_path).clips
    assert first.reason == "there is no file gone.mp4"
    assert second.reason == "changed.mp4 is another file now than the one that was measured"
    assert not third.reason and len(third.frames) == 4


def test_of_a_queue_a_few_clips_are_shown_with_fewer_frames_each(clip, tmp_path):
    clips = []
    for number in range(7):
        (tmp_path / str(number)).mkdir()
        clips.append(tmp_path / str(number) / "a.mp4")
        clips[-1].write_bytes(clip.read_bytes())
    names = list(shot_frames.folder_names(clips).values())
    segments = {f"{name}/cut_analysis": shots_of(*range(LENGTH_S + 1)) for name in names}
    kept = shot_frames.keep(plan_of(), clips, result_of(*clips), segments, tmp_path)
    assert kept.clips_in_all == 7 and len(kept.clips) == 3
    assert [len(one.frames) for one in kept.clips] == [4, 4, 4] and kept.clips[0].shots == LENGTH_S
    assert len(list((tmp_path / "frames").glob("*.jpg"))) == 12


def test_there_are_none_where_nothing_is_drawn(clip, tmp_path):
    plan = plan_of("only=[audio_analysis]")
    assert shot_frames.keep(plan, [clip], result_of(clip), {}, tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_there_are_none_of_a_simulated_run(clip, tmp_path):
    costs = write_costs(tmp_path / "costs.json", "text_overlay")
    plan = plan_of("executor=simulated", "only=[text_overlay]", f"costs.file={costs}")
    assert shot_frames.keep(plan, [clip], result_of(clip), {}, tmp_path) is None
    assert list(tmp_path.iterdir()) == [costs]


def test_it_ends_where_it_takes_too_long(clip):
    with Decoders() as decoders, pytest.raises(InputError, match="takes too long"):
        frame_reader.read_stretches(
            clip, LENGTH_S, [(0.0, 24.0)], FrameRequest(2.0, 640), decoders, time.monotonic() - 1
        )


def test_a_run_leaves_them_with_its_report_unless_they_are_switched_off(clip, tmp_path):
    command = ["only=[text_overlay]", f"clip.path={clip}", "repeats=1", "scenario.warmup=0", "progress=false"]
    for name, more in (("on", []), ("off", ["report.frames=false"])):
        done = run_forked(*command, *more, f"hydra.run.dir={tmp_path / name}")
        assert done.returncode == 0, done.stderr
    assert 'src="data:image/jpeg;base64,' in (tmp_path / "on" / "report.html").read_text()
    assert len(list((tmp_path / "on" / "frames").glob("*.jpg"))) == 12
    assert "data:image/jpeg" not in (tmp_path / "off" / "report.html").read_text()
    assert not (tmp_path / "off" / "frames").exists()
