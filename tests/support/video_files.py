"""Small video files with known content, written for a test."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

RATE = 16_000


def numbered_frames(count: int, width: int, height: int) -> np.ndarray:
    """RGB frames in which frame i is uniformly grey at level 8 + 3i, with a bright top left quarter."""
    frames = np.zeros((count, height, width, 3), np.uint8)
    for i in range(count):
        frames[i] = 8 + 3 * i
        frames[i, : height // 2, : width // 2, 0] = 250
    return frames


def write_clip(
    path: Path,
    frames: np.ndarray,
    fps: Fraction | int = 30,
    tone_hz: float | None = None,
    times: list[int] | None = None,
    codec: str = "libx264",
    faststart: bool = False,
) -> Path:
    """Encode `frames` at `fps`, with a tone where one is asked for; `times` in ticks of 1/fps."""
    options = {"movflags": "faststart"} if faststart else {}
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=Fraction(fps))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p" if frames.shape[1] % 2 == frames.shape[2] % 2 == 0 else "yuv444p"
        if codec == "libx264":
            stream.options = {"crf": "10", "preset": "ultrafast"}
        sound = None
        if tone_hz is not None:
            sound = container.add_stream("aac", rate=RATE, layout="mono")
        for i, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = times[i] if times else i, 1 / Fraction(fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            seconds = float(((times[-1] if times else len(frames) - 1) + 1) / Fraction(fps))
            t = np.arange(round(seconds * RATE)) / RATE
            tone = (0.5 * np.sin(2 * np.pi * tone_hz * t)).astype(np.float32)[None]
            piece = av.AudioFrame.from_ndarray(tone, format="flt", layout="mono")
            piece.sample_rate, piece.pts = RATE, 0
            container.mux(sound.encode(piece))
            container.mux(sound.encode(None))
    return path


def rotate(path: Path, degrees: int) -> None:
    """Patch the display matrix of the mp4 at `path` so that players turn it by 90 degrees."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4
    version = data[at]
    matrix = at + 4 + (32 if version else 20) + 16
    one = 1 << 16
    turned = {90: (0, one, 0, -one & 0xFFFFFFFF, 0, 0), 0: (one, 0, 0, 0, one, 0)}[degrees]
    for i, value in enumerate((*turned, 0, 0, 1 << 30)):
        data[matrix + 4 * i : matrix + 4 * i + 4] = int(value).to_bytes(4, "big")
    path.write_bytes(data)


def beginning(source: Path, path: Path, seconds: float) -> Path:
    """The first `seconds` of a file, with all its streams and nothing encoded anew."""
    with av.open(str(source)) as whole, av.open(str(path), "w") as container:
        streams = {s.index: container.add_stream_from_template(s) for s in whole.streams}
        for packet in whole.demux():
            if packet.dts is not None and packet.pts * packet.time_base < seconds:
                packet.stream = streams[packet.stream.index]
                container.mux(packet)
    return path
