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
from yaml import YAMLError

from clipbench.bench import invocation
from clipbench.bench.errors import nearest
from clipbench.bench.planning import config
from clipbench.bench.planning.file_arguments import PATH_KEYS, how_to_quote

#: What composing a configuration raises. PyYAML's is of a file that is no YAML, of which Hydra says nothing.
ConfigError = HydraException | OmegaConfBaseException | YAMLError
#: Where names are those of groups, each of which is a mapping.
GROUPS = "grouping.groups"


def explain(error: ConfigError) -> str:
    """What is wrong with the configuration, in one line, with the nearest existing name."""
    if isinstance(error, YAMLError):
        return f"a file is no YAML: {' '.join(str(error).split())}; mend it"
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
    # Of what a + adds to a mapping, only the last part is named.
    added = re.match(r"Error merging override \+*([^=]+)=", str(error))
    if key and added and f".{added[1]}.".find(f".{key}.") > 0:
        key = added[1]
    if isinstance(cause, OverrideParseException) and (line := unquoted_path(cause.override)):
        return line
    ambiguous = re.match(r"Ambiguous value for argument '(.*)'", str(cause))
    if ambiguous and (line := unquoted_path(ambiguous[1])):
        return line
    reason = str(getattr(cause, "msg", None) or cause).splitlines()[0]
    if not key:
        return wrong_file(file[1], reason) if file else reason
    if isinstance(cause, MissingMandatoryValue):
        return f"{key} is missing; add it to the file that you chose"
    return f"{where}{wrong_value(str(key), reason)}"


def wrong_value(key: str, reason: str) -> str:
    """What is wrong with a key, for which OmegaConf has this reason."""
    parent, _, leaf = key.rpartition(".")
    if f"{key}.".startswith(f"{GROUPS}.") and key.count(".") <= GROUPS.count(".") + 1:
        keys = ", ".join(known_keys(f"{GROUPS}.NAME"))
        what = (
            "a group is" if key != GROUPS else "the groups are a mapping from names to groups, each of them"
        )
        return (
            f"{key}: {what} a mapping with the keys {keys}; change one of a group that is there, as in "
            f"{GROUPS}.all.replicas=2, or write a grouping of your own as conf/grouping/NAME.yaml"
        )
    siblings = known_keys(parent)
    if leaf not in siblings:
        return f"no key {key} in the configuration{nearest(leaf, siblings)}"
    if keys := ", ".join(known_keys(key)):
        return f"{key}: it must be a mapping with the keys {keys} ({reason})"
    return f"{key}: {reason}"


def wrong_file(file: str, reason: str) -> str:
    """What is wrong with a file of conf/ where OmegaConf names no key: a mapping was expected somewhere."""
    group = file.partition("/")[0]
    kinds = {getattr(kind_of(key), "__name__", ""): key for key in (group, *below(group))}
    expected = re.search(r"is not a subclass of (\w+)", reason)
    if not expected or not (key := kinds.get(expected[1])):
        return f"conf/{file}.yaml: {reason}"
    where = "it" if key == group else key.removeprefix(f"{group}.")
    return f"conf/{file}.yaml: {where} must be a mapping with the keys {', '.join(known_keys(key))}"


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
    kind = kind_of(parent)
    return [f.name for f in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else []


def below(parent: str) -> list[str]:
    """The dotted keys right below `parent`."""
    return [f"{parent}.{name}" for name in known_keys(parent)]


def kind_of(key: str) -> Any:
    """The type that the schema has for a dotted key, or None where there is no such node."""
    kind: Any = config.schema()
    for part in filter(None, key.split(".")):
        if dataclasses.is_dataclass(kind):
            kind = get_type_hints(kind).get(part)
        else:  # of a mapping from names to something: every name will do
            kind = get_args(kind)[1] if get_origin(kind) is dict else None
    return kind
