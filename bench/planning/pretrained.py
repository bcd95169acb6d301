"""Pretrained weights of `models=full`, on this machine before anything of a run starts."""

from __future__ import annotations

from clipbench.analyzers import registry
from clipbench.analyzers.production.base import MissingWeights, Production
from clipbench.bench.errors import InputError
from clipbench.executors.base import Plan


def fetch(plan: Plan) -> None:
    """Have the weights of every analyzer of `plan` that takes pretrained ones; downloads show their progress.

    Raises InputError with all that is missing, how to get it and where to put it.
    """
    missing: dict[str, str] = {}
    for task in plan.tasks():
        if task.broken:
            continue
        analyzer = registry.create(task.analyzer, task.settings)
        if not isinstance(analyzer, Production) or analyzer.random:
            continue
        try:
            analyzer.fetch()
        except MissingWeights as lack:
            missing[f"{task.analyzer}: {lack.what}"] = lack.how
        except ModuleNotFoundError as error:
            raise InputError(
                f"{task.analyzer} of models=full requires {error.name}: pip install 'clipbench[full]'"
            ) from None
    if missing:
        lines = "\n".join(f"  {what}\n    {how}" for what, how in missing.items())
        count = f"{len(missing)} analyzer{'s' if len(missing) > 1 else ''}"
        raise InputError(
            f"models=full: the weights for {count} are not here and cannot be downloaded.\n{lines}\n"
            "  HF_HOME moves the hub's cache, HF_ENDPOINT names a mirror, HF_HUB_OFFLINE=1 goes without.\n"
            "  models=random runs the same networks without pretrained weights."
        )
