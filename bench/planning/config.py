"""The configuration's schema: every key, its type and its default, so that a wrong one is refused.

The values that people choose between are YAML files in conf/; an analyzer's settings live in its own file.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, make_dataclass
from pathlib import Path
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf

from clipbench import plugins
from clipbench.analyzers import registry
from clipbench.analyzers.base import Analyzer, setting
from clipbench.bench.enough import ENOUGH
from clipbench.bench.locations import CONF, packaged
from clipbench.bench.planning import ranges
from clipbench.bench.planning.executor_settings import ExecutorConfig, executor_config
from clipbench.bench.planning.exports import ExportConfig
from clipbench.bench.planning.machines import MachineConfig
from clipbench.bench.planning.scenario import ScenarioConfig
from clipbench.bench.planning.unknown_keys import check_keys
from clipbench.bench.runs import folders
from clipbench.executors import registry as executors
from clipbench.executors.faults import KINDS

Classes = tuple[tuple[str, type[Any]], ...]  # by name


@dataclass
class GroupConfig:
    """Analyzers that share a worker. "*" stands for every analyzer that no group names, the user's included.

    `device` is cpu, gpu:N or gpu:auto, and resolved on the machine at hand, for each replica.
    """

    analyzers: list[str] = MISSING
    device: str = "cpu"
    replicas: int = setting(1, "how many equal workers the group has", low=1, high=4096)
    threads: int | None = setting(None, "threads of each worker; null: executor.threads", low=1, high=4096)
    need: float = setting(
        1.0,
        "cores that each worker of gpu_pinned needs, relative to those of other groups",
        low=0.01,
        high=1000,
    )


@dataclass
class GroupingConfig:
    """Which analyzers run and how they are spread: groups by name. An analyzer that no group has is not run.

    With `stages`, each group waits for the one before. With `search`, the analyzers of these groups are
    grouped anew, by costs: bench/planning/auto.
    """

    name: str = MISSING
    groups: dict[str, GroupConfig] = MISSING
    stages: bool = False
    search: bool = False


@dataclass
class ClipConfig:
    """The clip (with scenario=offline and server also a folder or a pattern), and its ground truth (null: a
    .json of the same name beside it, if there is one).

    It is decoded and analyzed in chunks of about `chunk_s` seconds (null: in one): that bounds the memory."""

    path: str = MISSING
    truth: str | None = None
    chunk_s: float | None = setting(5.0, "seconds of a chunk; null: the clip is one", low=0.1, high=1e6)


@dataclass
class MinimumConfig:
    """What a verdict needs at least: analyzers in the run, passes that were measured, and seconds of them.

    Without a number of analyzers, a run that lacks some that its grouping or targets name is `incomplete`.
    """

    analyzers: int | None = setting(None, "analyzers; null: all that are named", low=0, high=100_000)
    repeats: int = setting(ENOUGH, "passes that are measured", low=0, high=1_000_000)
    seconds: float = setting(3.0, "seconds of passes that are measured", low=0, high=1e9)


@dataclass
class TargetsConfig:
    """Limits by metric: "< 3", ">= 0.8" or "85..95"; nested keys are joined with dots."""

    name: str = MISSING
    minimum: MinimumConfig = field(default_factory=MinimumConfig)
    limits: dict[str, Any] = field(default_factory=dict)


@dataclass
class FaultConfig:
    """A fault to plant into one `analyzer` (null: color_analysis); without a kind (executors/faults.py has
    them) none is planted.

    `seconds` is how much longer the analyzer takes with the kind slow (null: 0.5)."""

    kind: str | None = None
    analyzer: str | None = None
    seconds: float | None = setting(None, "how much longer it takes with faults=slow", low=0, high=1e6)


@dataclass
class GateConfig:
    """What a missed target does: `report` prints it, `enforce` makes it the exit code.

    What is in `require` and not measured is missed. Any other target that was not measured makes the verdict
    `incomplete`, and with `enforce` the exit code 5, unless `allow_unmeasured` names it; "*" stands for any
    part of a name.
    """

    mode: str = MISSING
    require: list[str] = field(default_factory=list)
    allow_unmeasured: list[str] = field(default_factory=list)


@dataclass
class CostsConfig:
    """Where the costs of analyzers are: in a `store` by machine and profile, which plan.py fills (null: the
    folder that CLIPBENCH_COSTS names, or that of the user's data), or in a `file` of your own."""

    store: str | None = None
    file: str | None = None


@dataclass
class ReportConfig:
    """What report.html has: with `frames`, a frame of each shot with what was found in it."""

    frames: bool = True


@dataclass
class SweeperConfig:
    """`hydra.sweeper`, for `python run.py -m`: in how many `rounds` the jobs take turns (null: one for each
    repeat), in which `order` (alternating, fixed, or shuffled by the seed), after how long a turn is ended as
    hanging, and after how long the sweep stops (null: when it is complete)."""

    _target_: str = "hydra_plugins.clipbench.InterleavedSweeper"
    rounds: int | None = None
    order: str = "alternating"
    timeout_s: float = 3600.0
    budget_s: float | None = None


@dataclass
class ByAnalyzer:
    """A value for each analyzer; `schema` adds the fields, which are named as the analyzers are."""

    def of(self, analyzer: str) -> Any:
        """The value of one analyzer, or None where it has none."""
        return getattr(self, analyzer, None)


@dataclass
class ModelsConfig(ByAnalyzer):
    """The models: a profile, and the settings of every analyzer, as a field of the analyzer's name.

    `profiles` has the profile of an analyzer that differs from the others, `production` the settings of the
    back ends that full and random use.
    """

    profile: str = MISSING
    size: str | None = None
    profiles: ByAnalyzer = field(default_factory=ByAnalyzer)
    production: ByAnalyzer = field(default_factory=ByAnalyzer)


@dataclass
class Config:
    """The whole configuration; conf/config.yaml says what each key is for."""

    grouping: GroupingConfig = field(default_factory=GroupingConfig)
    executor: ExecutorConfig = field(default_factory=ExecutorConfig)
    machine: MachineConfig = field(default_factory=MachineConfig)
    models: ModelsConfig = field(default_factory=ModelsConfig)
    clip: ClipConfig = field(default_factory=ClipConfig)
    scenario: ScenarioConfig = field(default_factory=ScenarioConfig)
    targets: TargetsConfig = field(default_factory=TargetsConfig)
    gate: GateConfig = field(default_factory=GateConfig)
    faults: FaultConfig = field(default_factory=FaultConfig)
    costs: CostsConfig = field(default_factory=CostsConfig)
    export: ExportConfig = field(default_factory=ExportConfig)
    report: ReportConfig = field(default_factory=ReportConfig)
    plugins: list[str] = field(default_factory=list)
    profile: str | None = None
    repeats: int | str | None = setting(None, "passes that count, or auto", low=0, high=1_000_000)
    objective: str | None = None
    baseline: str | None = None
    baseline_store: str = "baselines"
    calibrate: bool = False
    plan: bool = False
    only: list[str] = field(default_factory=list)
    resume: bool = False
    resume_store: str = "unfinished"
    seed: int = 0
    progress: bool = True
    verbose: bool = False


def schema() -> type[Config]:
    """`Config` with the settings of every analyzer and executor: what Hydra checks the configuration against.

    Raises PluginError where a plugin cannot be used.
    """
    known, back_ends = registry.discover(), registry.back_ends()
    if taken := {f.name for f in dataclasses.fields(ModelsConfig)}.intersection(known):
        name = min(taken)
        file = plugins.file_of(sys.modules[known[name].__module__])
        raise plugins.PluginError(f"{file}: an analyzer cannot be called {name}, which is a key of models")
    return _schema(*(tuple(found.items()) for found in (known, back_ends, executors.discover())))


@functools.cache
def _schema(known: Classes, back_ends: Classes, _executors: Classes) -> type[Config]:
    profiles = make_dataclass(
        "Profiles", [(name, str | None, None) for name, _ in known], bases=(ByAnalyzer,)
    )
    production = make_dataclass("Production", settings_fields(dict(back_ends)), bases=(ByAnalyzer,))
    parts = [
        ("profiles", profiles, field(default_factory=profiles)),
        ("production", production, field(default_factory=production)),
    ]
    models = make_dataclass("Models", [*parts, *settings_fields(dict(known))], bases=(ModelsConfig,))
    executor = executor_config()
    fields = [
        ("models", models, field(default_factory=models)),
        ("executor", executor, field(default_factory=executor)),
    ]
    return make_dataclass("Config", fields, bases=(Config,))


def settings_fields(classes: Mapping[str, type[Analyzer]]) -> list[tuple[str, type, Any]]:
    """A dataclass field for the settings of each of these analyzers."""
    types = {name: cls.settings_type for name, cls in classes.items()}
    return [(name, kind, field(default_factory=kind)) for name, kind in types.items()]


def register() -> None:
    """Tell Hydra the schema, and the choices that are declared in code instead of files in conf/.

    Raises PluginError where a plugin cannot be used.
    """
    OmegaConf.register_new_resolver("packaged", packaged, replace=True)
    OmegaConf.register_new_resolver("unused", folders.unused, replace=True)
    store = ConfigStore.instance()
    stored, wanted = store.repo.get("schema.yaml"), schema()
    if stored is None or OmegaConf.get_type(stored.node) is not wanted:  # to store it takes long
        store.store(name="schema", node=wanted)
    store.store(group="hydra/sweeper", name="interleaved", node=SweeperConfig)
    for kind in (None, *sorted(KINDS)):
        store.store(group="faults", name=kind or "none", node={"kind": kind})
    for name in executors.names():
        if not any((conf / "executor" / f"{name}.yaml").exists() for conf in (CONF, Path.cwd() / "conf")):
            store.store(group="executor", name=name, node={"name": name})


def choices() -> dict[str, list[str]]:
    """Group → the choices that `register` adds to the files in conf/."""
    return {"faults": ["none", *sorted(KINDS)], "executor": executors.names()}


def typed(cfg: DictConfig) -> Config:
    """What Hydra composed, as `Config`.

    Raises OmegaConfBaseException where a value is missing, and InputError for a key that does not exist and
    for a number out of its range.
    """
    check_keys(cfg)
    config = OmegaConf.to_object(cfg)
    assert isinstance(config, Config)
    ranges.check(config)
    return config


def compose(*overrides: str) -> Config:
    """The configuration of `python run.py` with these overrides."""
    plugins.use()
    register()
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        return typed(hydra.compose("config", overrides=list(overrides)))
