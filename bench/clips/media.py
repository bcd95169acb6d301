"""A clip, decoded once into shared memory for all analyzers and workers.

clips.container has read the frames' times and the sound; OpenCV decodes the frames, which it does faster,
and applies rotation metadata. Each frame that somebody asked for is scaled once per size, straight into
its place.
"""

from __future__ import annotations

import _posixshmem
import contextlib
import hashlib
import mmap
import os
import secrets
import sys
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from multiprocessing import shared_memory
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from clipbench.analyzers.base import FrameRequest, Frames, Needs, NothingToAnalyze
from clipbench.bench.clips.container import READABLE_SHARE, read_container
from clipbench.bench.errors import InputError

#: What the names of our shared memory begin with; the owner's process follows.
MEMORY = "clipbench"


@dataclass(frozen=True)
class ClipInfo:
    """What result.json says of a clip. Width and height are as shown, after rotation."""

    path: str
    sha256: str
    duration_s: float
    width: int
    height: int
    fps: float
    has_audio: bool


def sample(times_s: np.ndarray, duration_s: float, fps: float) -> np.ndarray:
    """Which frames are on screen at 0, 1/fps, 2/fps …; all of them where there are no more than that."""
    if len(times_s) <= fps * duration_s * 1.001:
        return np.arange(len(times_s))
    at = np.arange(0.0, duration_s - 1e-6, 1.0 / fps)
    return np.searchsorted(times_s, at + 1e-4, side="right").clip(1) - 1


def scaled(width: int, height: int, size: int) -> tuple[int, int]:
    """Width and height with the longer side at most `size` (0: unchanged)."""
    scale = min(1.0, size / max(width, height)) if size else 1.0
    return max(1, round(width * scale)), max(1, round(height * scale))


@dataclass(frozen=True)
class Layout:
    """Where a decoded clip lies in its shared memory: enough to attach to it from another process.

    `frames` maps a size to (byte offset, shape, indices of the clip's frames that are there).
    """

    info: ClipInfo
    name: str
    times_s: np.ndarray
    requests: dict[FrameRequest, np.ndarray]
    frames: dict[int, tuple[int, tuple[int, int, int, int], np.ndarray]]
    audio: tuple[int, int] | None

    def open(self) -> SharedClip:
        """The clip, from any process of this machine: nothing is copied."""
        return SharedClip(self, attach(self.name))


@dataclass(frozen=True)
class Exported:
    """A clip as data, for machines that do not share memory: what a SharedClip has in it, as one array."""

    layout: Layout
    buf: np.ndarray

    def open(self) -> SharedClip:
        """The clip, over the array: nothing is copied."""
        return SharedClip(self.layout, self)

    def close(self) -> None:
        """Nothing to let go of: the array frees itself."""


class Attached:
    """What `SharedMemory(name, track=False)` is in Python 3.13: see `attach`."""

    def __init__(self, name: str) -> None:
        number = _posixshmem.shm_open(f"/{name}", os.O_RDWR, mode=0o600)
        try:
            self._map = mmap.mmap(number, 0)
        finally:
            os.close(number)
        self.buf = memoryview(self._map)

    def close(self) -> None:
        """Let go of the memory; raises BufferError while an array still uses it."""
        self.buf.release()
        self._map.close()


Memory: TypeAlias = shared_memory.SharedMemory | Attached | Exported


