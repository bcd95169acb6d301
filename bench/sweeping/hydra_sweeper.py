"""`python run.py -m`: from Hydra's overrides to the jobs of a sweep, all validated before one runs."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from clipbench.bench import invocation
from clipbench.bench.enough import ENOUGH_PAIRS
from clipbench.bench.errors import InputError
from clipbench.bench.planning.config import typed
from clipbench.bench.planning.config_errors import explain
from clipbench.bench.sweeping import globbed

if TYPE_CHECKING:
    from clipbench.bench.measuring.session import Session
    from clipbench.bench.runs.sweep_state import Order
    from clipbench.bench.sweeping.sweep import Job, Sweep

ORDERS: tuple[Order, ...] = ("alternating", "fixed", "shuffled")

#: Settings with which a run is something else than one measurement, and the value with which it is not.
NO_MEASUREMENT = {"profile": None, "baseline": None, "calibrate": False, "plan": False}

#: Overrides that the sweep replaces with its own, or that have no bearing on what is measured.
NOT_FOR_JOBS = ("repeats", "scenario.repeats", "progress", "verbose")


@dataclass(frozen=True)
class ValidJob:
    """A job, and the run that it would be."""

    job: Job
    session: Session

    @property
    def repeats(self) -> int:
        """The measured repeats that were asked for; with auto as many pairs as a call takes."""
        scenario = self.session.cfg.scenario
        return ENOUGH_PAIRS if scenario.auto else scenario.least

    @property
    def samples(self) -> int | None:
        """The samples that all turns give together; None for a queue of clips: it gives one a turn."""
        return self.repeats * len(self.session.clips) if self.session.cfg.scenario.at_once == 1 else None


class InterleavedSweeper(Sweeper):
    """Hydra's side of a sweep; config.SweeperConfig has its settings.

    Hydra makes the sweeper itself, from those settings, and returns nothing of what it does. So the entry
    point sets what is to be done, with `register`, on the class: `conduct` is given the sweep, and `track`
    the jobs to iterate over while they are validated, of which it can show the progress.
    """

    conduct: ClassVar[Callable[[Sweep], None]]
    track: ClassVar[Callable[[list[Any]], Iterable[Any]]] = iter

    def __init__(
        self,
        rounds: int | None,
        order: Order,
        timeout_s: float,
        budget_s: float | None = None,
    ) -> None:
        self.rounds, self.order, self.timeout_s, self.budget_s = rounds, order, timeout_s, budget_s

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keep what Hydra gives before a sweep."""
        self.hydra_context: HydraContext = hydra_context
        self.config: DictConfig = config

    def sweep(self, arguments: list[str]) -> None:
        """Validate the jobs and conduct the sweep; raises InputError for what is wrong with any of them."""
        type(self).conduct(self.plan(arguments))

    def plan(self, arguments: list[str]) -> Sweep:
        """The sweep that these overrides ask for."""
        from clipbench.bench.clips.decoding import probe
        from clipbench.bench.sweeping import identity
        from clipbench.bench.sweeping.folder_lock import locked
        from clipbench.bench.sweeping.sweep import Sweep

        loader = self.hydra_context.config_loader
        overrides = OverridesParser.create(config_loader=loader).parse_overrides(arguments)
        folder = Path(self.config.hydra.sweep.dir).resolve()
        with locked(folder):
            pass  # a folder that cannot be used is refused before anything else is looked at
        valid, left_out = self.validated(overrides, folder)
        if len({each.repeats for each in valid}) > 1:
            raise InputError("scenario.repeats: the jobs of a sweep take turns, so all have the same repeats")
        # Of several clips, one that cannot be read is lost in the turns, and the others are measured.
        single = {each.session.clips[0] for each in valid if len(each.session.clips) == 1}
        for clip in sorted(single):
            probe(clip)
        rounds = self.rounds_of(valid[0].repeats, all(each.job.predicted for each in valid))
        jobs, notes = without_duplicates([each.job for each in valid])
        notes = left_out + notes
        if any(each.session.cfg.scenario.auto and not each.job.predicted for each in valid):
            notes.append(
                f"repeats=auto: the jobs of a sweep take turns, so each is measured {ENOUGH_PAIRS} times, as "
                "many pairs as a call takes"
            )
        if len(jobs) > 1:
            notes += self.too_few_samples(valid, rounds)
        cfg = valid[0].session.cfg
        command = invocation.command_line()
        return Sweep(
            folder=folder,
            jobs=jobs,
            rounds=rounds,
            repeats=valid[0].repeats,
            order=self.order,
            seed=cfg.seed,
            timeout_s=self.timeout_s,
            budget_s=self.budget_s,
            code=identity.code(),
            command=command,
            resumption=invocation.resumption(command, "hydra.sweep.dir", folder),
            progress=cfg.progress,
            notes=notes,
        )

    def rounds_of(self, repeats: int, predicted: bool = False) -> int:
        """The number of rounds for so many repeats; raises InputError for settings that are out of range.

        Where everything is `predicted`, one is the default: nothing drifts, and others give the same.
        """
        default = min(1, repeats) if predicted else repeats
        rounds = default if self.rounds is None else self.rounds
        if repeats < 1:
            raise InputError(f"scenario.repeats={repeats} is out of range: a sweep requires 1 or more")
        if not 1 <= rounds <= repeats:
            raise InputError(
                f"hydra.sweeper.rounds={rounds} is out of range: the {repeats} repeats are shared out over"
                f" 1 to {repeats} rounds"
            )
        if self.order not in ORDERS:
            known = f"{', '.join(ORDERS[:-1])} or {ORDERS[-1]}"
            raise InputError(f"hydra.sweeper.order={self.order} does not exist; write {known}")
        for name in ("timeout_s", "budget_s"):
            seconds = getattr(self, name)
            if seconds is not None and not seconds > 0:
                raise InputError(f"hydra.sweeper.{name}={seconds:g} is out of range: it must be above 0")
        return rounds

    def too_few_samples(self, valid: Sequence[ValidJob], rounds: int) -> list[str]:
        """A note if a job gives fewer samples than any call requires; predictions are called without."""
        if all(each.job.predicted for each in valid):
            return []
        samples = [each.samples for each in valid]
        queued = None in samples
        if min(rounds if count is None else count for count in samples) >= ENOUGH_PAIRS:
            return []
        few = (
            f"a queue of clips in hydra.sweeper.rounds={rounds}" if queued else f"repeats={valid[0].repeats}"
        )
        return [f"{few} cannot show any difference: that requires {ENOUGH_PAIRS} or more"]

    def validated(self, overrides: Sequence[Override], folder: Path) -> tuple[list[ValidJob], list[str]]:
        """The jobs, and a note for each that is left out; raises InputError, naming the job."""
        keys, tried = globbed.globbed_keys(overrides), list[globbed.Tried[ValidJob]]()
        for name, own in type(self).track(named(expand(overrides))):
            rest = tuple(word for word in own if word.partition("=")[0] not in keys)
            try:
                found = self.validate(name, own, folder)
            except InputError as error:
                if not keys:
                    raise
                tried.append(globbed.Tried(name, rest, error))
            else:
                tried.append(globbed.Tried(name, rest, found, found.job.predicted))
        return globbed.fit(tried, keys)

    def validate(self, name: str, overrides: Sequence[str], folder: Path) -> ValidJob:
        """The job of these overrides, and the run that it would be; raises InputError, naming the job."""
        from clipbench.bench.comparing import comparability
        from clipbench.bench.measuring import session
        from clipbench.bench.sweeping.sweep import Job

        try:
            config = self.hydra_context.config_loader.load_sweep_config(self.config, list(overrides))
            with open_dict(config):
                del config["hydra"]
            prepared = session.prepare(typed(config), folder)
            key = comparability.of_session(prepared).sweep()
        except (HydraException, OmegaConfBaseException, YAMLError) as error:
            raise InputError(f"job {name}: {explain(error)}") from error
        except InputError as error:
            raise InputError(f"job {name}: {error}") from error
        if prepared.cfg.scenario.search:
            raise InputError("scenario.search=true: a sweep only measures; do this in a run of its own")
        for setting, harmless in NO_MEASUREMENT.items():
            if (value := getattr(prepared.cfg, setting)) != harmless:
                raise InputError(f"{setting}={value}: a sweep only measures; do this in a run of its own")
        settings = as_json(config)
        for setting in ("repeats", "progress", "verbose"):
            del settings[setting]
        del settings["scenario"]["repeats"]
        kept = [o for o in overrides if o.partition("=")[0].lstrip("+") not in NOT_FOR_JOBS]
        job = Job(
            name=name,
            overrides=(*self.from_outside(), *kept),
            key=key,
            settings=settings,
            gate=prepared.cfg.gate,
            minimum=prepared.cfg.targets.minimum,
        )
        return ValidJob(job, prepared)

    def from_outside(self) -> list[str]:
        """The arguments with which a turn finds the same configuration files."""
        hydra = self.config.hydra
        given = [f"--config-name={hydra.job.config_name}"] if hydra.job.config_name != "config" else []
        given += [
            f"--config-dir={s.path}" for s in hydra.runtime.config_sources if s.provider == "command-line"
        ]
        return given + [o for o in hydra.overrides.hydra if o.startswith("hydra.searchpath=")]


