"""What was predicted of a GPU, beside what a GPU check has measured there: the table in docs/gpu.md.

    python -m studies.gpu_predictions [--check gpu-check.json] [--write]

Predictions are those of the floors in docs/gpu.md (studies/floors.py), of the costs that are declared from
them (studies/declared_costs.py), and of a plan's declared memory. Without a check the last column says that
nothing was measured; with one it has what that check measured, and what it did not stays "not measured".
Without --write the table is printed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from clipbench.analyzers.registry import back_ends
from clipbench.bench.planning import config, cost_store
from clipbench.bench.planning.plan import make_plan
from clipbench.bench.planning.simulation import DeclaredClip, Prediction, predict
from clipbench.bench.sweeping.gpu_check_state import CheckedRun, GpuCheck, read
from clipbench.executors.base import Plan
from clipbench.executors.layout import CONTEXT_GB, Gpu

PAGE = Path(__file__).resolve().parents[1] / "docs" / "gpu.md"
#: What the command writes stands between these two lines.
BEGIN = "<!-- predictions: python -m studies.gpu_predictions --write -->"
END = "<!-- end of predictions -->"
NOT_MEASURED = "*not measured*"
#: The titles of the runs of a check that the figures are taken from.
SINGLE, QUEUE = "optimized × gpu_pinned, exit", "optimized × gpu_pinned, offline"
PARKED, SHARED = "optimized × gpu_pinned, offload", "optimized × threads, offload"
#: The reference clip, which all of it is about, and how many of them a simulated queue has.
CLIP, CLIPS = DeclaredClip(10.0, 720, 1280), 12
#: Phase of the floors → the fact of qwen2_vl_temporal that has its seconds.
FACTS = {"Qwen2-VL prefill": "prefill_s", "Qwen2-VL decode": "decode_s"}


class Phase(NamedTuple):
    """A row of the page's floors: the phase of an analyzer, its group, and its prediction in milliseconds."""

    group: str
    analyzer: str
    phase: str
    floor_ms: float
    predicted_ms: float


class Line(NamedTuple):
    """A figure with its unit, what was predicted, and what was measured, or None."""

    figure: str
    predicted: str
    measured: str | None