class SharedClip:
    """A ClipView over shared memory; see base.ClipView and base.Clip."""

    def __init__(self, layout: Layout, memory: Memory, filling: Future | None = None) -> None:
        self._layout, self._memory, self._memo, self._filling = layout, memory, {}, filling
        self.info = info = layout.info
        self.duration_s, self.fps, self.has_audio = info.duration_s, info.fps, info.has_audio
        self.width, self.height = info.width, info.height

    def share(self) -> Layout:
        """What another process needs to open this clip."""
        return self._layout

    def export(self) -> Exported:
        """The decoded clip as data that can be pickled."""
        return Exported(self._layout, np.frombuffer(self._memory.buf, np.uint8))

    def decoded(self) -> bool:
        """Whether all frames are there; raises InputError for a file that turned out to be truncated."""
        if self._filling is None:
            return True
        return self._filling.done() and self._filling.result() is None

    def close(self) -> None:
        """Let go of what was derived from the clip, and of the memory, which its owner frees."""
        self._memo.clear()
        with contextlib.suppress(BufferError):  # an array that someone still holds: freed with it
            self._memory.close()

    def frames(self, fps: float, size: int) -> Frames:
        if self._filling is not None:
            self._filling.result()
        wanted = self._layout.requests.get(FrameRequest(fps, size))
        if wanted is None:
            raise KeyError(f"frames at fps={fps}, size={size} were not asked for: name them in needs()")
        offset, shape, present = self._layout.frames[size]
        images = np.ndarray(shape, np.uint8, self._memory.buf, offset)
        images.flags.writeable = False
        rows = np.searchsorted(present, wanted)
        steps = np.diff(rows)
        if len(steps) and steps[0] > 0 and (steps == steps[0]).all():
            picked = images[rows[0] : rows[-1] + 1 : steps[0]]  # a view: no copy
        else:
            picked = images[rows]
        return Frames(self._layout.times_s[wanted], picked)

    def audio(self) -> np.ndarray:
        if self._layout.audio is None:
            raise NothingToAnalyze("the clip has no audio track")
        offset, length = self._layout.audio
        samples = np.ndarray((length,), np.float32, self._memory.buf, offset)
        samples.flags.writeable = False
        return samples

    def memo(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        if key not in self._memo:
            self._memo[key] = compute()
        return self._memo[key]


@contextlib.contextmanager
def decode(
    path: Path,
    needs: Iterable[Needs],
    threads: int,
    background: bool = False,
    on_decoded: Callable[[], None] = lambda: None,
) -> Iterator[SharedClip]:
    """The clip at `path`, decoded for all `needs` together, as a context that frees it at the end.

    In the `background`, sound is there at once and frames follow: `SharedClip.decoded` tells when, and
    `on_decoded` is called then. Raises InputError for a file that is missing, is no video, has no frames or
    is truncated.
    """
    needs = list(needs)
    container = read_container(path)
    requests = {r: sample(container.times_s, container.duration_s, r.fps) for n in needs for r in n.frames}
    audio = container.audio if any(n.audio for n in needs) else None
    capture, first = open_video(path, threads)
    stop = threading.Event()
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
        places, size = lay_out(info, container.times_s, requests, audio)
        memory = allocate(size)
        stack.callback(memory.unlink)
        layout = Layout(info, memory.name, *places)
        if audio is not None:
            np.ndarray(audio.shape, np.float32, memory.buf, layout.audio[0])[:] = audio

        def work() -> None:
            fill(capture, first, layout, memory, path, stop)
            on_decoded()

        filling = None
        if background:
            pool = stack.enter_context(ThreadPoolExecutor(1, "decode"))
            filling = pool.submit(work)
            stack.callback(stop.set)
        else:
            work()
        clip = SharedClip(layout, memory, filling)
        try:
            yield clip
        finally:
            stop.set()
            if filling is not None:
                wait([filling])
            clip.close()


def open_video(path: Path, threads: int) -> tuple[Any, np.ndarray]:
    """An OpenCV capture of `path` and its first frame (BGR, rotated as the file says)."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # what is wrong with a file is said once, by us
    import cv2

    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, threads])
    opened, first = capture.read()
    if not opened:
        capture.release()
        raise InputError(f"clip.path: no frame of {path} can be decoded")
    return capture, first


def lay_out(
    info: ClipInfo, times_s: np.ndarray, requests: dict, audio: np.ndarray | None
) -> tuple[tuple, int]:
    """The places of all frames and of the audio, as the last fields of a Layout, and the bytes in all."""
    offset = 0
    frames = {}
    for size in sorted({r.size for r in requests}):
        present = np.unique(np.concatenate([rows for r, rows in requests.items() if r.size == size]))
        width, height = scaled(info.width, info.height, size)
        shape = (len(present), height, width, 3)
        frames[size] = (offset, shape, present)
        offset += -(-int(np.prod(shape)) // 64) * 64
    place = (offset, len(audio)) if audio is not None else None
    return (times_s, requests, frames, place), max(64, offset + 4 * (len(audio) if audio is not None else 0))


def allocate(size: int) -> shared_memory.SharedMemory:
    """Shared memory that is really there: a full /dev/shm is an error now, not a SIGBUS at some write."""
    # A name that says whose it is, and is nobody else's: process numbers come again.
    name = f"{MEMORY}-{os.getpid()}-{secrets.token_hex(4)}"
    memory = shared_memory.SharedMemory(name, create=True, size=size)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(memory._fd, 0, size)
    except OSError as error:
        memory.close()
        memory.unlink()
        raise InputError(
            f"the frames need {size / 1e6:.0f} MB of shared memory, and /dev/shm has not that much "
            f"({error.strerror}); in a container, raise its --shm-size"
        ) from error
    return memory


def attach(name: str) -> shared_memory.SharedMemory | Attached:
    """Shared memory that another process owns and alone frees.

    Before Python 3.13, SharedMemory tells the resource tracker of every attachment. A worker that
    multiprocessing did not start has a tracker of its own, which removes the memory when that worker dies.
    """
    if sys.version_info >= (3, 13):
        return shared_memory.SharedMemory(name, track=False)
    return Attached(name)


def fill(
    capture: Any,
    first: np.ndarray,
    layout: Layout,
    memory: shared_memory.SharedMemory,
    path: Path,
    stop: threading.Event,
) -> None:
    """Until told to stop, decode every frame that somebody wants, scale it and put it in its place as RGB."""
    import cv2

    places = {
        size: (
            np.ndarray(shape, np.uint8, memory.buf, offset),
            {int(f): row for row, f in enumerate(present)},
        )
        for size, (offset, shape, present) in layout.frames.items()
    }
    total = len(layout.times_s)
    image = first
    for index in range(total):
        if stop.is_set():
            return
        wanted = [size for size, (_, rows) in places.items() if index in rows]
        if index > 0:
            grabbed = capture.grab()
            if grabbed and wanted:
                grabbed, image = capture.retrieve()
            if not grabbed:
                if index < READABLE_SHARE * total:
                    raise InputError(
                        f"clip.path: {path} is truncated: {index} of {total} frames can be decoded"
                    )
                repeat_last(places, index)
                return
        halves = [image]
        for size in wanted:
            array, rows = places[size]
            small = shrunk(halves, *array.shape[1:3])
            cv2.cvtColor(small, cv2.COLOR_BGR2RGB, dst=array[rows[index]])


def shrunk(halves: list[np.ndarray], height: int, width: int) -> np.ndarray:
    """The frame `halves[0]` in another size, halved for as long as it stays large enough, then scaled.

    Halving by areas is many times faster than a larger step, and where sizes are whole multiples gives the
    same but for rounding. `halves` keeps the steps for the next size. What comes out depends on the frame and
    the size alone, so that an analyzer sees the same whoever else reads the clip.
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


def repeat_last(places: dict[int, tuple[np.ndarray, dict[int, int]]], index: int) -> None:
    """Fill the rows from frame `index` on, which cannot be decoded, with the frame before."""
    for array, rows in places.values():
        for frame, row in rows.items():
            if frame >= index and row > 0:
                array[row] = array[row - 1]


def sha256(path: Path) -> str:
    """The file's SHA-256, in hex; raises InputError for one that cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"clip.path: {path} cannot be read: {error.strerror}") from error


def describe(info: ClipInfo) -> dict[str, Any]:
    """`info` as result.json has it."""
    return asdict(info)