def as_json(config: DictConfig) -> dict[str, Any]:
    """A configuration as JSON values."""
    plain: dict[str, Any] = json.loads(
        json.dumps(OmegaConf.to_container(config, resolve=True, enum_to_str=True))
    )
    return plain


def without_duplicates(jobs: Sequence[Job]) -> tuple[list[Job], list[str]]:
    """The jobs that differ, and a note for each that is the same configuration as one before."""
    different: list[Job] = []
    notes = []
    for job in jobs:
        if same := next((other for other in different if other.settings == job.settings), None):
            notes.append(f"{job.name} is the same configuration as {same.name}, and left out")
        else:
            different.append(job)
    return different, notes


def expand(overrides: Sequence[Override]) -> list[tuple[list[str], list[str]]]:
    """The cartesian product: for each job its overrides, and those of them that are swept over."""
    choices: dict[str, list[str]] = {}
    swept: set[str] = set()
    for override in overrides:
        key = override.get_key_element()
        if override.is_discrete_sweep():
            choices[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
            swept.add(key)
            if not choices[key]:
                raise InputError(f"{override.input_line} matches nothing to choose from")
        elif override.is_sweep_override():
            raise InputError(f"{override.input_line}: a sweep requires values, as in a,b or range(1,4)")
        else:
            choices[key] = [override.input_line or ""]
            swept.discard(key)
    return [
        (list(job), [one for key, one in zip(choices, job, strict=True) if key in swept])
        for job in itertools.product(*choices.values())
    ]


def named(jobs: Sequence[tuple[list[str], list[str]]]) -> list[tuple[str, list[str]]]:
    """Each job's overrides, with its name: what it was swept over to, as a folder can be called."""
    found: dict[str, list[str]] = {}
    for overrides, swept in jobs:
        name = plain_name = re.sub(r"[^A-Za-z0-9_.=,+-]+", "_", ",".join(swept))[:120].strip(".") or "job"
        for number in itertools.count(2):
            if name not in found:
                break
            name = f"{plain_name}-{number}"
        found[name] = overrides
    return list(found.items())


def register(conduct: Callable[[Sweep], None], track: Callable[[list[Any]], Iterable[Any]]) -> None:
    """Set what is done with a sweep, and what shows how far the validation of its jobs is."""
    InterleavedSweeper.conduct = staticmethod(conduct)
    InterleavedSweeper.track = staticmethod(track)
