"""A glob takes every choice there is: those that cannot be swept are left out, and that is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from hydra.core.override_parser.types import Glob, Override

from clipbench.bench.errors import InputError

T = TypeVar("T")


@dataclass(frozen=True)
class Tried(Generic[T]):
    """A job that was validated, or the error that refuses it.

    `rest` are its overrides but for those that a glob chose.
    """

    name: str
    rest: tuple[str, ...]
    job: T | InputError
    predicted: bool = False


def globbed_keys(overrides: Sequence[Override]) -> set[str]:
    """The keys whose values a glob chooses."""
    return {each.get_key_element() for each in overrides if isinstance(each.value(), Glob)}


def fit(tried: Sequence[Tried[T]], keys: set[str]) -> tuple[list[T], list[str]]:
    """The jobs that can be swept, and a note for each that a glob chose and that cannot be.

    Raises the InputError of a job that is refused whatever the glob chooses: that is about what was typed.
    """
    good = {each.rest for each in tried if not isinstance(each.job, InputError)}
    measured = any(not each.predicted for each in tried if not isinstance(each.job, InputError))
    jobs, notes = list[T](), list[str]()
    for each in tried:
        if isinstance(each.job, InputError):
            if each.rest not in good:
                raise each.job
            notes.append(f"left out of {' and '.join(sorted(keys))}: {each.job}")
        elif each.predicted and measured and "executor" in keys:
            notes.append(f"{each.name} is left out: predictions are not compared with measurements")
        else:
            jobs.append(each.job)
    return jobs, notes
