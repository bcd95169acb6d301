"""A frame of each shot for the report: decoded once a run is over, so that no figure has its cost.

The frames are those that object_detection was given, the one of a shot that is nearest to its middle: what
was found at that time is what is to be drawn over it. They are decoded anew, by a decoder in a process of its
own, because a clip's memory is free again as soon as it was analyzed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from clipbench.analyzers.base import FrameRequest, Segment
from clipbench.bench.clips.clip_info import sha256
from clipbench.bench.clips.clip_path import check_clip
from clipbench.bench.clips.decoder_link import Decoders
from clipbench.bench.clips.frame_reader import ReadFrame, read_stretches
from clipbench.bench.errors import InputError
from clipbench.bench.file_names import readable
from clipbench.bench.measuring.clip_files import folder_names
from clipbench.bench.runs import kept_frames
from clipbench.bench.runs.kept_frames import ClipFrames, KeptFrame, KeptFrames
from clipbench.bench.runs.results import ClipSummary, Result
from clipbench.executors.base import Plan

#: At most so many frames in all, of so many clips of a queue, and their longer side in pixels.
MOST_FRAMES, MOST_CLIPS, SIDE = 12, 3, 640
#: Bytes that a picture may have: with MOST_FRAMES of them, a page that embeds them stays below a megabyte.
MOST_BYTES = 44_000
#: Qualities that are tried until a picture has no more bytes than that.
QUALITIES = (85, 75, 65, 50, 35, 20)
#: Seconds for the frames of all clips.
LIMIT_S = 30.0
#: The analyzers whose findings are drawn; the frames are those of the first one that is in the run.
DRAWN = (
    *("object_detection", "background_segmentation", "body_pose", "age_estimation", "eye_tracking"),
    *("text_overlay", "qwen2_vl_temporal"),
)
#: A stretch of a clip whose shots are not known has at least so many seconds.
LEAST_STRETCH_S = 2.0


class Shot(NamedTuple):
    """A stretch of a clip that is shown by one frame, and its number as a shot, if it is one."""

    start_s: float
    end_s: float
    number: int | None = None


@dataclass(frozen=True)
class Wanted:
    """What is to be shown of a clip: the `shots` that were chosen of `of`; None: its shots are not known."""

    shots: list[Shot]
    of: int | None


def keep(
    plan: Plan, clips: Sequence[Path], result: Result, segments: Mapping[str, Sequence[Segment]], folder: Path
) -> KeptFrames | None:
    """Write the frames of a run into its folder; returns what was kept, None where nothing is to be drawn.

    `segments` are those of the last pass over each clip, by file. A clip that cannot be read any more costs
    its own frames only. Raises OSError where the folder cannot take them.
    """
    request = request_of(plan)
    if plan.pretended is not None or request is None:
        return None
    summaries = {summary.path: summary for summary in result.run.clips}
    there = [(path, summaries[readable(path)]) for path in clips if readable(path) in summaries]
    folders = folder_names(clips) if len(clips) > 1 else {}
    shown = [there[at] for at in evenly(len(there), MOST_CLIPS)]
    until_s = time.monotonic() + LIMIT_S
    found: list[ClipFrames] = []
    pictures: dict[str, bytes] = {}
    with Decoders() as decoders:
        for path, summary in shown:
            inner = folders.get(str(path), "")
            shots = segments.get(f"{inner}/cut_analysis" if inner else "cut_analysis", [])
            wanted = choose(shots, summary.duration_s or 0.0, MOST_FRAMES // len(shown))
            place = f"segments/{inner}" if inner else "segments"
            try:
                frames = read(path, summary, wanted.shots, request, decoders, until_s)
            except InputError as error:
                said = str(error).removeprefix("clip.path: ").replace(str(path), path.name)
                found.append(ClipFrames(summary.path, place, wanted.of, reason=readable(said)))
                continue
            taken, files = named(wanted.shots, frames, len(found) + 1)
            said_out = left_out(wanted, len(frames) - len(taken), request.fps)
            found.append(ClipFrames(summary.path, place, wanted.of, taken, said_out))
            pictures |= files
    kept = KeptFrames(found, len(there))
    kept_frames.write(kept, pictures, folder)
    return kept


def request_of(plan: Plan) -> FrameRequest | None:
    """The frames that the findings are about; None where no analyzer finds anything that can be drawn."""
    rates = {task.analyzer: task.needs.frames[0].fps for task in plan.tasks() if task.needs.frames}
    return next((FrameRequest(rates[name], SIDE) for name in DRAWN if name in rates), None)


def choose(found: Iterable[Segment], duration_s: float, most: int) -> Wanted:
    """At most so many of the shots that cut_analysis found, evenly chosen; without any, equal stretches."""
    spans = [(one.start_s, one.end_s) for one in found if one.label == "shot"]
    shots = [Shot(*span, number) for number, span in enumerate(spans)]
    if shots:
        return Wanted([shots[at] for at in evenly(len(shots), most)], len(shots))
    count = max(1, min(most, int(duration_s / LEAST_STRETCH_S)))
    edges = np.linspace(0.0, duration_s, count + 1)
    return Wanted([Shot(float(a), float(b)) for a, b in pairwise(edges)], None)


def evenly(count: int, most: int) -> list[int]:
    """At most so many of the numbers below `count`, evenly spread, in order."""
    shown = min(count, most)
    return [int((at + 0.5) * count / shown) for at in range(shown)]


def read(
    path: Path,
    summary: ClipSummary,
    shots: Sequence[Shot],
    request: FrameRequest,
    decoders: Decoders,
    until_s: float,
) -> list[ReadFrame | None]:
    """The frame of each shot. Raises InputError where the clip is not there any more, or not the same."""
    check_clip(path)
    if summary.sha256 is not None and sha256(path) != summary.sha256:
        raise InputError(f"clip.path: {path} is another file now than the one that was measured")
    spans = [(shot.start_s, shot.end_s) for shot in shots]
    return read_stretches(path, summary.duration_s or 0.0, spans, request, decoders, until_s)


def named(
    shots: Sequence[Shot], frames: Sequence[ReadFrame | None], clip: int
) -> tuple[list[KeptFrame], dict[str, bytes]]:
    """What is kept of the shots of clip number `clip` that have a frame, and the pictures by file name."""
    kept: list[KeptFrame] = []
    files: dict[str, bytes] = {}
    for shot, frame in zip(shots, frames, strict=True):
        if frame is not None:
            name = f"{clip}-{len(kept) + 1:02}.jpg"
            files[name] = jpeg(frame.picture)
            height, width = frame.picture.shape[:2]
            times = round(frame.time_s, 3), round(shot.start_s, 3), round(shot.end_s, 3)
            kept.append(KeptFrame(name, *times, width, height, shot.number))
    return kept, files


def left_out(wanted: Wanted, between: int, fps: float) -> list[str]:
    """Which shots have no frame, in sentences."""
    said = []
    if wanted.of is not None and wanted.of > len(wanted.shots):
        said.append(f"{wanted.of - len(wanted.shots)} of the {wanted.of} shots are left out, evenly.")
    if between == 1:
        said.append(f"1 shot lies between two of the frames that were looked at, {fps:g} per second.")
    elif between:
        said.append(f"{between} shots lie between frames that were looked at, {fps:g} per second.")
    return said


def jpeg(picture: np.ndarray) -> bytes:
    """An RGB picture, uint8 [height, width, 3], as a JPEG file of at most MOST_BYTES.

    It becomes less exact, and then smaller, until it has no more.
    """
    import cv2

    small = np.ascontiguousarray(picture[..., ::-1])
    while True:
        for quality in QUALITIES:
            data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
            if len(data) <= MOST_BYTES:
                return data
        small = cv2.resize(small, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
