"""Files that are no usable clips, each with a part of the line that refuses it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.support.video_files import numbered_frames, write_clip


def truncated(tmp_path: Path) -> Path:
    path = write_clip(tmp_path / "cut.mp4", noise(90), faststart=True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def truncated_without_index(tmp_path: Path) -> Path:
    path = write_clip(tmp_path / "cut.mp4", noise(90))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (count, 64, 64, 3), np.uint8)


def text_file(tmp_path: Path) -> Path:
    (tmp_path / "words.mp4").write_text("this is no video\n" * 100)
    return tmp_path / "words.mp4"


def sound_only(tmp_path: Path) -> Path:
    import av

    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="flt", layout="mono")
        frame.sample_rate, frame.pts = 16000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def no_frames(tmp_path: Path) -> Path:
    """A video track of which not one frame can be decoded."""
    path = write_clip(tmp_path / "empty.mp4", numbered_frames(3, 64, 64))
    data = bytearray(path.read_bytes())
    at = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    data[at:end] = bytes(end - at)
    path.write_bytes(data)
    return path


BAD_CLIPS = {
    "missing": (lambda tmp: tmp / "nothing.mp4", "there is no file"),
    "folder": (lambda tmp: tmp, "is a folder"),
    "text file": (text_file, "cannot be read as video"),
    "truncated": (truncated, "truncated"),
    "truncated, index lost": (truncated_without_index, "cannot be read as video"),
    "no video stream": (sound_only, "no video stream"),
    "zero frames": (no_frames, "no frame of"),
    "empty": (lambda tmp: (tmp / "empty.mp4").touch() or tmp / "empty.mp4", "cannot be read as video"),
}
