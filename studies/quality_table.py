"""python -m studies.quality_table: the three rendered clips, one pass each, scored side by side.

It runs the twenty analyzers as `python run.py` does, with the default grouping, on the reference, the second
and the negative clip, and writes what came out into docs/quality.md and README.md, between the marks there.
The exit code is 3 if a limit of conf/targets does not hold. With --check no file is written. A limit that is
known not to hold yet is named with --known: it is still printed, and any other miss still fails. A clip that
a run has scored already is not scored again with --scored.
"""

from __future__ import annotations

import argparse
import fnmatch
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from clipbench.bench import quality
from clipbench.bench.clips.clip_info import sha256
from clipbench.bench.errors import Exit
from clipbench.bench.quality.reliability import Judged
from clipbench.bench.runs.results import MetricValue, Result, TargetResult
from clipbench.bench.runs.storage import read_result
from clipbench.reports import formatting
from clipbench.reports.markdown_text import table
from studies import reliability
from studies.pages import write_between

PROJECT = Path(__file__).resolve().parents[1]
#: Clip → the targets that it is held to.
CLIPS = {"reference": "production", "second": "second", "negative": "negative"}
#: What the command writes stands between these two lines.
BEGIN = "<!-- what follows is written by `make quality` -->"
END = "<!-- as far as here -->"
#: Figures on the form of what an analyzer found. They are many, and nearly all of them are 0 or 1.
FORM = (".coverage", ".malformed", ".duplicates")
PAGE, README = PROJECT / "docs" / "quality.md", PROJECT / "README.md"
TRUST = """Findings on the second clip by the confidence that they were given, and how many of them are right
by the rules of the figures. Few findings in a bin say little. An analyzer that is missing gives no
confidence, found nothing that the truth can judge, or has no rule for what is right.

![A diagram for each analyzer, confidence against the share that is right](images/reliability.png)"""
PICTURE = PROJECT / "docs" / "images" / "reliability.png"


@dataclass(frozen=True)
class Scores:
    """One clip's run: its metrics, and the targets that it was held to, by the metric's name."""

    result: Result
    folder: Path

    @property
    def metrics(self) -> dict[str, MetricValue]:
        return {metric.name: metric for metric in self.result.metrics}

    @property
    def targets(self) -> dict[str, TargetResult]:
        return {target.metric: target for target in self.result.targets}

    def missed(self) -> list[str]:
        """The limits on what was found that do not hold; those on speed need more than one pass."""
        judged = ("quality.", "success_rate")
        return [t.metric for t in self.result.targets if t.status == "fail" and t.metric.startswith(judged)]


def main() -> int:
    """Score the clips, and write the pages or only judge; returns the exit code."""
    asked = arguments()
    with tempfile.TemporaryDirectory() as folder:
        runs = {
            clip: scored_before(clip, asked.scored[clip])
            if clip in asked.scored
            else scored(clip, Path(folder) / clip)
            for clip in CLIPS
            if is_there(clip)
        }
        print(f"{made_by(runs)}\n\n{figures_table(runs)}")
        if not asked.check:
            judgements = reliability.judgements(runs["second"].folder, "second") if "second" in runs else {}
            write_between(PAGE, BEGIN, END, page(runs, judgements))
            text = "\n\n".join((made_by(runs), figures_table(runs, short=True)))
            write_between(README, BEGIN, END, text)
            if judgements:
                reliability.draw(judgements, PICTURE)
    failed = {clip: missed for clip, run in runs.items() if (missed := run.missed())}
    for clip, missed in failed.items():
        print(f"{clip} misses {', '.join(missed)}", file=sys.stderr)
    missed_now = {f"{clip}:{figure}" for clip, missed in failed.items() for figure in missed}
    if held := sorted(set(asked.known) - missed_now):
        print(f"holds now and need not be named with --known: {', '.join(held)}", file=sys.stderr)
    return Exit.TARGET_MISSED if missed_now - set(asked.known) else Exit.OK


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="studies.quality_table", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing, only say which limits do not hold"
    )
    parser.add_argument(
        "--known",
        nargs="+",
        default=[],
        metavar="CLIP:FIGURE",
        help="limits that are known not to hold yet, as second:quality.cut_analysis.f1",
    )
    parser.add_argument(
        "--scored",
        nargs="+",
        default=[],
        metavar="CLIP=FOLDER",
        help="clips that a run of this code has scored already, and its folder, as reference=outputs/latest",
    )
    asked = parser.parse_args()
    asked.scored = {clip: Path(folder) for clip, _, folder in (text.partition("=") for text in asked.scored)}
    if unknown := asked.scored.keys() - CLIPS.keys():
        parser.error(f"--scored has no clip {', '.join(sorted(unknown))}; there are {', '.join(CLIPS)}")
    return asked


