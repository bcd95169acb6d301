"""Measuring the costs of a configuration's analyzers on this machine, unit by unit, and keeping them."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from clipbench.analyzers.threads import cores_allowed
from clipbench.bench import invocation
from clipbench.bench.clips.clip_info import sha256
from clipbench.bench.clips.clip_path import check_clip
from clipbench.bench.costing import fitting
from clipbench.bench.costing.beside_decoding import BesideDecoding
from clipbench.bench.costing.decoding import Decoding
from clipbench.bench.costing.observed import Observed
from clipbench.bench.costing.overheads import Executors
from clipbench.bench.costing.stages import Gpus, Pairs, Rigs, Stage, Steps, Subject
from clipbench.bench.errors import InputError
from clipbench.bench.locations import PACKAGE
from clipbench.bench.planning import cost_store, pretrained
from clipbench.bench.planning.config import Config
from clipbench.bench.planning.cost_file import KeptCosts
from clipbench.bench.planning.placement import visible
from clipbench.bench.planning.plan import make_plan
from clipbench.bench.probes import environment
from clipbench.bench.probes.other_load import OtherWork, is_busy
from clipbench.bench.runs.facts import Facts
from clipbench.bench.runs.results import Environment
from clipbench.bench.runs.serialization import from_json, to_json
from clipbench.bench.runs.storage import write_json
from clipbench.executors import registry as executors
from clipbench.executors.costs import Costs
from clipbench.executors.devices import on_gpu

#: Stands behind the name of a file of costs until all is measured.
UNFINISHED = ".unfinished"
#: Clips of other sizes, on which decoding is measured too.
OTHER_CLIPS = ("second.mp4", "negative.mp4")


class Told(Protocol):
    """Told how far the measuring is."""

    def unit(self, name: str, number: int, of: int) -> None: ...


@dataclass(frozen=True)
class Measuring:
    """What is to be measured, where it is kept, and what was kept before an interruption."""

    cfg: Config
    subject: Subject
    path: Path
    facts: Facts
    found: Observed

    @property
    def unfinished(self) -> Path:
        """The file of what was measured so far."""
        return self.path.with_name(self.path.name + UNFINISHED)


def prepare(cfg: Config, overrides: Sequence[str]) -> Measuring:
    """Validate the configuration, and find what was measured before an interruption.

    Raises InputError for what is wrong with it, and for a clip that cannot be measured on.
    """
    clip = Path(cfg.clip.path)
    check_clip(clip)
    here = environment.describe()
    plan = make_plan(cfg, visible(environment.gpus(), os.environ.get("CUDA_VISIBLE_DEVICES")))
    pretrained.fetch(plan)
    subject = Subject(
        tasks=plan.tasks(),
        clip=clip,
        chunk_s=cfg.clip.chunk_s,
        device=next((worker.device for worker in plan.layout if on_gpu(worker.device)), "cpu"),
        limit_s=plan.settings.timeout_s,
        cores=cores_allowed(),
        executors=[name for name in executors.running() if not executors.lacking(name)],
        other_clips=[path for name in OTHER_CLIPS if (path := PACKAGE / "clips" / name) != clip],
        overrides=overrides,
    )
    facts = cost_store.facts_of(subject.tasks, here)
    facts |= {"clip.sha256": sha256(clip), "clip.chunk_s": cfg.clip.chunk_s}
    path = cost_store.path_of(cfg.costs, cfg.models.profile, here)
    if path.exists():
        check_sharers([task.analyzer for task in subject.tasks], cost_store.read(path).costs)
    measuring = Measuring(cfg, subject, path, facts, Observed())
    return replace(measuring, found=unfinished(measuring.unfinished, facts) or Observed())


def check_sharers(measured: Sequence[str], kept: Costs) -> None:
    """Raise InputError where an analyzer shares with one whose costs are kept and would not be measured anew.

    What they share is known only where both are measured.
    """
    for name in measured:
        mine = set(kept.analyzers[name].derivations) if name in kept.analyzers else set()
        others = [
            other
            for other, cost in kept.analyzers.items()
            if other not in measured and mine.intersection(cost.derivations)
        ]
        if others:
            together = ",".join([*measured, *others])
            raise InputError(
                f"only: {name} shares what it takes with {', '.join(others)}; measure them together: "
                f"only=[{together}]"
            )


def unfinished(path: Path, facts: Facts) -> Observed | None:
    """What was measured before an interruption, if that was the same: else it is begun anew."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return from_json(Observed, raw["observed"]) if raw["facts"] == facts else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def stages_of(measuring: Measuring, rigs: Rigs) -> list[Stage]:
    """What is measured, in order."""
    subject = measuring.subject
    steps = Steps(rigs, (1, 2) if subject.cores > 1 else (1,))
    return [
        *(steps, Gpus(rigs), Pairs(rigs)),
        *(Decoding(subject), BesideDecoding(rigs), Executors(subject)),
    ]


