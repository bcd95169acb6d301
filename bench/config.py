"""The configuration's schema: every key, its type and its default, so that a wrong one is refused.

The values that people choose between are YAML files in conf/; an analyzer's settings live in its own file.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, make_dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

import analyzers


@dataclass
class GroupConfig:
    """Analyzers that share a worker. "*" stands for every analyzer that no group names."""

    analyzers: list[str] = MISSING
    device: str = "cpu"


@dataclass
class GroupingConfig:
    """How the analyzers are spread: groups by name."""

    name: str = MISSING
    groups: dict[str, GroupConfig] = MISSING


@dataclass
class ExecutorConfig:
    """The strategy, and the threads that each of its workers may use (null: all cores allowed)."""

    name: str = MISSING
    threads: int | None = None


@dataclass
class ClipConfig:
    """The clip, and its ground truth (null: a .json of the same name beside it, if there is one)."""

    path: str = MISSING
    truth: str | None = None


@dataclass
class ScenarioConfig:
    """How the clip is fed: `warmup` passes that do not count, then `repeats` that do."""

    name: str = MISSING
    warmup: int = 1
    repeats: int = 3


@dataclass
class TargetsConfig:
    """Limits by metric: "< 3", ">= 0.8" or "85..95"; nested keys are joined with dots."""

    name: str = MISSING
    limits: dict[str, Any] = field(default_factory=dict)


@dataclass
class GateConfig:
    """What a missed target does: `report` prints it, `enforce` makes it the exit code."""

    mode: str = MISSING
    require: list[str] = field(default_factory=list)


def models_config() -> type:
    """The dataclass of the `models` group: a profile, and the settings of every analyzer there is."""
    settings = [
        (name, cls.settings_type, field(default_factory=cls.settings_type))
        for name, cls in analyzers.discover().items()
    ]
    return make_dataclass("Models", [("profile", str, MISSING), ("size", str | None, None), *settings])


def root_config() -> type:
    """The dataclass of the whole configuration."""
    return make_dataclass(
        "Config",
        [
            ("grouping", GroupingConfig, field(default_factory=GroupingConfig)),
            ("executor", ExecutorConfig, field(default_factory=ExecutorConfig)),
            ("models", (models := models_config()), field(default_factory=models)),
            ("clip", ClipConfig, field(default_factory=ClipConfig)),
            ("scenario", ScenarioConfig, field(default_factory=ScenarioConfig)),
            ("targets", TargetsConfig, field(default_factory=TargetsConfig)),
            ("gate", GateConfig, field(default_factory=GateConfig)),
            ("only", list[str], field(default_factory=list)),
            ("seed", int, 0),
            ("progress", bool, True),
        ],
    )


def register() -> None:
    """Tell Hydra the schema, under the name that conf/config.yaml builds on."""
    ConfigStore.instance().store(name="schema", node=root_config())


def out_of_range(settings: Any, prefix: str) -> str | None:
    """The first setting outside of the range its field declares, as a line for the user, or None."""
    for f in dataclasses.fields(settings):
        value, low, high = getattr(settings, f.name), f.metadata.get("low"), f.metadata.get("high")
        if not isinstance(value, int | float) or isinstance(value, bool):
            continue
        below = low is not None and not value >= low
        above = high is not None and not value <= high
        if below or above:
            return (
                f"{prefix}.{f.name}={value} makes no sense: it takes {low} to {high} ({f.metadata['help']})"
            )
    return None
