"""What the user adds in the working directory: defaults and plugins in clipbench.yaml, choices in conf/.

clipbench.yaml is a mapping of the keys of the command line; the command line overrides it:

    plugins: [loudness.py]
    grouping: mine              # conf/grouping/mine.yaml
    scenario.repeats: 5         # or nested: scenario: {repeats: 5}

A file conf/<group>/<name>.yaml is a choice of its own, <group>=<name>, beside those that come with clipbench.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException

from clipbench import plugins
from clipbench.bench import invocation
from clipbench.bench.errors import InputError, nearest
from clipbench.bench.locations import CONF
from clipbench.bench.planning.config_errors import known_keys
from clipbench.bench.planning.file_arguments import with_quoted_files
from clipbench.bench.planning.list_arguments import with_listed, with_lists

FILE = Path("clipbench.yaml")
#: Flags that are short for verbose=true.
VERBOSE = ("-v", "--verbose")


def with_user_config(arguments: Sequence[str]) -> list[str]:
    """The command line with the defaults of clipbench.yaml added, and with names of files quoted for Hydra.

    The plugins of both are used from then on.

    Raises InputError for a file that cannot be used.
    """
    check_conf()
    check_choices(arguments)
    arguments = ["verbose=true" if word in VERBOSE else word for word in arguments]
    arguments = with_lists(with_quoted_files(arguments), invocation.is_sweep())
    defaults = with_listed(read(FILE))
    plugins.use([*plugins_in_file(defaults.pop("plugins", [])), *plugins_in_arguments(arguments)])
    given = {argument.partition("=")[0].lstrip("+~") for argument in arguments}
    added = [
        f"{prefixed(key)}={grammar(value)}"
        for key, value in with_listed(dict(flat(defaults))).items()
        if key not in given
    ]
    # Hydra wants all overrides in one piece, and the last one of a key counts: those that were typed.
    first = next((n for n, word in enumerate(arguments) if not word.startswith("-") and "=" in word), None)
    first = len(arguments) if first is None else first
    return [*arguments[:first], *added, *arguments[first:]]


def read(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; empty where the file does not exist."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    if content is not None and not isinstance(content, dict):
        raise InputError(f"{path} must be a mapping, such as plugins: [my_analyzers.py]")
    return content or {}


def plugins_in_file(listed: object) -> list[str]:
    """The plugins that clipbench.yaml names."""
    if not (isinstance(listed, list) and all(isinstance(name, str) for name in listed)):
        raise InputError(f"{FILE}: plugins must be a list of files or modules, such as [my_analyzers.py]")
    return listed


def plugins_in_arguments(arguments: Sequence[str]) -> list[str]:
    """The plugins that the command line names, last of all; what Hydra cannot parse is left to Hydra."""
    words = [word for word in arguments if word.lstrip("+").startswith("plugins=")]
    try:
        override = OverridesParser.create().parse_overrides(words)[-1] if words else None
    except HydraException:
        return []
    if override is None:
        return []
    value = None if override.is_sweep_override() else override.value()
    if not isinstance(value, list):
        raise InputError(f"{override.input_line}: write one list, such as plugins=[my_analyzers.py]")
    return [str(name) for name in value]


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted key and value of everything in a nested mapping."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def prefixed(key: str) -> str:
    """A key as Hydra wants it: with ++ where a name may be new, as below targets.limits.

    Raises InputError for a key that does not exist.
    """
    parent, _, leaf = key.rpartition(".")
    siblings = known_keys(parent)
    if siblings and leaf not in siblings:
        raise InputError(f"{FILE}: no key {key} in the configuration{nearest(leaf, siblings)}")
    return key if siblings else f"++{key}"


def grammar(value: Any) -> str:
    """A value of a YAML file in the grammar of Hydra's overrides."""
    if isinstance(value, list):
        return f"[{','.join(map(grammar, value))}]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{grammar(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, str):
        return QuotedString(value, Quote.single).with_quotes()
    return json.dumps(value)


def user_conf() -> Path | None:
    """The user's conf/ in the working directory, or None; in a checkout that folder is clipbench's own."""
    folder = Path.cwd() / "conf"
    return folder if folder.is_dir() and folder.resolve() != CONF.resolve() else None


def choices_in(conf: Path | None) -> dict[str, list[str]]:
    """Group → the choices that the folders below `conf` hold."""
    if conf is None:
        return {}
    folders = sorted(folder for folder in conf.iterdir() if folder.is_dir())
    found = {folder.name: sorted(path.stem for path in folder.glob("*.yaml")) for folder in folders}
    return {group: names for group, names in found.items() if names}


def check_conf() -> None:
    """Raise InputError where a file of the user's has the name of one that comes with clipbench."""
    own = choices_in(CONF)
    for group, names in choices_in(user_conf()).items():
        for name in names:
            if name in own.get(group, ()):
                raise InputError(
                    f"conf/{group}/{name}.yaml has the name of a choice that comes with clipbench "
                    f"({CONF / group / name}.yaml); rename yours"
                )


def check_choices(arguments: Sequence[str]) -> None:
    """Raise InputError where a number stands for a choice, with which Hydra can do nothing."""
    for argument in arguments:
        group, _, word = argument.partition("=")
        if (CONF / group).is_dir() and group and re.fullmatch(r"[-+]?\d+(\.\d*)?", word):
            there = {*choices_in(CONF)[group], *choices_in(user_conf()).get(group, ())}
            raise InputError(f"{argument} does not exist{nearest(word, there)}")
