"""Damaged clips, from a seed: each is played, or refused in one line.

    python -m studies.fuzz --files 3000 --seed 1

Exit code 1 says that one of them was neither, that a decoder took too long or too much memory, or that
something was left in /dev/shm. Where there is an ffmpeg command, it says which of the files with one to three
flipped bits can be played: of a hundred, at most three of these may be refused.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from clipbench.bench.clips.decoder_link import Decoders
from clipbench.bench.clips.decoding import open_clip
from clipbench.bench.clips.shared_memory import MEMORY_PREFIX
from clipbench.bench.errors import InputError
from tools.odd_files import Refused
from tools.odd_files.clipbench_player import seen_by_clipbench
from tools.odd_files.damaging import Damaged, damaged

#: Seconds that a file of one second may take.
LIMIT_S = 30
MOST_BYTES = 2 * 2**30
#: A clip of one second that says it lasts longer than this many is told of, and not decoded: its sound alone
#: would take gigabytes.
LONGEST_S = 3600
#: The longer side of the frames that are asked for.
SIZE = 64
#: Of the 30 frames of a sound clip, how many the judge has to show for "plays".
ENOUGH_FRAMES = 29
#: No file is known to be refused or not: this asks for nothing in particular.
ANYTHING = Refused("", "")


@dataclass(frozen=True)
class Outcome:
    """What became of a damaged file: "played", "refused", or "failed" with a reason or a traceback."""

    file: Damaged
    kind: str
    line: str
    frames: int
    seconds: float

    def is_fine(self) -> bool:
        """Whether it was played, or refused in one line, in good time."""
        one_line = self.line.startswith("clip.path: ") and "\n" not in self.line
        # The decoder names the class of an error that nobody has thought of.
        foreseen = not re.search(r"cannot be decoded: \w+Error", self.line)
        fine = self.kind == "played" or (self.kind == "refused" and one_line and foreseen)
        return fine and self.seconds < LIMIT_S

    def cost_a_decoder(self) -> bool:
        """Whether the process that decoded it is gone."""
        return "the decoder was ended" in self.line


@dataclass
class Report:
    """The outcomes of many files, the most memory of a process, and what was left in /dev/shm.

    `refused_wrongly` has the files with few flipped bits that were refused although the judge plays them; it
    is None without a judge.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    peak_bytes: int = 0
    left_behind: list[str] = field(default_factory=list)
    refused_wrongly: list[Outcome] | None = None

    def of(self, damage: str) -> list[Outcome]:
        """The outcomes of one kind of damage."""
        return [outcome for outcome in self.outcomes if outcome.file.damage == damage]


def outcome_of(file: Damaged, decoders: Decoders) -> Outcome:
    """Play one file."""
    started = time.monotonic()
    try:
        with contextlib.suppress(InputError), open_clip(file.path, [], decoders, threads=1) as clip:
            if clip.duration_s > LONGEST_S:
                line = f"lasts {clip.duration_s:.0f} s"
                return Outcome(file, "failed", line, 0, time.monotonic() - started)
        seen = seen_by_clipbench(file.path, ANYTHING, decoders, SIZE)
    except Exception:  # this is what is looked for
        return Outcome(file, "failed", traceback.format_exc(), 0, time.monotonic() - started)
    kind = "played" if seen.refused is None else "refused"
    return Outcome(file, kind, seen.refused or "", len(seen.times_s), time.monotonic() - started)


def fuzz(count: int, seed: int, judge: bool = False) -> Report:
    """Play `count` damaged files, whose damage depends on `seed` alone."""
    report = Report(refused_wrongly=[] if judge else None)
    before = peak_bytes(os.getpid())
    with tempfile.TemporaryDirectory() as folder, Decoders() as decoders:
        for file in damaged(Path(folder), count, seed):
            outcome = outcome_of(file, decoders)
            report.outcomes.append(outcome)
            report.peak_bytes = max(report.peak_bytes, most_bytes(before))
            refused = outcome.kind != "played" and file.damage == "few_bits"
            if report.refused_wrongly is not None and refused and plays(file.path):
                report.refused_wrongly.append(outcome)
    report.left_behind = [path.name for path in Path("/dev/shm").glob(f"{MEMORY_PREFIX}-{os.getpid()}-*")]
    return report


def most_bytes(before: int) -> int:
    """The most memory that a process started here has had, or that this one has had more than `before`.

    What this process had before has nothing to do with damaged files.
    """
    started = [peak_bytes(process.pid) for process in psutil.Process().children()]
    return max([peak_bytes(os.getpid()) - before, *started])


def peak_bytes(pid: int) -> int:
    """The most memory that a process has had so far; 0 if it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return max(
        (int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM")), default=0
    )


def plays(path: Path) -> bool:
    """Whether the ffmpeg command shows nearly all frames of the file."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", f"file:{path}", "-an", "-f", "framecrc", "-"]
    shown = subprocess.run(command, capture_output=True, timeout=LIMIT_S).stdout
    return sum(not line.startswith(b"#") for line in shown.splitlines()) >= ENOUGH_FRAMES


def told(report: Report) -> Iterator[str]:
    """The report in lines."""
    by_damage = Counter((outcome.file.damage, outcome.kind) for outcome in report.outcomes)
    for (damage, kind), count in sorted(by_damage.items()):
        yield f"{damage:14} {kind:8} {count:5}"
    slowest = max(report.outcomes, key=lambda outcome: outcome.seconds)
    yield f"slowest {slowest.seconds:.1f} s ({slowest.file.path.name})"
    yield f"most memory of a process {report.peak_bytes / 2**20:.0f} MiB"
    yield f"decoders lost: {sum(outcome.cost_a_decoder() for outcome in report.outcomes)}"
    for outcome in report.outcomes:
        if not outcome.is_fine():
            yield f"{outcome.file.path.name}: {outcome.kind} in {outcome.seconds:.1f} s: {outcome.line}"
    if report.left_behind:
        yield f"left in /dev/shm: {', '.join(report.left_behind)}"
    if report.refused_wrongly is not None:
        few = len(report.of("few_bits"))
        wrong = len(report.refused_wrongly)
        yield f"refused though ffmpeg plays it: {wrong} of {few} with one to three flipped bits"
        for outcome in report.refused_wrongly:
            yield f"  {outcome.file.path.name}: {outcome.line}"


def is_fine(report: Report) -> bool:
    """Whether every file came to a good end within the limits."""
    return (
        all(outcome.is_fine() for outcome in report.outcomes)
        and report.peak_bytes <= MOST_BYTES
        and not report.left_behind
        and len(report.refused_wrongly or ()) <= 0.03 * len(report.of("few_bits"))
    )


def main() -> None:
    """Damage, play, tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    report = fuzz(options.files, options.seed, judge=shutil.which("ffmpeg") is not None)
    print(*told(report), sep="\n")
    sys.exit(0 if is_fine(report) else 1)


if __name__ == "__main__":
    main()
