"""A file of costs: its shape, which values it may have, and what of it is not known.

It is JSON, as `python plan.py costs` writes it, or YAML. docs/costs.md says what the figures mean.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from clipbench.bench.runs.serialization import from_json, to_json
from clipbench.bench.runs.storage import check_schema
from clipbench.executors.costs import Costs

SCHEMA = 1
#: The parts of costs in which what is not known is null.
PARTS = ("analyzers", "derivations", "decoding", "overheads")
#: Fields that are fractions of something, and those that are no figures.
FRACTIONS, NO_FIGURES = ("parallel", "gpu_share"), ("facts", "unknown")


@dataclass(frozen=True)
class KeptCosts:
    """A file of costs: for which profiles they hold, when and how they came about, and the costs.

    `other_cores` is how many cores other work took while they were measured, None where that is unknown;
    `busy` says whether that is too many. `remarks` are for whoever reads the costs.
    """

    costs: Costs
    profiles: list[str]
    measured_at: str = ""
    command: str = ""
    clip: str = ""
    other_cores: float | None = None
    busy: bool = False
    remarks: list[str] = field(default_factory=list)
    schema: int = SCHEMA


def parse(path: Path) -> KeptCosts:
    """The costs in a file, JSON or YAML. Raises ValueError, which says in a line why there are none."""
    try:
        text = path.read_text(encoding="utf-8")
        raw = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except OSError as error:
        raise ValueError(f"it cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        kind = "JSON" if path.suffix == ".json" else "YAML"
        raise ValueError(f"it is no {kind}") from error
    if not isinstance(raw, dict) or not isinstance(costs := raw.get("costs"), dict):
        raise ValueError("it is no mapping with costs")
    if "schema" not in raw:
        raise ValueError("it has no schema")
    check_schema(raw, SCHEMA)
    known = {name: without_nulls(value) if name in PARTS else value for name, value in costs.items()}
    for key, value in figures(known, "costs"):
        most = 1 if key.rpartition(".")[2] in FRACTIONS else math.inf
        if not 0 <= value <= most or math.isinf(value):
            limits = "0 to 1" if most == 1 else "a number from 0 on"
            raise ValueError(f"{key} is {value:g}, and must be {limits}")
    found = from_json(KeptCosts, raw | {"costs": known})
    if found.costs.cores < 1:
        raise ValueError(f"costs.cores is {found.costs.cores}, and must be 1 or more")
    return found


def figures(value: Any, key: str) -> Iterator[tuple[str, float]]:
    """Each number below a JSON value, with its dotted key."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name not in NO_FIGURES:
                yield from figures(inner, f"{key}.{name}")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield key, value


def as_raw(kept: KeptCosts) -> dict[str, Any]:
    """What a file of costs has: what is not known is null."""
    raw: dict[str, Any] = to_json(kept)
    for part in PARTS:
        names = {name.removeprefix(f"{part}.") for name in kept.costs.unknown}
        found = raw["costs"][part] = with_nulls(raw["costs"][part], names)
        for item, value in found.items():  # of one analyzer alone
            found[item] = with_nulls(value, {name.removeprefix(f"{item}.") for name in names})
    return raw


def with_nulls(value: Any, unknown: set[str]) -> Any:
    """Costs in JSON with null for all fields of these names."""
    if isinstance(value, dict):
        return {n: None if n in unknown else with_nulls(inner, unknown) for n, inner in value.items()}
    return value


def without_nulls(value: Any) -> Any:
    """JSON without what is null: it is then not known."""
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    return value
