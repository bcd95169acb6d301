"""Keys whose value is a list, written as one word: only=cut_analysis is only=[cut_analysis]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: The keys of the command line that take a list of names.
LIST_KEYS = ("only", "plugins", "gate.require", "gate.allow_unmeasured", "export.to")
#: What has a meaning in Hydra's grammar: a value with any of these is left as it is.
GRAMMAR = frozenset("[]{}()'\"\\$")


def with_lists(arguments: Sequence[str], several: bool) -> list[str]:
    """The arguments, with brackets around the words of a key that takes a list.

    only=a,b is only=[a,b]; where `several` values are swept over, it is only=[a],[b].
    """
    return [bracketed(word, several) for word in arguments]


def bracketed(word: str, several: bool) -> str:
    """One argument, with brackets where its key takes a list."""
    key, _, value = word.partition("=")
    if key.lstrip("+") not in LIST_KEYS or value in ("", "null") or GRAMMAR.intersection(value):
        return word
    if several:
        return f"{key}={','.join(f'[{each}]' for each in value.split(','))}"
    return f"{key}=[{value}]"


def with_listed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by dotted key, with a list of one for each word whose key takes a list."""
    return {
        key: [value] if key in LIST_KEYS and isinstance(value, str) else value
        for key, value in values.items()
    }
