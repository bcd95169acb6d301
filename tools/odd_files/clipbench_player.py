"""What clipbench makes of a file: every frame at full size, and the sound, as analyzers get them."""

from __future__ import annotations

from pathlib import Path

from clipbench.analyzers.base import FrameRequest, Needs, Settings
from clipbench.bench.clips.decoder_link import Decoders
from clipbench.bench.clips.decoding import open_clip
from clipbench.bench.errors import InputError
from clipbench.executors.layout import Task
from tools.odd_files.declaration import Refused, Shown
from tools.odd_files.seen import Seen, beeps_of, colours_at, level_of

#: Frames a second that no file has, so that each of its frames is given.
EVERY_FRAME = 1e6


def seen_by_clipbench(
    path: Path, right: Shown | Refused, decoders: Decoders, size: int = 0, fps: float = EVERY_FRAME
) -> Seen:
    """What clipbench makes of the file at `path`, in frames whose longer side has `size` pixels (0: all)."""
    wanted = FrameRequest(fps, size)
    task = Task("every_frame", Settings(), needs=Needs((wanted,), audio=True))
    places = list(right.colours or {}) if isinstance(right, Shown) else []
    try:
        with open_clip(path, [task], decoders, threads=1) as opened:
            clip = opened.wait_for_all()
            frames = clip.frames(*wanted)
            times_s = [float(time) for time in frames.times_s]
            levels = [level_of(image) for image in frames.images]
            colours = colours_at(frames.images[0], places)
            beeps_s = beeps_of(clip.audio()) if opened.has_audio else None
            info = opened.info
            del clip, frames  # their memory goes with the clip
    except InputError as error:
        return Seen(refused=str(error))
    return Seen(
        times_s=times_s,
        levels=levels,
        colours=colours,
        beeps_s=beeps_s,
        size=(info.width, info.height),
        duration_s=info.duration_s,
        told=(*info.remarks, info.tracks),
    )
