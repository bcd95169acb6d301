"""Files of costs for simulated runs in tests: declared, and the same for every analyzer."""

from __future__ import annotations

from pathlib import Path

from clipbench.bench.planning.cost_file import KeptCosts
from clipbench.bench.planning.cost_store import write
from clipbench.executors.costs import AnalyzerCost, Costs, DecodingCost, Growth, Overheads, Work


def write_costs(path: Path, *analyzers: str, on_gpu: bool = False, memory_gb: float = 0.5) -> Path:
    """Costs of these analyzers, which take 1 s for 10 s of a clip: of a core or, `on_gpu`, of a GPU."""
    work = Work(gpu=Growth(per_s=0.1)) if on_gpu else Work(host=Growth(per_s=0.1))
    cost = AnalyzerCost(work, load_s=0.5, memory_gb=memory_gb, gpu_memory_gb=2.0 if on_gpu else None)
    costs = Costs(
        "a machine of the tests",
        2,
        "declared",
        dict.fromkeys(analyzers, cost),
        decoding=DecodingCost(open_s=0.1, frames=Growth(per_s=0.01)),
        overheads={"gpu_pinned": Overheads(spawn_s=1.0, memory_gb=0.25)},
        gpu="NVIDIA H100 80GB HBM3" if on_gpu else "",
    )
    write(path, KeptCosts(costs, ["embedded", "random"]))
    return path
