"""python -m studies.sabotage: does a target fail when what an analyzer found is corrupted?

A mutation study of the figures. The segments of one analyzer of a run are corrupted (studies/corruptions.py),
scored again without running anything, and held to the targets of the clip. A corruption is killed if a target
on that analyzer fails, and survives if all still hold: then nobody would notice a bug of that kind.

    python -m studies.sabotage                       # makes a run of the reference clip and corrupts that
    python -m studies.sabotage outputs/latest        # the segments of a run that there is
    python -m studies.sabotage --clip second         # another clip, with its targets

Stand-ins are judged like the models that they stand in for. The exit code is 1 where less than 95 % are
killed. --json and --markdown name files for the outcomes.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.progress import track

from clipbench.analyzers.base import Segment, Settings
from clipbench.bench import quality
from clipbench.bench.errors import InputError
from clipbench.bench.measuring import session, targets
from clipbench.bench.measuring.targets import Limit
from clipbench.bench.planning import config
from clipbench.bench.quality import scoring
from clipbench.bench.runs.results import MetricValue, TargetResult
from clipbench.reports.markdown_text import table
from studies.corruptions import CORRUPTIONS, NotApplicable
from studies.quality_table import CLIPS, PROJECT
from studies.reliability import read_segments

#: The least share of the corruptions that targets must notice.
ENOUGH = 0.95
#: What no target can notice, and why.
KNOWN = {("visual_effects", "data shuffled"): "no truth says how strong an effect is"}


@dataclass(frozen=True)
class Scene:
    """What the segments of a run are scored with: one clip, its truth, and its targets."""

    truth: quality.Truth
    duration_s: float
    settings: Mapping[str, Settings]
    limits: Mapping[str, Limit]

    def judge(self, analyzer: str, segments: Sequence[Segment]) -> list[TargetResult]:
        """How these segments of one analyzer stand to the targets on it."""
        scored = quality.Scored(list(segments), self.truth, self.settings[analyzer], self.duration_s)
        figures = [
            MetricValue.of(f.metric, f.unit, f.better, scoring.compute(f, scored))
            for f in quality.discover()
            if f.analyzer == analyzer and f.metric in self.limits
        ]
        return targets.evaluate({f.name: self.limits[f.name] for f in figures}, figures)


@dataclass(frozen=True)
class Outcome:
    """What became of one corruption of one analyzer; `why` names the targets that failed, or the reason."""

    analyzer: str
    corruption: str
    status: Literal["killed", "survived", "not applicable"]
    why: str


def scene(clip: str) -> Scene:
    """The truth of a clip of conf/clip, and the targets that it is held to."""
    cfg = config.compose(f"clip={clip}", f"targets={CLIPS[clip]}")
    path = Path(cfg.clip.path)
    about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["clip"]
    truth, reason = quality.load_truth(path, None, about["sha256"])
    if truth is None:
        raise InputError(reason)
    limits = session.limits_of(cfg, quality.metric_names())
    names = {figure.analyzer for figure in quality.discover()}
    return Scene(truth, about["duration_s"], {name: cfg.models.of(name) for name in names}, limits)


def segments_of(folder: Path) -> dict[str, list[Segment]]:
    """Analyzer → the segments that a run left in `folder`. Raises InputError where there are none."""
    found = {path.stem: read_segments(path) for path in sorted((folder / "segments").glob("*.json"))}
    if not found:
        raise InputError(f"{folder} has no segments: name the folder of a run of one clip")
    return found


def sabotage(scene: Scene, found: Mapping[str, Sequence[Segment]], seed: int = 0) -> Iterator[Outcome]:
    """The outcome of every corruption of every analyzer with a target that these segments meet."""
    for analyzer, segments in found.items():
        before = {t.metric for t in scene.judge(analyzer, segments) if t.status == "pass"}
        for corruption in CORRUPTIONS:
            yield outcome(scene, analyzer, segments, corruption, before, seed)


def outcome(
    scene: Scene,
    analyzer: str,
    segments: Sequence[Segment],
    corruption: str,
    before: set[str],
    seed: int,
) -> Outcome:
    """One corruption; `before` are the targets that the segments meet as they are."""
    if not segments:
        return Outcome(analyzer, corruption, "not applicable", "it found nothing")
    try:
        corrupted = CORRUPTIONS[corruption](segments, scene.duration_s, seed)
    except NotApplicable as reason:
        return Outcome(analyzer, corruption, "not applicable", str(reason))
    failed = [t.metric for t in scene.judge(analyzer, corrupted) if t.status == "fail" and t.metric in before]
    if failed:
        return Outcome(analyzer, corruption, "killed", ", ".join(failed))
    why = KNOWN.get((analyzer, corruption), "every target on it still holds")
    return Outcome(analyzer, corruption, "survived", why)


def share_killed(outcomes: Sequence[Outcome]) -> float:
    """Killed of those that are applicable; 1 for none."""
    applicable = [o for o in outcomes if o.status != "not applicable"]
    return sum(o.status == "killed" for o in applicable) / len(applicable) if applicable else 1.0


SIGNS = {"killed": "✓", "survived": "**survived**", "not applicable": "–"}


def page(outcomes: Sequence[Outcome]) -> str:
    """A row for each analyzer, a column for each corruption; then the survivors, and what does not apply."""
    names = list(dict.fromkeys(o.analyzer for o in outcomes))
    by = {(o.analyzer, o.corruption): o for o in outcomes}
    rows = [[f"`{n}`", *(SIGNS[by[n, c].status] for c in CORRUPTIONS)] for n in names]
    parts = [summary(outcomes), table(["analyzer", *CORRUPTIONS], rows)]
    for status, heading in (("survived", "Survived"), ("not applicable", "Not applicable")):
        lines = [f"- `{o.analyzer}`, {o.corruption}: {o.why}" for o in outcomes if o.status == status]
        parts += [f"{heading}:", "\n".join(lines)] if lines else []
    return "\n\n".join(parts)


def summary(outcomes: Sequence[Outcome]) -> str:
    """How many were killed, in a line."""
    count = {status: sum(o.status == status for o in outcomes) for status in SIGNS}
    applicable = count["killed"] + count["survived"]
    return (
        f"{count['killed']} of {applicable} corruptions fail a target ({share_killed(outcomes):.1%}); "
        f"{count['survived']} survive; {count['not applicable']} are not applicable."
    )


def a_run(clip: str, folder: Path) -> Path:
    """Run the analyzers on a clip, one pass, as a user would; returns `folder`."""
    command = [sys.executable, "run.py", f"clip={clip}", f"targets={CLIPS[clip]}", f"hydra.run.dir={folder}"]
    command += ["repeats=1", "scenario.warmup=0"]
    subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
    return folder


@contextlib.contextmanager
def only_errors() -> Iterator[None]:
    """No warnings of clipbench meanwhile."""
    logger = logging.getLogger("clipbench")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def main() -> int:
    """Corrupt, score, and print the table; returns the exit code."""
    parser = argparse.ArgumentParser(prog="studies.sabotage", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", nargs="?", type=Path, help="the folder of a run; without it one is made")
    parser.add_argument("--clip", choices=CLIPS, default="reference")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the outcomes to this file")
    parser.add_argument("--markdown", type=Path, help="write the table to this file")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        found = segments_of(asked.run or a_run(asked.clip, Path(made)))
    total = len(found) * len(CORRUPTIONS)
    console = Console(stderr=True)
    with only_errors():  # figures that cannot be computed are meant here
        corrupted = sabotage(scene(asked.clip), found, asked.seed)
        outcomes = list(track(corrupted, "corrupting", total, console=console))
    text = page(outcomes)
    print(text)
    if asked.json:
        rows = [dataclasses.asdict(one) for one in outcomes]
        asked.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    if asked.markdown:
        asked.markdown.write_text(text + "\n", encoding="utf-8")
    return 0 if share_killed(outcomes) >= ENOUGH else 1


if __name__ == "__main__":
    sys.exit(main())
