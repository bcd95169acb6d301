"""How busy workers, cores and GPUs were, in one line for every kind of report."""

from __future__ import annotations

from clipbench.bench.planning.simulation import Prediction
from clipbench.bench.runs.utilization import Utilization


def busy_line(found: Utilization | None) -> str:
    """How busy each was: "one 91%, two 40%; cores 66%; GPU 0 12%"; "" where nothing was measured."""
    if found is None:
        return ""
    parts = [", ".join(f"{worker} {share:.0%}" for worker, share in found.workers.items())]
    if found.cores is not None:
        parts.append(f"cores {found.cores:.0%}")
    parts += [f"GPU {index} {share:.0%}" for index, share in (found.gpus or {}).items()]
    return "; ".join(parts)


def of_prediction(found: Prediction) -> str:
    """The same of what is predicted for a plan."""
    gpus = {str(index): share for index, share in found.gpus.items()}
    return busy_line(Utilization(workers=found.workers, cores=found.cores, gpus=gpus))