def is_there(clip: str) -> bool:
    """Whether this checkout has the clip."""
    return (PROJECT / "conf" / "clip" / f"{clip}.yaml").exists()


def scored(clip: str, folder: Path) -> Scores:
    """One pass over a clip, as a user would run it."""
    command = [sys.executable, "run.py", f"clip={clip}", f"targets={CLIPS[clip]}", f"hydra.run.dir={folder}"]
    command += ["repeats=1", "scenario.warmup=0", "targets.minimum.repeats=1", "targets.minimum.seconds=0"]
    subprocess.run([*command, "progress=false"], cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
    return Scores(read_result(folder), folder)


def scored_before(clip: str, folder: Path) -> Scores:
    """The scores of a run that is over; ends the program if it is of another clip, or without the limits."""
    found = Scores(read_result(folder), folder)
    path = PROJECT / "clips" / f"{clip}.mp4"
    if found.result.run.clip.sha256 != sha256(path):
        sys.exit(f"{folder} is a run on {found.result.run.clip.path}, and not on {path}")
    held_to = yaml.safe_load((PROJECT / "conf" / "targets" / f"{CLIPS[clip]}.yaml").read_text())["limits"]
    limits = [f"quality.{name}.{figure}" for name, of in held_to["quality"].items() for figure in of]
    # A limit on "quality.*.coverage" is one on each metric of that kind.
    if absent := [metric for metric in limits if not fnmatch.filter(found.targets, metric)]:
        sys.exit(f"{folder} was not held to the targets {CLIPS[clip]}: it has none on {', '.join(absent)}")
    return found


def page(runs: Mapping[str, Scores], judgements: Mapping[str, Sequence[Judged]]) -> str:
    """What docs/quality.md shows of these runs."""
    parts = [made_by(runs), figures_table(runs)]
    if judgements:
        parts += ["### How far a confidence can be trusted", TRUST, reliability.table_of(judgements)]
    return "\n\n".join(parts)


def made_by(runs: Mapping[str, Scores]) -> str:
    """Which code and which machine the figures are of, and when."""
    found = next(iter(runs.values())).result
    known = found.environment
    version = f"clipbench {known.clipbench}" if known.clipbench else "an unknown version"
    commit = f", commit `{known.git_commit[:12]}`" if known.git_commit else ""
    changed = " with changes" if known.git_dirty else ""
    machine = f"{known.cpu or 'an unknown processor'}, {known.cores_allowed} cores"
    day = found.run.started_at[:10]
    return f"Made by `make quality` on {day} with {version}{commit}{changed}, on {machine}."


def figures_table(runs: Mapping[str, Scores], short: bool = False) -> str:
    """A row for each quality figure: its value on each clip, and the limits that it is held to there.

    `short` leaves out figures without a limit, and those of FORM that hold everywhere, which it counts.
    """
    rows, held = [], 0
    for figure in quality.discover():
        limits = {clip: run.targets.get(figure.metric) for clip, run in runs.items()}
        missed = any(figure.metric in run.missed() for run in runs.values())
        if short and figure.metric.endswith(FORM) and not missed:
            held += any(limits.values())
        elif any(limits.values()) or not short:
            name = f"`{figure.metric.removeprefix('quality.')}`"
            values = [value(runs[clip], figure.metric) if clip in runs else "–" for clip in CLIPS]
            rows.append([name, figure.better, *values, limit(limits)])
    shown = table(["figure", "better", *(f">{clip}" for clip in CLIPS), "limit"], rows, most=None)
    also = f"{held} limits on the form of what is found (coverage, malformed, duplicates) hold on all clips."
    return f"{shown}\n\n{also}" if held else shown


def value(run: Scores, metric: str) -> str:
    """A figure with a mark if it misses its limit; a dash if it was not measured."""
    target = run.targets.get(metric)
    text = formatting.number(run.metrics[metric].value, run.metrics[metric].unit)
    return f"**{text}** ✗" if target is not None and target.status == "fail" else text


def limit(limits: Mapping[str, TargetResult | None]) -> str:
    """The limit, once if it is the same for all clips: "≥ 0.8", else "≥ 0.8 (reference), ≥ 0.75 (second)"."""
    said = {clip: formatting.bounds(target) for clip, target in limits.items() if target is not None}
    if not said:
        return "none"
    if len(set(said.values())) == 1 and len(said) == len(limits):
        return next(iter(said.values()))
    clips_of: dict[str, list[str]] = {}
    for clip, bounds in said.items():
        clips_of.setdefault(bounds, []).append(clip)
    return "; ".join(f"{bounds} ({', '.join(clips)})" for bounds, clips in clips_of.items())


if __name__ == "__main__":
    sys.exit(main())
