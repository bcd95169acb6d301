"""Odd files beside a judge: what the ffmpeg command shows of each, and what clipbench makes of it.

    python -m studies.odd_files [NAME …]              prints a table of all files, or of those named
    python -m studies.odd_files --docs docs/media.md  writes it between the marks in a page

What is declared as right is checked against the command, where there is one; the tests need none.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np

from tools.odd_files import Refused, Seen, Shown
from tools.odd_files.seen import RATE, beeps_of, colours_at, level_of

#: Seconds of sound that the judge listens to.
LISTENS_S = 30


def ffmpeg(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """The ffmpeg command with `arguments`."""
    return subprocess.run(["ffmpeg", "-hide_banner", "-nostdin", *arguments], capture_output=True, timeout=120)


def shown_by_ffmpeg(path: Path, right: Shown | Refused) -> Seen:
    """What the ffmpeg command shows of the file at `path`."""
    source = f"file:{path}"
    told = ffmpeg("-i", source, "-vf", "showinfo", "-an", "-vsync", "passthrough", "-f", "null", "-")
    lines = told.stderr.decode(errors="replace")
    shown = re.findall(r"\bn: *\d+ pts: *\S+ pts_time: *(\S+).*? s:(\d+)x(\d+)", lines)
    if not shown:
        return Seen(refused=lines.strip().splitlines()[-1] if lines.strip() else "no frames")
    times = np.array([float(time) for time, _, _ in shown])
    width, height = int(shown[0][1]), int(shown[0][2])
    raw = ffmpeg("-v", "error", "-i", source, "-an", "-vsync", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    images = np.frombuffer(raw.stdout, np.uint8)
    images = images[: len(images) // (height * width * 3) * (height * width * 3)].reshape(-1, height, width, 3)
    places = (right.colours or {}) if isinstance(right, Shown) else {}
    return Seen(
        times_s=list(times - times[0]),
        levels=[level_of(image) for image in images],
        colours=colours_at(images[0], places) if len(images) else {},
        beeps_s=heard_by_ffmpeg(source, float(times[0])),
        size=(width, height),
    )


def heard_by_ffmpeg(source: str, first_s: float) -> list[float] | None:
    """The times of the beeps from the first frame on, which stands at `first_s`; None without sound."""
    mono = "aresample=async=1:first_pts=0"
    raw = ffmpeg("-v", "error", "-i", source, "-vn", "-af", mono, "-ac", "1", "-ar", str(RATE),
                 "-t", str(LISTENS_S + max(0.0, first_s)), "-f", "f32le", "-")  # fmt: skip
    if len(raw.stdout) < 4:
        return None
    samples = np.frombuffer(raw.stdout[: len(raw.stdout) // 4 * 4], np.float32)
    beeps = beeps_of(np.nan_to_num(samples, posinf=0, neginf=0))
    return [beep - first_s for beep in beeps if beep - first_s > -0.05]
