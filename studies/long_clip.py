"""A long clip: does it run in the memory of a short one, and does a run that was killed go on?

`python -m studies.long_clip FOLDER --minutes 60` repeats the reference clip, without encoding it anew, until
it is that long; runs the twenty analyzers over it; runs them again, ends that run with SIGKILL, and goes on
with the same command, as often as `--kills` says; and compares the segments. A clip of a minute is run first,
to compare memory and speed with. FOLDER takes about 0.2 MB of video per second, and all results.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from clipbench.bench.runs.measurement import Measured
from clipbench.bench.runs.storage import read_result

PROJECT = Path(__file__).resolve().parents[1]
REFERENCE = PROJECT / "clips" / "reference.mp4"
#: Seconds of the reference clip.
REFERENCE_S = 10
#: The configuration that is fastest on two cores.
BEST = ("grouping=two_core", "executor=gpu_pinned")


def repeat(source: Path, target: Path, times: int) -> Path:
    """Write `source` so many times one after the other into `target`; its packets are copied.

    Sound begins a little before 0 and ends a little after the pictures: what overlaps is left out.
    """
    import av

    with av.open(str(target), "w") as out:
        streams, last = {}, dict[int, int]()
        for number in range(times):
            with av.open(str(source)) as clip:
                if not number:
                    streams = {s.index: out.add_stream_from_template(s) for s in clip.streams}
                for packet in clip.demux():
                    if packet.dts is None:
                        continue
                    shift = round(number * REFERENCE_S / packet.time_base)
                    packet.pts += shift
                    packet.dts += shift
                    if packet.dts <= last.get(packet.stream.index, packet.dts - 1):
                        continue
                    last[packet.stream.index] = packet.dts
                    packet.stream = streams[packet.stream.index]
                    out.mux(packet)
    return target


@dataclass(frozen=True)
class Ran:
    """One run: its folder, how long it took, and what it measured."""

    folder: Path
    seconds: float
    rtf: float | None
    rss_gb: float | None


def command(clip: Path, folder: Path, chosen: list[str]) -> list[str]:
    """The command of a run over a clip."""
    once = ["scenario.warmup=0", "scenario.repeats=1", "progress=false", f"hydra.run.dir={folder}"]
    return [sys.executable, "run.py", *BEST, *once, f"clip.path={clip}", *chosen]


def run(clip: Path, folder: Path, chosen: list[str]) -> Ran:
    """Run to the end."""
    begun = time.monotonic()
    done = subprocess.run(command(clip, folder, chosen), cwd=PROJECT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"the run in {folder} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    result = read_result(folder / "result.json")
    values = {}
    for name in ("rtf_cold", "rss_peak"):
        measured = result.metric(name)
        values[name] = measured.value if isinstance(measured, Measured) else getattr(measured, "value", None)
    return Ran(folder, time.monotonic() - begun, values["rtf_cold"], values["rss_peak"])


def kill_after(clip: Path, folder: Path, chosen: list[str], seconds: float) -> None:
    """Start a run, and end it with SIGKILL after so many seconds."""
    process = subprocess.Popen(
        command(clip, folder, chosen), cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        process.wait(seconds)
        raise SystemExit(f"the run was over before it could be killed after {seconds:.0f} s")
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


def segments(folder: Path) -> dict[str, object]:
    """What each analyzer found, from the files of a run."""
    return {path.stem: json.loads(path.read_text()) for path in sorted((folder / "segments").glob("*.json"))}


def differences(one: Path, other: Path) -> list[str]:
    """The analyzers that found something else in the other run."""
    first, second = segments(one), segments(other)
    return [name for name in sorted({*first, *second}) if first.get(name) != second.get(name)]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--kills", type=int, default=2, help="how often a second run is killed")
    parser.add_argument("--seed", type=int, default=0, help="for the moments at which it is killed")
    parser.add_argument("overrides", nargs="*", help="more of the command line of run.py")
    asked = parser.parse_args()
    folder: Path = asked.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    chosen, moments = list(asked.overrides), random.Random(asked.seed)

    minute = run(repeat(REFERENCE, folder / "minute.mp4", 6), folder / "minute", chosen)
    print(f"1 min: {minute.seconds:.0f} s, RTF {minute.rtf:.3f}, {minute.rss_gb:.2f} GB", flush=True)
    clip = repeat(REFERENCE, folder / "long.mp4", round(asked.minutes * 60 / REFERENCE_S))
    whole = run(clip, folder / "undisturbed", chosen)
    print(
        f"{asked.minutes:g} min: {whole.seconds:.0f} s, RTF {whole.rtf:.3f}, {whole.rss_gb:.2f} GB: "
        f"RTF x {whole.rtf / minute.rtf:.3f}, memory x {whole.rss_gb / minute.rss_gb:.3f}",
        flush=True,
    )
    if not asked.kills:
        return 0
    resuming = [*chosen, "resume=true", f"resume_store={folder / 'unfinished'}"]
    for number in range(asked.kills):
        seconds = whole.seconds / (asked.kills + 1) * moments.uniform(0.6, 1.2)
        kill_after(clip, folder / f"killed-{number + 1}", resuming, seconds)
        print(f"killed after {seconds:.0f} s", flush=True)
    last = run(clip, folder / "resumed", resuming)
    differ = differences(whole.folder, last.folder)
    print(
        f"gone on with: {last.seconds:.0f} s; "
        + (f"DIFFERENT: {', '.join(differ)}" if differ else "equal segments")
    )
    return bool(differ)


if __name__ == "__main__":
    sys.exit(main())
