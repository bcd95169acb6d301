"""How far an analyzer's confidence can be trusted on a clip: a table, and a picture of it.

bench/quality/reliability.py says which findings are right. In a picture of an analyzer whose confidence means
what it says, the dots lie on the diagonal; below it the analyzer is too sure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import mean

from clipbench.analyzers.base import Segment
from clipbench.bench import quality
from clipbench.bench.planning import config
from clipbench.bench.quality import reliability
from clipbench.bench.quality.reliability import Judged
from clipbench.reports.markdown_text import table

#: The edges of the bins of confidence.
EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def judgements(folder: Path, clip: str) -> dict[str, list[Judged]]:
    """Analyzer → its judged findings, from the run of a clip that left `folder`; none without a finding."""
    cfg = config.compose(f"clip={clip}")
    path = Path(cfg.clip.path)
    about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    truth, reason = quality.load_truth(path, None, about["clip"]["sha256"])
    if truth is None:
        raise ValueError(reason)
    found: dict[str, list[Judged]] = {}
    for analyzer in reliability.JUDGES:
        segments = read_segments(folder / "segments" / f"{analyzer}.json")
        scored = quality.Scored(segments, truth, cfg.models.of(analyzer), about["clip"]["duration_s"])
        try:
            if judged := reliability.judged(analyzer, scored):
                found[analyzer] = judged
        except quality.NotLabelled:
            continue
    return found


def read_segments(path: Path) -> list[Segment]:
    """The segments that a run wrote; none where the analyzer failed."""
    if not path.exists():
        return []
    return [Segment(**segment) for segment in json.loads(path.read_text(encoding="utf-8"))]


def bins(judged: Sequence[Judged]) -> list[list[Judged]]:
    """The findings by their confidence, in the bins between EDGES; 1 belongs to the last one."""
    return [
        [j for j in judged if low <= j.confidence < high or (high == EDGES[-1] == j.confidence)]
        for low, high in pairwise(EDGES)
    ]


def table_of(judgements: Mapping[str, Sequence[Judged]]) -> str:
    """A row for each analyzer: how sure it was on the average, how often right, and both by bins."""
    rows = []
    for analyzer, judged in judgements.items():
        parts = [f"{sum(j.right for j in part)} of {len(part)}" if part else "–" for part in bins(judged)]
        sure, right = mean(j.confidence for j in judged), mean(j.right for j in judged)
        rows.append([f"`{analyzer}`", str(len(judged)), f"{sure:.2f}", f"{right:.2f}", *parts])
    heads = [f">{low:g} to {high:g}" for low, high in pairwise(EDGES)]
    return table(["analyzer", ">findings", ">mean confidence", ">share right", *heads], rows)


def draw(judgements: Mapping[str, Sequence[Judged]], path: Path) -> None:
    """A small diagram for each analyzer: confidence to the right, share that is right upwards."""
    from matplotlib.figure import Figure

    columns = 5
    lines = -(-len(judgements) // columns)
    figure = Figure(figsize=(10, 2.3 * lines), layout="constrained")
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes in grid[len(judgements) :]:
        axes.set_axis_off()
    for axes, (analyzer, judged) in zip(grid, judgements.items(), strict=False):
        parts = [part for part in bins(judged) if part]
        axes.plot([0, 1], [0, 1], color="0.75", linewidth=1)
        axes.scatter(
            [mean(j.confidence for j in part) for part in parts],
            [mean(j.right for j in part) for part in parts],
            s=[12 + 100 * len(part) / len(judged) for part in parts],
            color="#2a6f97",
            clip_on=False,
        )
        axes.set_title(f"{analyzer} ({len(judged)})", fontsize=7)
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        axes.tick_params(labelsize=7)
    figure.supxlabel("confidence", fontsize=8)
    figure.supylabel("share of the findings that are right", fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90, metadata={"Software": ""})
