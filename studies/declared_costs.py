"""The floors of the production models as costs: what a simulation of a machine with GPUs computes with.

    python -m studies.declared_costs [--gpu "H100 SXM"] [--floors FLOORS.json] [--write]

Nothing is measured: the seconds of the GPU are the higher one of the two floors of each analyzer
(studies/floors.py, or the file that its --json wrote), of which no real pass can take less. So these costs
are declared, and every report says so. What the analyzers take of the host is not known. Without --write the
file is printed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studies.floors import GPUS, count, row

if TYPE_CHECKING:
    from clipbench.bench.planning.cost_file import KeptCosts

#: GPU of the floors → what NVML calls it.
NAMES = {"H100 SXM": "NVIDIA H100 80GB HBM3", "H200 SXM": "NVIDIA H200"}
#: Looking at frames with CLIP is what analyzers share that use it; the first of them in a worker does it.
SHARED_PHASE = "CLIP"
REMARK = (
    "the seconds of the GPU are floors (python -m studies.floors): arithmetic at the peak rate or bytes at "
    "full bandwidth, whichever is more; real passes take longer, and what they take of the host is not known"
)
#: Field → why floors do not tell it.
UNKNOWN = {
    "host": "a floor says nothing of the host",
    "parallel": "a floor says nothing of the host",
    "pressure": "nothing ran",
    "sensitivity": "nothing ran",
    "waiting": "nothing ran",
    "load_s": "nothing was loaded",
    "memory_gb": "nothing was loaded",
    "peak_gb": "nothing was loaded",
    "gpu_share": "not declared: what fills the GPU is taken to fill all of it",
}


def counted(gpu: str) -> dict[tuple[str, str], float]:
    """The floor in seconds of a pass over the reference clip, by analyzer and phase."""
    works, broken = count(())
    for name, reason in broken.items():
        print(f"{name}: counted until {reason}", file=sys.stderr)
    return {(key[1], key[2]): row(*key, work, GPUS[gpu]).floor_s for key, work in works.items()}


def written(path: Path, gpu: str) -> dict[tuple[str, str], float]:
    """The same from a file of studies.floors; exits where it is for another GPU."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    if raw["gpu"]["name"] != gpu:
        sys.exit(f"{path} is for {raw['gpu']['name']}, not for {gpu}")
    return {(each["analyzer"], each["phase"]): each["floor_s"] for each in raw["rows"]}


def costs_of(floors: Mapping[tuple[str, str], float], gpu: str) -> KeptCosts:
    """The floors as costs, for the reference clip with the default settings of models=full."""
    from clipbench.analyzers import registry
    from clipbench.analyzers.production.base import Production
    from clipbench.bench.clips.decoding import probe
    from clipbench.bench.planning import config
    from clipbench.bench.planning.cost_file import KeptCosts
    from clipbench.bench.planning.plan import make_plan
    from clipbench.bench.runs.facts import as_read_back, setting_facts
    from clipbench.executors.costs import AnalyzerCost, Costs, Growth, Work

    cfg = config.compose("models=full", "grouping=optimized", "executor=gpu_pinned")
    duration_s = probe(Path(cfg.clip.path)).duration_s
    analyzers: dict[str, AnalyzerCost] = {}
    facts: dict[str, Any] = {}
    for task in make_plan(cfg).tasks():
        analyzer = registry.create(task.analyzer, task.settings)
        if not isinstance(analyzer, Production):
            continue
        mine = {phase: s for (name, phase), s in floors.items() if name == task.analyzer}
        floor_s = sum(seconds for phase, seconds in mine.items() if phase != SHARED_PHASE)
        shares = hasattr(analyzer, "encoder")
        analyzers[task.analyzer] = AnalyzerCost(
            Work(gpu=Growth(per_s=floor_s / duration_s)),
            (SHARED_PHASE,) if shares else (),
            gpu_memory_gb=task.memory_gb,
        )
        settings = {name: value for name, value in vars(task.settings).items() if name != "profile"}
        facts |= setting_facts(task.analyzer, settings)
    shared_s = sum(seconds for (_, phase), seconds in floors.items() if phase == SHARED_PHASE)
    costs = Costs(
        machine=gpu,
        cores=1,
        source="declared",
        analyzers=analyzers,
        derivations={SHARED_PHASE: Work(gpu=Growth(per_s=shared_s / duration_s))},
        gpu=NAMES[gpu],
        unknown=UNKNOWN,
        facts=as_read_back(facts),
    )
    return KeptCosts(costs, ["full", "random"], clip=Path(cfg.clip.path).name, remarks=[REMARK])


def main(argv: Sequence[str] | None = None) -> int:
    """Count, and print or write the file; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m studies.declared_costs", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--gpu", default="H100 SXM", choices=GPUS, help="whose rates (default H100 SXM)")
    parser.add_argument("--floors", type=Path, help="what studies.floors --json wrote; default: count anew")
    parser.add_argument("--write", action="store_true", help="write the file that comes with clipbench")
    asked = parser.parse_args(argv)

    import yaml

    from clipbench.bench.planning import cost_file, cost_store

    floors = written(asked.floors, asked.gpu) if asked.floors else counted(asked.gpu)
    raw = cost_file.as_raw(costs_of(floors, asked.gpu))
    text = "# Made by python -m studies.declared_costs --write. Nothing here is measured.\n"
    text += yaml.safe_dump(raw, sort_keys=False, allow_unicode=True, width=110)
    if asked.write:
        name = asked.gpu.lower().replace(" ", "-")
        (cost_store.DECLARED / f"{name}.yaml").write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
