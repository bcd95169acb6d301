"""Odd files beside a judge: what the ffmpeg command shows of each, and what clipbench makes of it.

    python -m studies.odd_files [NAME …]              prints a table of all files, or of those named
    python -m studies.odd_files --docs docs/media.md  writes it into a page, between its marks

What is declared as right is checked against the command, where there is one; the tests need none.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from clipbench.bench.clips.decoder_link import Decoders
from tools.odd_files import ODD_FILES, OddFile, Refused, Seen, Shown, Workshop, differences
from tools.odd_files.clipbench_player import seen_by_clipbench
from tools.odd_files.seen import RATE, beeps_of, colours_at, level_of

#: The marks between which the table stands in a page.
BEGIN, END = "<!-- odd files -->", "<!-- end of odd files -->"
#: Seconds of sound that the judge listens to.
LISTENS_S = 30
#: Pixels as wide as high, as a player draws them, and each frame told.
PICTURE = [
    "-vf",
    "scale=round(iw*if(sar\\,sar\\,1)):ih,setsar=1,showinfo",
    "-vsync",
    "passthrough",
    "-sws_flags",
    "accurate_rnd+full_chroma_int",
    "-pix_fmt",
    "rgb24",
    "-f",
    "rawvideo",
]
SOUND = ["-vn", "-af", "aresample=async=1:first_pts=0", "-ac", "1", "-ar", str(RATE), "-f", "f32le"]


def shown_by_ffmpeg(path: Path, right: Shown | Refused) -> Seen:
    """What the ffmpeg command shows of the file at `path`; picture and sound come from one call."""
    with tempfile.TemporaryDirectory() as folder:
        pictures, sound = Path(folder, "pictures"), Path(folder, "sound")
        command = ["ffmpeg", "-hide_banner", "-nostdin", "-y", "-i", f"file:{path}", *PICTURE, str(pictures)]
        heard = [*SOUND, "-t", str(LISTENS_S), str(sound)]
        told = subprocess.run([*command, *heard], capture_output=True, timeout=120).stderr
        if b"Output file #1 does not contain any stream" in told:
            told = subprocess.run(command, capture_output=True, timeout=120).stderr
        lines = told.decode(errors="replace")
        shown = re.findall(r"\bn: *\d+ pts: *\S+ pts_time: *(\S+).*? s:(\d+)x(\d+)", lines)
        if not shown:
            return Seen(refused=lines.strip().splitlines()[-1] if lines.strip() else "no frames")
        width, height = int(shown[0][1]), int(shown[0][2])
        images = np.fromfile(pictures, np.uint8).reshape(-1, height, width, 3)
        samples = np.fromfile(sound, np.float32) if sound.exists() else np.zeros(0, np.float32)
    times = np.array([float(time) for time, _, _ in shown])
    beeps = beeps_of(np.nan_to_num(samples, posinf=0, neginf=0))
    places = (right.colours or {}) if isinstance(right, Shown) else {}
    return Seen(
        times_s=list(times - times[0]),
        levels=[level_of(image) for image in images],
        colours=colours_at(images[0], places) if len(images) else {},
        beeps_s=[beep - times[0] for beep in beeps if beep - times[0] > -0.05] if len(samples) else None,
        size=(width, height),
    )


def judged(odd: OddFile, path: Path) -> str:
    """A cell of the table: what the ffmpeg command shows of the file, beside what is declared as right."""
    if path.is_fifo():
        return "waits without end"
    seen = shown_by_ffmpeg(path, odd.right)
    if isinstance(odd.right, Refused):
        wrong = [] if seen.refused else differences(odd.right, seen)
        return f"{wrong[0]}: {odd.ffmpeg_differs or 'WHY?'}" if wrong else "refuses"
    wrong = differences(odd.right, seen)
    return f"{'; '.join(wrong)}: {odd.ffmpeg_differs or 'WHY?'}" if wrong else "the same"


def played(odd: OddFile, path: Path, decoders: Decoders) -> str:
    """A cell of the table: what clipbench makes of the file."""
    seen = seen_by_clipbench(path, odd.right, decoders)
    wrong = differences(odd.right, seen)
    if wrong:
        return "WRONG: " + "; ".join(wrong)
    if isinstance(odd.right, Refused):
        return f"refused: {odd.right.why}"
    return ". ".join([described(odd.right), *filter(None, seen.told or ())])


def described(right: Shown) -> str:
    """What is right in a few words."""
    frames = len(right.times_s)
    parts = [f"{frames} frame{'s' if frames > 1 else ''}"]
    if right.duration_s is not None:
        parts.append(f"{right.duration_s:.2f} s")
    if right.size is not None and right.size != (64, 48):
        parts.append(f"{right.size[0]}×{right.size[1]}")
    if right.beeps_s:
        parts.append(f"beeps from {right.beeps_s[0]:.2f} s")
    elif right.beeps_s is not None:
        parts.append("silence")
    return ", ".join(parts)


def rows(names: list[str], folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """The rows of the table: file, what it is, what the ffmpeg command shows, what clipbench shows."""
    has_judge = shutil.which("ffmpeg") is not None
    workshop = Workshop(folder / "parts")
    workshop.folder.mkdir()
    with Decoders() as decoders:
        for name, odd in ODD_FILES.items():
            if not names or name in names:
                path = folder / name
                odd.write(path, workshop)
                shown = judged(odd, path) if has_judge else "not judged"
                yield name, odd.what, shown, played(odd, path, decoders)


def table(names: list[str]) -> str:
    """The table as Markdown."""
    lines = ["| file | what it is | the ffmpeg command shows | clipbench shows |", "|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        for name, *cells in rows(names, Path(folder)):
            shown = os.fsencode(name).decode(errors="backslashreplace")
            shown = shown if len(shown) < 60 else f"{shown[:20]}…{shown[-8:]}"
            lines.append(
                "| " + " | ".join(cell.replace("|", "\\|") for cell in (f"`{shown}`", *cells)) + " |"
            )
    return "\n".join(lines)


def main() -> None:
    """Print the table, or write it into a page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*")
    parser.add_argument("--docs", type=Path)
    options = parser.parse_args()
    made = table(options.names)
    if options.docs is None:
        print(made)
        return
    page = options.docs.read_text(encoding="utf-8")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    options.docs.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
