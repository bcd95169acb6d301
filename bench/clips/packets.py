"""A video file's packets: opening it, which tracks of it are read, and the packets of each in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from clipbench.bench.clips.clip_path import check_clip
from clipbench.bench.clips.clock import Clock
from clipbench.bench.errors import InputError

#: After this many errors in a row the rest of a file counts as unreadable.
READ_ERRORS_IN_A_ROW = 50
#: AVFMT_FLAG_GENPTS, which PyAV sets: it makes up times that packets lack, and reads far ahead for it.
GENERATE_TIMES = 1


class Tracks(NamedTuple):
    """The tracks that are read, by their number in the file; `chosen` says which, if there are several."""

    video: int
    audio: int | None
    chosen: str


def open_container(path: Path) -> Any:
    """The open PyAV container of the file at `path`. Raises InputError if it is no media file."""
    import av

    av.logging.set_level(None)
    check_clip(path)
    try:
        # An absolute path is never taken for a protocol (`http:`) or an option.
        container = av.open(str(path.absolute()), metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"clip.path: {path} cannot be read as video ({reason})") from error
    container.flags &= ~GENERATE_TIMES
    return container


def choose_tracks(container: Any, path: Path) -> Tracks:
    """The default track of each kind, else the first. Cover art is no video.

    Raises InputError if there is no video, or no decoder for any of it.
    """
    from av.stream import Disposition

    pictures = Disposition.attached_pic | Disposition.timed_thumbnails
    videos = [s for s in container.streams.video if not s.disposition & pictures]
    if not videos:
        art = " but cover art" if container.streams.video else ""
        raise InputError(f"clip.path: {path} has no video stream{art}")
    readable = [s for s in videos if s.codec_context is not None]
    if not readable:
        raise InputError(f"clip.path: {path} has video of a codec that cannot be decoded")
    video, audio = first_default(readable), None
    sounds = [s for s in container.streams.audio if s.codec_context is not None]
    chosen = [f"video track {videos.index(video) + 1} of {len(videos)}"] if len(videos) > 1 else []
    if sounds:
        audio = first_default(sounds)
        if len(sounds) > 1:
            chosen.append(f"sound track {sounds.index(audio) + 1} of {len(sounds)}")
    return Tracks(video.index, None if audio is None else audio.index, ", ".join(chosen))


def first_default(streams: list[Any]) -> Any:
    """The first stream that the file marks as default, else the first."""
    from av.stream import Disposition

    return next((s for s in streams if s.disposition & Disposition.default), streams[0])


def read_packets(container: Any, tracks: Tracks) -> Iterator[Any]:
    """The packets of both tracks in the order of the file, with data in them and times on one clock.

    A damaged stretch is passed over where the format lets reading go on behind it.
    """
    import av
    from av.stream import Discard

    streams = [container.streams[i] for i in (tracks.video, tracks.audio) if i is not None]
    for other in container.streams:
        if other not in streams:
            other.discard = Discard.all
    clock = Clock(container.format.flags)
    errors = 0
    while errors < READ_ERRORS_IN_A_ROW:
        try:
            for packet in container.demux(streams):
                errors = 0
                # Empty packets are AVI's way to show a frame for longer, and PyAV's sign for the end.
                if packet.size > 0:
                    clock.adjust(packet)
                    yield packet
            return
        except (av.error.FFmpegError, OSError, IndexError):  # PyAV knows no stream that a file adds later
            errors += 1


class PacketQueues:
    """The packets of picture and sound, each in its order; what lies between in the file waits compressed.

    So memory is bounded by how badly the two are interleaved, not by the clip's length.
    """

    def __init__(self, packets: Iterator[Any], tracks: Tracks, skip_video: int = 0) -> None:
        """The first `skip_video` packets of the picture are left out."""
        self._packets = packets
        self._video: deque[Any] = deque()
        self._audio: deque[Any] = deque()
        self._tracks, self._skip_video = tracks, skip_video
        self._sound_until_s = np.inf

    def leave_out_sound_after(self, end_s: float) -> None:
        """Keep no sound that is later than `end_s` of the file's time: nobody asks for it."""
        self._sound_until_s = end_s
        if end_s == -np.inf:
            self._audio.clear()

    def video(self) -> Any | None:
        """The next packet of the picture, None after the last."""
        return self._next(self._video)

    def audio(self) -> Any | None:
        """The next packet of the sound, None after the last."""
        return self._next(self._audio)

    def _next(self, queue: deque[Any]) -> Any | None:
        while not queue:
            packet = next(self._packets, None)
            if packet is None:
                return None
            if packet.stream_index == self._tracks.video:
                if self._skip_video:
                    self._skip_video -= 1
                else:
                    self._video.append(packet)
            elif packet.pts is None or packet.pts * float(packet.time_base) <= self._sound_until_s:
                self._audio.append(packet)
        return queue.popleft()