def run(measuring: Measuring, told: Told) -> KeptCosts:
    """Measure what is not measured yet, and keep the costs; what was measured is kept after an interrupt too.

    Raises InputError where an analyzer takes its process down or hangs, or the store cannot be written to.
    """
    found, others = measuring.found, OtherWork()
    keep(measuring)
    try:
        with Rigs(measuring.subject, found) as rigs:
            units = [(stage, unit) for stage in stages_of(measuring, rigs) for unit in stage.units()]
            for number, (stage, unit) in enumerate(units, 1):
                told.unit(unit, number, len(units))
                if unit not in found.done:
                    stage.measure(unit, found)
                    found.done.append(unit)
                    keep(measuring)
    finally:  # the processes have ended, so that their time is known to be no other work
        if (cores := others.cores()) is not None:
            found.other_cores.append(cores)
        keep(measuring)
    made = costs_of(measuring)
    cost_store.write(measuring.path, made, to_json(found))
    measuring.unfinished.unlink(missing_ok=True)
    return made


def keep(measuring: Measuring) -> None:
    """Write down what was measured so far."""
    try:
        measuring.path.parent.mkdir(parents=True, exist_ok=True)
        write_json(measuring.unfinished, {"facts": measuring.facts, "observed": to_json(measuring.found)})
    except OSError as error:
        raise InputError(
            f"costs.store: {measuring.path.parent} cannot be written to ({error.strerror}); name another"
        ) from error


def costs_of(measuring: Measuring) -> KeptCosts:
    """The costs from what was measured, beside those of other analyzers that the file has already."""
    found, here = measuring.found, environment.describe()
    cores = max(found.other_cores, default=None)
    costs = fitting.costs_of(found, empty(here, measuring))
    if not costs.analyzers:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in found.failures.items())
        raise InputError(f"no analyzer has costs on {measuring.subject.clip}: {reasons}")
    kept = KeptCosts(
        costs=costs,
        profiles=[measuring.cfg.models.profile],
        measured_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        command=shlex.join(invocation.command_line()),
        clip=measuring.subject.clip.name,
        other_cores=cores,
        busy=is_busy(cores, here.cores_allowed),
        remarks=[f"{name} has no costs: {reason}" for name, reason in found.failures.items()],
    )
    with contextlib.suppress(InputError):
        before = cost_store.read(measuring.path).costs if measuring.path.exists() else costs
        return replace(kept, costs=beside(before, costs))
    return kept


def beside(before: Costs, now: Costs) -> Costs:
    """Costs with those that were measured before of analyzers that were not measured now."""
    analyzers = before.analyzers | now.analyzers
    shared = {name for cost in analyzers.values() for name in cost.derivations}
    derivations = before.derivations | now.derivations
    return replace(
        now,
        analyzers=analyzers,
        derivations={name: work for name, work in derivations.items() if name in shared},
        facts=before.facts | now.facts,
    )


def empty(here: Environment, measuring: Measuring) -> Costs:
    """No costs yet, but where they are from and what they cannot tell."""
    device, no_gpu = measuring.subject.device, "nothing ran on a GPU"
    unknown = {} if on_gpu(device) else dict.fromkeys(("gpu", "gpu_share", "gpu_memory_gb"), no_gpu)
    return Costs(
        machine=f"{here.cpu or here.machine}, {here.cores_allowed} cores",
        cores=here.cores_allowed,
        source="measured",
        analyzers={},
        gpu=", ".join(sorted({gpu.name for gpu in here.gpu_list()})) if on_gpu(device) else "",
        unknown=unknown | {"waiting": "it is not told apart from work"},
        facts=measuring.facts,
    )