def phases(page: str) -> list[Phase]:
    """The rows of the floors in docs/gpu.md; exits where it has none."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line[:1] == "|"]
    heads = next((row for row in rows if "analyzer: phase" in row), None)
    if heads is None:
        sys.exit("docs/gpu.md has no table of floors: see python -m studies.floors")
    found = []
    for row in rows[rows.index(heads) + 2 :]:
        if len(row) != len(heads):
            break
        cells = dict(zip(heads, row, strict=True))
        analyzer, _, phase = cells["analyzer: phase"].partition(": ")
        floor_ms = max(float(cells["arithmetic ms"]), float(cells["memory ms"]))
        found.append(Phase(cells["group"], analyzer, phase, floor_ms, float(cells["prediction ms"])))
    return found


def run_of(check: GpuCheck | None, title: str) -> CheckedRun | None:
    """The run of a check with this title, if it has a result."""
    found = check.runs.get(title) if check else None
    return found if found is not None and found.metrics is not None else None


def metric(run: CheckedRun | None, name: str, decimals: int) -> str | None:
    """A metric of a run, if that was measured."""
    found = run.metrics.get(name) if run and run.metrics else None
    return None if found is None or found.value is None else f"{found.value:.{decimals}f}"


def of_analyzers(found: Sequence[Phase], run: CheckedRun | None) -> Iterator[Line]:
    """What each analyzer takes of a pass; Qwen2-VL in its two phases."""
    measured = run.analyzers or {} if run else {}
    for analyzer in dict.fromkeys(one.analyzer for one in found):
        mine = [one for one in found if one.analyzer == analyzer]
        known = measured.get(analyzer)
        if all(one.phase in FACTS for one in mine):
            for one in mine:
                seconds = known.facts.get(FACTS[one.phase]) if known else None
                said = None if seconds is None else f"{1e3 * seconds:.1f}"
                yield Line(f"{analyzer}: {one.phase}, ms", f"{one.predicted_ms:.1f}", said)
            continue
        said = f"{1e3 * median(known.analyze_s):.1f}" if known and known.analyze_s else None
        yield Line(f"{analyzer}, ms", f"{sum(one.predicted_ms for one in mine):.1f}", said)


def of_passes(found: Sequence[Phase], check: GpuCheck | None) -> Iterator[Line]:
    """Real-time factor and throughput."""
    groups = [sum(one.predicted_ms for one in found if one.group == g) for g in {one.group for one in found}]
    bounds = (ms / 1e3 / CLIP.duration_s for ms in (max(groups), sum(groups)))
    single, queue = (
        metric(run_of(check, SINGLE), "rtf_warm", 3),
        metric(run_of(check, QUEUE), "throughput", 2),
    )
    alone, several = simulated("single_stream"), simulated("offline")
    yield Line("RTF of the networks", "{:.3f} to {:.3f}".format(*bounds), single)
    yield Line("RTF, simulated by the floors", f"{alone.makespan_s / CLIP.duration_s:.3f}", single)
    per_s = several.clips_per_s * CLIP.duration_s
    yield Line("throughput, simulated by the floors", f"{per_s:.1f}", queue)


def simulated(scenario: str) -> Prediction:
    """One clip, or a queue of them, on an H100: by the declared costs, and the analyzers that have some."""
    declared = f"costs.file={cost_store.DECLARED / 'h100-sxm.yaml'}"
    only = f"only=[{','.join(sorted(back_ends()))}]"
    chosen = ("executor=simulated", "machine=h100", "models=random", "grouping=optimized", only, declared)
    plan = make_plan(config.compose(*chosen, f"scenario={scenario}"))
    assert plan.pretended is not None
    count, in_flight = (1, 1) if scenario == "single_stream" else (CLIPS, 4)
    return predict(plan, plan.pretended.machine, plan.pretended.costs, [CLIP] * count, in_flight)


def of_memory(check: GpuCheck | None) -> Iterator[Line]:
    """The memory of the GPU: asked for, and left by contexts."""
    pinned = planned("gpu_pinned")
    asked = sum(worker.memory_gb or 0.0 for worker in pinned.layout)
    yield Line(
        "GPU memory, GB, asked for / at most",
        f"{asked:.1f}",
        metric(run_of(check, SINGLE), "gpu_memory_peak", 1),
    )
    for title, contexts in ((SINGLE, 0), (PARKED, len(pinned.layout)), (SHARED, 1)):
        left = metric(run_of(check, title), "gpu_memory_residue", 2)
        yield Line(f"GPU memory left, GB: {title}", f"{contexts * CONTEXT_GB:.1f}", left)


def planned(executor: str) -> Plan:
    """The plan of the optimized grouping on one GPU."""
    chosen = (f"executor={executor}", "models=random", "grouping=optimized")
    return make_plan(config.compose(*chosen), (Gpu(0, 85.0),))


def table(page: str, check: GpuCheck | None) -> str:
    """The table, in Markdown, and what was measured where."""
    found = phases(page)
    lines = [*of_analyzers(found, run_of(check, SINGLE)), *of_passes(found, check), *of_memory(check)]
    rows = [f"| {one.figure} | {one.predicted} | {one.measured or NOT_MEASURED} |" for one in lines]
    return "\n".join([said(check), "", "| figure | predicted | measured |", "|---|---|---|", *rows])


def said(check: GpuCheck | None) -> str:
    """Where the last column comes from."""
    if check is None:
        return "No GPU check was made yet: nothing in the last column is measured."
    gpus = check.environment.gpu_list()
    on = ", ".join(gpu.name for gpu in gpus) or "no GPU"
    return (
        f"Measured by a GPU check of {check.started_at[:10]} on {on}, commit {check.environment.git_commit}."
    )


def with_table(page: str, text: str) -> str:
    """The page with the table between its marks; exits where it lacks them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"docs/gpu.md lacks the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table or write it; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m studies.gpu_predictions", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--check", type=Path, help="gpu-check.json, or the folder that it is in")
    parser.add_argument("--write", action="store_true", help="write the table into docs/gpu.md")
    asked = parser.parse_args(argv)
    check = None
    if asked.check:
        check = read(asked.check if asked.check.is_dir() else asked.check.parent)
    page = PAGE.read_text(encoding="utf-8")
    text = table(page, check)
    if asked.write:
        PAGE.write_text(with_table(page, text), encoding="utf-8")
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
