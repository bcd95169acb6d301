"""How many clips of a queue are under way at once, where the configuration leaves that open."""

from __future__ import annotations

from clipbench.analyzers import registry
from clipbench.bench.planning.config import Config
from clipbench.bench.planning.plan import choose_models

#: On the CPU two clips keep the cores busy: one is finished while the next is decoded.
ON_CPU = 2
#: A GPU waits for decoding and for the analyzers on the CPU, and more clips fill that time. How many it takes
#: has not been measured: this is a number to start with.
ON_GPU = 4


def resolve(cfg: Config, here: int) -> None:
    """Set `scenario.in_flight` if it is null. `here` is how many GPUs there are. Raises InputError.

    Models of which none can use a GPU leave it alone.
    """
    if cfg.scenario.in_flight is None:
        gpus = here if cfg.machine.gpus is None else cfg.machine.gpus
        cfg.scenario.in_flight = ON_GPU if gpus and any_on_gpu(cfg) else ON_CPU


def any_on_gpu(cfg: Config) -> bool:
    """Whether an analyzer of the configuration uses a GPU where there is one."""
    chosen = choose_models(cfg.models)
    wanted = cfg.only or chosen
    return any(registry.chosen(name, chosen[name]).uses_gpu for name in wanted if name in chosen)
