"""What is found in sampled frames, chunk by chunk, put together for the whole clip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

T = TypeVar("T")


class Samples(NamedTuple, Generic[T]):
    """The times of sampled frames in seconds of the clip, float64 [T], and what was found in each."""

    times_s: np.ndarray
    found: list[T]


def joined(chunks: Sequence[Samples[T]]) -> Samples[T]:
    """The samples of consecutive chunks, of which there is at least one, as those of one stretch."""
    times = np.concatenate([chunk.times_s for chunk in chunks])
    return Samples(times, [found for chunk in chunks for found in chunk.found])
