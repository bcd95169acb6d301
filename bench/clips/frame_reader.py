"""A few frames of a clip, read after it was measured: of each of some stretches the one in its middle."""

from __future__ import annotations

import math
import os
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from clipbench.analyzers.base import FrameRequest, Frames, Needs
from clipbench.bench.clips.clip_info import sha256
from clipbench.bench.clips.decoder_link import Decoders
from clipbench.bench.clips.decoder_protocol import Open, Wanted
from clipbench.bench.clips.decoding import streamed
from clipbench.bench.clips.shared_clip import SharedClip
from clipbench.bench.clips.streaming import StreamedClip
from clipbench.bench.errors import InputError
from clipbench.executors.base import ClipLost
from clipbench.executors.chunks import TemporaryJournal
from clipbench.executors.steps import AHEAD, chunk_edges, nobody

#: Seconds of a chunk: what is decoded for a frame whose neighbours nobody wants.
CHUNK_S = 5.0


class ReadFrame(NamedTuple):
    """A frame: when it is shown, as analyzers are told, and its picture, RGB uint8 [height, width, 3]."""

    time_s: float
    picture: np.ndarray


def read_stretches(
    path: Path,
    duration_s: float,
    stretches: Sequence[tuple[float, float]],
    request: FrameRequest,
    decoders: Decoders,
    until_s: float,
) -> list[ReadFrame | None]:
    """Of each of the stretches `[start_s, end_s)` the frame of `request` that is nearest to its middle.

    `duration_s` is the clip's length. None for a stretch that has none of these frames. Of a long clip, only
    what is around the middles is decoded. Raises InputError for a clip that cannot be decoded, and where that
    is not done by `until_s` of time.monotonic.
    """
    found: list[ReadFrame | None] = [None] * len(stretches)
    edges = chunk_edges(duration_s, CHUNK_S)
    around = [around_middle(stretch, 1 / request.fps) for stretch in stretches]
    spans = [chunks_between(edges, *span) for span in around]
    numbers = sorted({number for span in spans for number in span})
    for number, frames in read_chunks(path, numbers, request, decoders, until_s):
        for at, (stretch, span) in enumerate(zip(stretches, spans, strict=True)):
            if number in span:
                found[at] = nearer(found[at], stretch, frames)
    return found


def around_middle(stretch: tuple[float, float], step_s: float) -> tuple[float, float]:
    """The seconds of a stretch in which the frame that is nearest to its middle has to be."""
    middle_s = sum(stretch) / 2
    return max(stretch[0], middle_s - step_s), min(stretch[1], middle_s + step_s)


def chunks_between(edges: Sequence[float], start_s: float, end_s: float) -> range:
    """The numbers of the chunks that have any of `[start_s, end_s)`."""
    last = len(edges) - 2
    return range(min(last, bisect_right(edges, start_s) - 1), min(last, bisect_right(edges, end_s) - 1) + 1)


def nearer(best: ReadFrame | None, stretch: tuple[float, float], frames: Frames) -> ReadFrame | None:
    """The frame of the stretch that is nearest to its middle: `best`, or one of these."""
    start_s, end_s = stretch
    middle_s = (start_s + end_s) / 2
    reached = math.inf if best is None else abs(best.time_s - middle_s)
    for time_s, picture in zip(frames.times_s.tolist(), frames.images, strict=True):
        if start_s <= time_s < end_s and abs(time_s - middle_s) < reached:
            best, reached = ReadFrame(time_s, picture.copy()), abs(time_s - middle_s)
    return best


def read_chunks(
    path: Path, numbers: Sequence[int], request: FrameRequest, decoders: Decoders, until_s: float
) -> Iterator[tuple[int, Frames]]:
    """These chunks, in order, each with its frames, which are there until the next one is asked for.

    Chunks in between are not decoded. Raises InputError as `read_stretches` does.
    """
    name, digest, needs = os.fsencode(path), sha256(path), Needs((request,))
    wanted = Wanted(frozenset(needs.frames))
    runs = [number for number in numbers if number - 1 not in numbers]
    for first in runs:
        job = Open(name, digest, 1, wanted, Wanted(), CHUNK_S, first)
        journal = TemporaryJournal()
        with decoders.lend() as link, streamed(link, job, journal, nobody, AHEAD) as clip:
            number = first
            while number in numbers:
                clip.release(number)
                yield number, chunk_of(clip, number, needs, until_s).frames(*request)
                number += 1


def chunk_of(clip: StreamedClip, number: int, needs: Needs, until_s: float) -> SharedClip:
    """A chunk, once it is decoded. Raises InputError where it cannot be, or not by `until_s`."""
    try:
        while (piece := clip.chunk(number, needs)) is None:
            if time.monotonic() > until_s:
                raise InputError(f"clip.path: {clip.info.path} takes too long to decode once more")
            clip.wait(0.2)
    except ClipLost as error:
        raise InputError(str(error)) from error
    return piece
