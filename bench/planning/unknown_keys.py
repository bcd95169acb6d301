"""Keys that the schema does not have: Hydra takes `+key=value` for any key."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from omegaconf import DictConfig, OmegaConf

from clipbench.bench.errors import InputError, nearest


def check_keys(cfg: DictConfig) -> None:
    """Raise InputError for a key that nothing reads, with the nearest one that exists."""
    for key, siblings in unknown(cfg):
        leaf = key.rpartition(".")[2]
        raise InputError(f"no key {key} in the configuration{nearest(leaf, siblings)}")


def unknown(node: DictConfig, prefix: str = "") -> Iterator[tuple[str, list[str]]]:
    """Each key below `node` that its dataclass does not have, dotted, with those that it has."""
    kind = OmegaConf.get_type(node)
    known = [field.name for field in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else None
    for key in map(str, node):
        if known is not None and key not in known:
            yield f"{prefix}{key}", known
        elif not OmegaConf.is_missing(node, key) and isinstance(inner := node[key], DictConfig):
            yield from unknown(inner, f"{prefix}{key}.")
