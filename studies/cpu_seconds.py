"""What runs of two checkouts take of the processors, in turns: all processes, and the one that measures.

    python -m studies.cpu_seconds OLD NEW --turns 3 -- scenario.repeats=1
    python -m studies.cpu_seconds OLD NEW --turns 3 --clips 1000 -- scenario=offline only=[color_analysis]

OLD and NEW are folders with run.py; both run with the Python that runs this. Everything after `--` goes to
run.py. With --clips, a clip of two seconds is rendered and linked so many times into a folder, which is the
queue. The memory of the process that measures is printed at a tenth of the run and at its end.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from tests.support.video_files import numbered_frames, write_clip

#: Seconds between two looks at the process.
LOOK_S = 0.2
#: Seconds and frames a second of a clip of the queue.
CLIP_S, FPS = 2, 30


@dataclass(frozen=True)
class Taken:
    """CPU seconds of all processes of a run and of the one that measures, and MB of its memory."""

    all_s: float
    driver_s: float
    early_mb: float
    end_mb: float


def taken(command: Sequence[str], checkout: Path) -> Taken:
    """Run a command in a checkout to its end."""
    looks: list[tuple[float, float]] = []
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=checkout, stdout=log, stderr=subprocess.STDOUT)
        driver = psutil.Process(process.pid)
        ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        while ended is None:
            with contextlib.suppress(psutil.Error):
                times = driver.cpu_times()
                if rss := driver.memory_info().rss:  # one that has ended has none
                    looks.append((times.user + times.system, rss / 1e6))
            time.sleep(LOOK_S)
            ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        _, status, usage = os.wait4(process.pid, 0)  # of the process and of all that it has waited for
        if os.waitstatus_to_exitcode(status) not in (0, 1):
            log.seek(0)
            raise SystemExit(f"{checkout}: {log.read().decode(errors='replace')[-2000:]}")
    early, end = looks[len(looks) // 10], looks[-1]
    return Taken(usage.ru_utime + usage.ru_stime, end[0], early[1], end[1])


def queue(folder: Path, clips: int) -> Path:
    """A folder of so many clips, all of which are one file."""
    first = write_clip(folder / "clip.mp4", numbered_frames(CLIP_S * FPS, 320, 240), fps=FPS)
    (folder / "clips").mkdir()
    for number in range(clips):
        os.link(first, folder / "clips" / f"{number:05}.mp4")
    return folder / "clips"


def main() -> None:
    """Run both in turns, and print what each took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for side in ("old", "new"):
        parser.add_argument(side, type=Path, metavar=side.upper(), help="a folder with run.py")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--clips", type=int, default=0, help="clips of a queue (default: the run's own clip)")
    parser.add_argument("overrides", nargs="*")
    asked = parser.parse_intermixed_args()
    found: dict[Path, list[Taken]] = {checkout: [] for checkout in (asked.old, asked.new)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = [f"clip.path={queue(folder, asked.clips)}"] if asked.clips else []
        for turn, checkout in itertools.product(range(asked.turns), found):
            output = folder / f"{turn}-{'old' if checkout == asked.old else 'new'}"
            command = [sys.executable, "run.py", *clips, *asked.overrides, f"hydra.run.dir={output}"]
            found[checkout].append(taken(command, checkout.resolve()))
            print(f"turn {turn + 1}  {checkout}  {found[checkout][-1]}", flush=True)
    old, new = found.values()
    for what in ("all_s", "driver_s", "early_mb", "end_mb"):
        before, after = (median(getattr(each, what) for each in side) for side in (old, new))
        print(f"{what:<9} {before:9.2f} → {after:9.2f}  × {after / before:.2f}")


if __name__ == "__main__":
    main()
