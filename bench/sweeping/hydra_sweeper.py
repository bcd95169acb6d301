"""`python run.py -m`: from Hydra's overrides to the jobs of a sweep, all validated before one runs."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from clipbench.bench import invocation
from clipbench.bench.errors import InputError
from clipbench.bench.planning.config import typed
from clipbench.bench.planning.config_errors import explain

if TYPE_CHECKING:
    from clipbench.bench.measuring.session import Session
    from clipbench.bench.sweeping.sweep import Job, Sweep

T = TypeVar("T")

ORDERS = ("fixed", "shuffled")

#: Settings that make a run something else than one measurement, and the value that does not.
NO_MEASUREMENT = {"profile": None, "baseline": None, "calibrate": False, "plan": False}

#: Overrides that the sweep replaces by its own, and what has no bearing on what is measured.
REPEATS = ("repeats", "scenario.repeats")
ASIDE = (*REPEATS, "progress")


class InterleavedSweeper(Sweeper):
    """Hydra's side of a sweep; config.SweeperConfig has its settings. What is done with the sweep,
    `conduct`, is `run.py`'s to say, and so is `track`, which shows how far its validation is."""

    conduct: ClassVar[Callable[[Sweep], None]]
    track: ClassVar[Callable[[list[T]], Iterable[T]]] = iter

    def __init__(self, rounds: int | None, order: str, timeout_s: float) -> None:
        self.rounds, self.order, self.timeout_s = rounds, order, timeout_s

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.hydra_context, self.config = hydra_context, config

    def sweep(self, arguments: list[str]) -> None:
        """Validate the jobs and conduct the sweep; raises InputError for what is wrong with any of them."""
        type(self).conduct(self.plan(arguments))

    def plan(self, arguments: list[str]) -> Sweep:
        """The sweep that these overrides ask for."""
        from clipbench.bench.clips.container import read_container
        from clipbench.bench.comparing.statistics import MIN_PAIRS
        from clipbench.bench.sweeping.sweep import Sweep, identify, locked

        loader = self.hydra_context.config_loader
        overrides = OverridesParser.create(config_loader=loader).parse_overrides(arguments)
        folder = Path(self.config.hydra.sweep.dir).resolve()
        with locked(folder):
            pass  # a folder that will not do is refused before anything else is looked at
        jobs: list[Job] = []
        clips: set[Path] = set()
        notes: list[str] = []
        repeats: set[int] = set()
        clips_in_turn: set[int] = set()  # which give a sample each; a queue of clips gives one in all
        for name, own in type(self).track(named(expand(overrides))):
            prepared, job = self.validate(name, own, folder)
            scenario = prepared.cfg.scenario
            repeats.add(scenario.repeats if prepared.cfg.repeats is None else prepared.cfg.repeats)
            clips.update(prepared.clips)
            clips_in_turn.add(len(prepared.clips) if scenario.in_flight == 1 else 0)
            same = next((other.name for other in jobs if other.config == job.config), None)
            if same is None:
                jobs.append(job)
            else:
                notes.append(f"{name} is the same configuration as {same}, and left out")
        if len(repeats) > 1:
            raise InputError("scenario.repeats: the jobs of a sweep take turns, so all have the same repeats")
        for clip in clips:
            read_container(clip)
        (count,) = repeats
        rounds = self.rounds_of(count)
        queued = 0 in clips_in_turn
        if len(jobs) > 1 and (rounds if queued else count * min(clips_in_turn)) < MIN_PAIRS:
            few = f"a queue of clips in hydra.sweeper.rounds={rounds}" if queued else f"repeats={count}"
            notes.append(f"{few} will tell nothing apart: that takes {MIN_PAIRS} or more")
        return Sweep(
            folder=folder,
            jobs=jobs,
            rounds=rounds,
            repeats=count,
            order=self.order,
            seed=prepared.cfg.seed,
            timeout_s=self.timeout_s,
            identity=identify(jobs, clips),
            command=invocation.command_line(),
            progress=prepared.cfg.progress,
            notes=notes,
        )

    def rounds_of(self, repeats: int) -> int:
        """How many rounds so many repeats take; raises InputError for settings that make no sense."""
        rounds = repeats if self.rounds is None else self.rounds
        if repeats < 1:
            raise InputError(f"scenario.repeats={repeats} makes no sense in a sweep: it takes 1 or more")
        if not 1 <= rounds <= repeats:
            raise InputError(
                f"hydra.sweeper.rounds={rounds} makes no sense: the {repeats} repeats are shared out over"
                f" 1 to {repeats} rounds"
            )
        if self.order not in ORDERS:
            raise InputError(f"hydra.sweeper.order={self.order}: it is one of {', '.join(ORDERS)}")
        if not self.timeout_s > 0:
            raise InputError(
                f"hydra.sweeper.timeout_s={self.timeout_s:g} makes no sense: it takes more than 0"
            )
        return rounds

    def validate(self, name: str, overrides: Sequence[str], folder: Path) -> tuple[Session, Job]:
        """The job of these overrides, and the run that it would be; raises InputError, naming the job."""
        from clipbench.bench.measuring import session
        from clipbench.bench.sweeping.sweep import Job

        try:
            config = self.hydra_context.config_loader.load_sweep_config(self.config, list(overrides))
            with open_dict(config):
                del config["hydra"]
            prepared = session.prepare(typed(config), folder)
        except (HydraException, OmegaConfBaseException) as error:
            raise InputError(f"job {name}: {explain(error)}") from error
        except InputError as error:
            raise InputError(f"job {name}: {error}") from error
        for key, harmless in NO_MEASUREMENT.items():
            if (value := getattr(prepared.cfg, key)) != harmless:
                raise InputError(f"{key}={value}: a sweep only measures; do this in a run of its own")
        plain = json.loads(json.dumps(OmegaConf.to_container(config, resolve=True, enum_to_str=True)))
        del plain["repeats"], plain["scenario"]["repeats"], plain["progress"]
        kept = [o for o in overrides if o.partition("=")[0].lstrip("+") not in ASIDE]
        return prepared, Job(name, (*self.from_outside(), *kept), plain)

    def from_outside(self) -> list[str]:
        """What a child must be told so that it finds the same configuration files."""
        hydra = self.config.hydra
        given = [f"--config-name={hydra.job.config_name}"] if hydra.job.config_name != "config" else []
        given += [
            f"--config-dir={s.path}" for s in hydra.runtime.config_sources if s.provider == "command-line"
        ]
        return given + [o for o in hydra.overrides.hydra if o.startswith("hydra.searchpath=")]


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
                raise InputError(f"{override.input_line} names nothing to choose from")
        elif override.is_sweep_override():
            raise InputError(f"{override.input_line}: a sweep takes values, as in a,b or range(1,4)")
        else:
            choices[key] = [override.input_line]
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


def register(conduct: Callable[[Sweep], None], track: Callable[[list[T]], Iterable[T]]) -> None:
    """Say what is done with a sweep, and what shows how far the validation of its jobs is."""
    InterleavedSweeper.conduct = staticmethod(conduct)
    InterleavedSweeper.track = staticmethod(track)
