"""Facts that decide whether two measurements say something about each other, and how they differ.

bench/comparing/comparability.py says which of them count for what.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from clipbench.bench.runs.results import Environment

#: Dotted name → JSON value. A value that is not known has no entry.
Facts = dict[str, Any]

#: Memory that differs by less than this factor counts as equal: a kernel keeps more or less of it for itself.
SAME_MEMORY = 1.1
#: Characters of a value that a message shows.
SHOWN = 60


def machine_facts(found: Environment) -> Facts:
    """The machine of an environment."""
    return {
        "machine.cpu": found.cpu,
        "machine.architecture": found.machine,
        "machine.cores_allowed": found.cores_allowed,
        "machine.memory_gb": found.memory_gb,
        "machine.gpus": [gpu.name for gpu in found.gpu_list()],
    }


def software_facts(found: Environment) -> Facts:
    """The versions in an environment that may change how long the same code takes."""
    return {
        "version.python": found.python,
        "version.driver": sorted({gpu.driver or "unknown" for gpu in found.gpu_list()}),
        **{f"version.{name}": version for name, version in found.packages.items()},
    }


def setting_facts(analyzer: str, settings: Mapping[str, Any]) -> Facts:
    """The settings of an analyzer."""
    return {f"models.{analyzer}.{name}": value for name, value in settings.items()}


def as_read_back(facts: Facts) -> Facts:
    """Facts as JSON gives them back: lists for tuples, for instance."""
    read: Facts = json.loads(json.dumps(facts))
    return read


def digest(facts: Mapping[str, Any]) -> str:
    """A short name for these facts: equal facts have equal names."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def equal(name: str, one: Any, other: Any) -> bool:
    """Whether two values of the fact called `name` count as equal."""
    if name.endswith("memory_gb") and one and other:
        return bool(max(one, other) / min(one, other) < SAME_MEMORY)
    return bool(one == other)


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two mappings: "name: before → now" each, with null for a value that is missing."""
    names = [name for name in {**before, **now} if not equal(name, before.get(name), now.get(name))]
    return [f"{name}: {short_text(before.get(name))} → {short_text(now.get(name))}" for name in names]


def short_text(value: Any) -> str:
    """A JSON value, short enough for a line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
