"""Groupings that people wrote, as drafts for the search to start from."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from clipbench.bench.locations import CONF
from clipbench.bench.planning import user_config
from clipbench.bench.planning.auto.drafts import Draft, DraftGroup, Space
from clipbench.bench.planning.config import GroupConfig, GroupingConfig
from clipbench.bench.planning.plan import resolve_groups


def written_drafts(space: Space, analyzers: Collection[str]) -> dict[str, Draft]:
    """Name → draft, for every grouping in conf/ that has all of these analyzers and no stages."""
    found: dict[str, Draft] = {}
    for folder in filter(None, (CONF, user_config.user_conf())):
        for path in sorted((folder / "grouping").glob("*.yaml")):
            grouping = read_grouping(path)
            if grouping is None or grouping.stages or grouping.search:
                continue
            asked = resolve_groups(grouping, analyzers_of(grouping, analyzers)).values()
            groups = [space.group(names, DraftGroup((), *as_asked(group))) for names, group in asked]
            if {name for group in groups for name in group.analyzers} == set(analyzers):
                found[path.stem] = space.canonical(groups)
    return found


def as_asked(group: GroupConfig) -> tuple[str, int, int]:
    """Device, replicas and threads of a group, as a draft has them."""
    return group.device, group.replicas, group.threads or 0


def analyzers_of(grouping: GroupingConfig, analyzers: Collection[str]) -> list[str]:
    """All analyzers that a grouping may name, and those that its "*" stands for."""
    named = [name for group in grouping.groups.values() for name in group.analyzers if name != "*"]
    return list(dict.fromkeys([*analyzers, *named]))


def read_grouping(path: Path) -> GroupingConfig | None:
    """The grouping in a file; None where it is no grouping: a run of it says what is wrong."""
    try:
        raw = OmegaConf.load(path)
        made = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(GroupingConfig), raw))
    except (OSError, ValueError, yaml.YAMLError, OmegaConfBaseException):
        return None
    return made if isinstance(made, GroupingConfig) else None
