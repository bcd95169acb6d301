"""CUDA_VISIBLE_DEVICES, read as CUDA reads it: which GPUs and MIG instances a process may use."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

VARIABLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Card:
    """One GPU as NVML numbers it. `instances` are the UUIDs of its MIG instances; none if MIG is off."""

    index: int
    uuid: str
    instances: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """A card that the process may use, or one of its MIG instances, by its place in `Card.instances`."""

    index: int
    instance: int | None = None


@dataclass(frozen=True)
class Visible:
    """What the process may use, in CUDA's order.

    `ignored` is the entry that names no device, at which CUDA stops reading; None if it reads them all.
    """

    choices: tuple[Choice, ...]
    ignored: str | None = None


def restriction(environ: Mapping[str, str] = os.environ) -> str | None:
    """The variable's value, or None if it is not set."""
    return environ.get(VARIABLE)


def visible(cards: Sequence[Card], value: str | None) -> Visible:
    """The cards that `value`, the variable's content, leaves to the process; all of them if it is None.

    Entries are indices, or UUIDs that may be shortened as long as exactly one device matches. The first entry
    that names no device, or one that was named before, hides all that follow. Of a card in MIG mode that is
    not named by the UUID of an instance, the first instance is used.
    """
    entries = [str(card.index) for card in cards] if value is None else value.split(",")
    choices: list[Choice] = []
    for entry in map(str.strip, entries):
        choice = choose(cards, entry)
        if choice is None or choice in choices:
            return Visible(tuple(choices), entry)
        choices.append(choice)
    return Visible(tuple(choices))


def choose(cards: Sequence[Card], entry: str) -> Choice | None:
    """The device that one entry names, or None."""
    if entry.isdigit():
        found = [card for card in cards if card.index == int(entry)]
        return Choice(found[0].index, 0 if found[0].instances else None) if found else None
    if not entry.startswith(("GPU-", "MIG-")):
        return None
    matches = [Choice(card.index) for card in cards if card.uuid.startswith(entry)]
    matches += [
        Choice(card.index, place)
        for card in cards
        for place, uuid in enumerate(card.instances)
        if uuid.startswith(entry)
    ]
    return matches[0] if len(matches) == 1 else None
