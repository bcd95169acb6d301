"""Configuration errors in one line that names the key and the nearest existing one."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, get_args, get_origin, get_type_hints

from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from clipbench.bench import invocation
from clipbench.bench.errors import nearest
from clipbench.bench.planning import config
from clipbench.bench.planning.file_arguments import PATH_KEYS, how_to_quote


def explain(error: HydraException | OmegaConfBaseException) -> str:
    """What is wrong with the configuration, in one line, with the nearest existing name."""
    if isinstance(error, MissingConfigException):
        group, _, name = (error.missing_cfg_file or "").rpartition("/")
        return f"{group}={name} does not exist{nearest(name, error.options or [])}"
    cause: BaseException = error
    if isinstance(error, ConfigCompositionException):
        cause = error.__cause__ or error.__context__ or error
    # Hydra names the file of a group whose content does not fit the schema.
    file = re.match(r"In '([^']+)': ", str(error))
    where = f"conf/{file[1]}.yaml: " if file else ""
    key = getattr(cause, "full_key", None)
    if not key:
        override = re.search(r"Could not override '([^']+)'", str(error))
        key = override.group(1) if override else None
    if isinstance(cause, OverrideParseException) and (line := unquoted_path(cause.override)):
        return line
    ambiguous = re.match(r"Ambiguous value for argument '(.*)'", str(cause))
    if ambiguous and (line := unquoted_path(ambiguous[1])):
        return line
    reason = str(getattr(cause, "msg", None) or cause).splitlines()[0]
    if not key:
        return reason
    if isinstance(cause, MissingMandatoryValue):
        return f"{key} is missing; add it to the file that you chose"
    parent, _, leaf = str(key).rpartition(".")
    siblings = known_keys(parent)
    if leaf in siblings:
        return f"{where}{key}: {reason}"
    return f"{where}no key {key} in the configuration{nearest(leaf, siblings)}"


def unquoted_path(word: str) -> str:
    """How to write a path that Hydra's grammar cannot take as it was written; "" for another key's value."""
    key, _, value = word.partition("=")
    if key.lstrip("+") not in PATH_KEYS:
        return ""
    quoted = how_to_quote(word, invocation.is_sweep())
    return f"{key}: {value} has characters that mean something to Hydra; quote it: {quoted}"


def known_keys(parent: str) -> list[str]:
    """The keys that the schema has under `parent` (dotted), or none where there is no such node."""
    if parent == "hydra.sweeper":
        return [f.name for f in dataclasses.fields(config.SweeperConfig)]
    kind: Any = config.schema()
    for key in filter(None, parent.split(".")):
        if dataclasses.is_dataclass(kind):
            kind = get_type_hints(kind).get(key)
        else:  # of a mapping from names to something: every name will do
            kind = get_args(kind)[1] if get_origin(kind) is dict else None
    return [f.name for f in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else []
