"""Decoding: a clip's frames and sound, decoded once into shared memory for all analyzers and workers.

container.py reads the times of the frames, and the sound. OpenCV decodes the frames, because it is faster and
applies rotation metadata. Each requested frame is scaled once per size, straight into its place.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np

from clipbench.analyzers.base import Needs
from clipbench.bench.clips.clip_info import ClipInfo, sha256
from clipbench.bench.clips.container import READABLE_SHARE, read_container
from clipbench.bench.clips.shared_clip import ClipLayout, SharedClip, lay_out
from clipbench.bench.clips.shared_memory import allocate
from clipbench.bench.errors import InputError


@contextlib.contextmanager
def decode(
    path: Path,
    needs: Iterable[Needs],
    threads: int,
    background: bool = False,
    on_decoded: Callable[[], None] = lambda: None,
) -> Iterator[SharedClip]:
    """The clip at `path`, decoded for all `needs` together, as a context that frees its memory at the end.

    With `background`, the sound is ready at once and the frames follow: `SharedClip.decoded` says whether
    they are complete, and `on_decoded` is called when they are. Raises InputError if the file does not exist,
    is not a video, has no frames or is truncated.
    """
    needs = list(needs)
    container = read_container(path)
    requests = {
        request: frames_on_screen(container.times_s, container.duration_s, request.fps)
        for need in needs
        for request in need.frames
    }
    audio = container.audio if any(need.audio for need in needs) else None
    capture, first = open_video(path, threads)
    with contextlib.ExitStack() as stack:
        stack.callback(capture.release)
        height, width = first.shape[:2]
        info = ClipInfo(
            path=str(path),
            sha256=sha256(path),
            duration_s=container.duration_s,
            width=width,
            height=height,
            fps=container.fps,
            has_audio=container.audio is not None,
        )
        layout = lay_out(info, container.times_s, requests, None if audio is None else len(audio))
        memory = allocate(layout.size_bytes)
        stack.callback(memory.unlink)
        if audio is not None and layout.audio is not None:
            np.ndarray(audio.shape, np.float32, memory.buf, layout.audio.offset)[:] = audio
        decoder = Decoder(path, capture, first, layout, memory)

        def work() -> None:
            decoder.decode_frames()
            on_decoded()

        decoding: Future[None] | None = None
        if background:
            decoding = stack.enter_context(ThreadPoolExecutor(1, "decode")).submit(work)
        else:
            work()
        clip = SharedClip(layout, memory, decoding)
        try:
            yield clip
        finally:
            decoder.stop()
            if decoding is not None:
                wait([decoding])
            clip.close()


def frames_on_screen(times_s: np.ndarray, duration_s: float, fps: float) -> np.ndarray:
    """Indices of the frames on screen at 0, 1/fps, 2/fps …; all frames if there are no more than that."""
    if len(times_s) <= fps * duration_s * 1.001:
        return np.arange(len(times_s))
    at = np.arange(0.0, duration_s - 1e-6, 1.0 / fps)
    return np.searchsorted(times_s, at + 1e-4, side="right").clip(1) - 1


def open_video(path: Path, threads: int) -> tuple[Any, np.ndarray]:
    """An OpenCV capture of `path`, and its first frame `[H, W, 3]` (BGR, rotated as the file says).

    Raises InputError if not a single frame can be decoded.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # our own errors say what is wrong with a file
    import cv2

    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, threads])
    opened, first = capture.read()
    if not opened:
        capture.release()
        raise InputError(f"clip.path: no frame of {path} can be decoded")
    return capture, first


@dataclass(frozen=True)
class FrameRows:
    """The frames of one size in memory, `images` [frames, H, W, 3], and frame index → row of `images`."""

    images: np.ndarray
    row_of: dict[int, int]


class Decoder:
    """Decodes the frames that a layout has room for, and puts them there."""

    def __init__(
        self,
        path: Path,
        capture: Any,
        first: np.ndarray,
        layout: ClipLayout,
        memory: SharedMemory,
    ) -> None:
        self.path, self.capture, self.first = path, capture, first
        self.total = len(layout.times_s)
        self.sizes = [
            FrameRows(
                np.ndarray(block.shape, np.uint8, memory.buf, block.offset),
                {int(frame): row for row, frame in enumerate(block.indices)},
            )
            for block in layout.frames.values()
        ]
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Make `decode_frames`, in whichever thread it runs, return before its next frame."""
        self._stopped.set()

    def decode_frames(self) -> None:
        """Decode every requested frame, scale it and store it as RGB. Raises InputError for a truncated file.

        Frames that are missing at the very end (less than 2 %) repeat the last one.
        """
        import cv2

        image = self.first
        for index in range(self.total):
            if self._stopped.is_set():
                return
            wanted = [rows for rows in self.sizes if index in rows.row_of]
            if index > 0:
                grabbed = self.capture.grab()
                if grabbed and wanted:
                    grabbed, image = self.capture.retrieve()
                if not grabbed:
                    self._end_early(index)
                    return
            halves = [image]
            for rows in wanted:
                small = shrunk(halves, *rows.images.shape[1:3])
                cv2.cvtColor(small, cv2.COLOR_BGR2RGB, dst=rows.images[rows.row_of[index]])

    def _end_early(self, index: int) -> None:
        """Frame `index` and those after it cannot be decoded: repeat the one before, unless many are lost."""
        if index < READABLE_SHARE * self.total:
            raise InputError(
                f"clip.path: {self.path} is truncated: {index} of {self.total} frames can be decoded"
            )
        for rows in self.sizes:
            for frame, row in rows.row_of.items():
                if frame >= index and row > 0:
                    rows.images[row] = rows.images[row - 1]


def shrunk(halves: list[np.ndarray], height: int, width: int) -> np.ndarray:
    """The frame `halves[0]` in another size: halved for as long as it stays large enough, then scaled.

    Halving by areas is many times faster than one large step, and gives the same, apart from rounding, where
    the sizes are whole multiples. `halves` collects the steps for the next size. The outcome depends on the
    frame and the size alone, so that an analyzer sees the same frames whoever else reads the clip.
    """
    import cv2

    step = 0
    while True:
        image = halves[step]
        rows, columns = image.shape[:2]
        if rows % 2 or columns % 2 or rows // 2 < height or columns // 2 < width:
            break
        step += 1
        if step == len(halves):
            halves.append(cv2.resize(image, (columns // 2, rows // 2), interpolation=cv2.INTER_AREA))
    if image.shape[:2] == (height, width):
        return image
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
