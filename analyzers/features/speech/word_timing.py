"""Words and their times: from regions of speech to Whisper's windows, and from its words back to the clip."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from clipbench.analyzers.features.speech.voice_activity import Region

#: The length that Whisper was trained on: with less it is faster, but misses words or repeats itself.
WINDOW_S = 30.0
#: A shorter gap in speech may be within a word.
PAUSE_S = 0.25
_LATE_S = 0.4
_TITLES = {"Mr.", "Mrs.", "Ms.", "Dr.", "St.", "Prof."}  # their full stop ends no sentence


class Word(NamedTuple):
    """A word with its punctuation, and when it is said, in seconds of the clip."""

    text: str
    start_s: float
    end_s: float
    probability: float


def pack_windows(
    regions: Sequence[Region], duration_s: float, margin_s: float
) -> list[list[tuple[float, float]]]:
    """The regions with a margin (start and end in seconds), packed into windows of at most 30 s."""
    spans: list[tuple[float, float]] = []
    for region in regions:
        start, end = max(0.0, region.start_s - margin_s), min(duration_s, region.end_s + margin_s)
        if spans and start <= spans[-1][1]:
            start, _ = spans.pop()
        spans.append((start, end))
    packed: list[list[tuple[float, float]]] = []
    room = 0.0
    for start, end in spans:
        while start < end:
            piece = (start, min(end, start + WINDOW_S))
            if piece[1] - piece[0] > room:
                packed.append([])
                room = WINDOW_S
            packed[-1].append(piece)
            room -= piece[1] - piece[0]
            start = piece[1]
    return packed


def clip_times(start_s: float, end_s: float, spans: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Times of a word in spans laid end to end, as times in the clip, within the span that has its middle."""
    ends = list(itertools.accumulate(end - start for start, end in spans))
    index = min(bisect.bisect(ends, (start_s + end_s) / 2), len(spans) - 1)
    first, last = spans[index]
    shift = last - ends[index]
    return float(min(max(first, start_s + shift), last)), float(max(first, min(last, end_s + shift)))


def fit_to_regions(words: Sequence[Word], regions: Sequence[Region]) -> list[Word]:
    """The words, each cut to the region of speech that contains most of it.

    Whisper's words extend into pauses, and begin late: by up to 0.3 s after a pause, and after punctuation,
    which occupies time in the alignment. So a word begins where the previous word ends or where its region
    begins, if that is less than `_LATE_S` earlier.
    """
    fitted: list[Word] = []
    begun, free_s = None, 0.0  # the region of the previous word, and that word's end
    for word in words:
        shared = [min(word.end_s, region.end_s) - max(word.start_s, region.start_s) for region in regions]
        if not shared or max(shared) <= 0:
            fitted.append(word)
            continue
        region = regions[shared.index(max(shared))]
        start, end = max(word.start_s, region.start_s), min(word.end_s, region.end_s)
        if region is not begun:
            begun, free_s = region, region.start_s
        if 0 < start - free_s < _LATE_S:
            start = free_s
        free_s = end
        fitted.append(word._replace(start_s=start, end_s=end))
    return fitted


def phrases(words: Sequence[Word], gap_s: float) -> list[list[Word]]:
    """The words in groups that end with a sentence or before a silence of more than `gap_s`."""
    groups: list[list[Word]] = []
    for word in words:
        last = groups[-1][-1] if groups else None
        ended = last is not None and last.text.endswith((".", "?", "!")) and last.text not in _TITLES
        if last is None or ended or word.start_s - last.end_s > gap_s:
            groups.append([])
        groups[-1].append(word)
    return groups


def dynamic_time_warping(cost: np.ndarray) -> np.ndarray:
    """The cheapest monotonic path through a cost matrix [N, M] as indices [2, length]: dynamic time warping.

    It computes what `whisper.timing.dtw_cpu` does, but a diagonal at a time.
    """
    rows, columns = cost.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0
    for diagonal in range(rows + columns - 1):
        i = np.arange(max(0, diagonal - columns + 1), min(rows, diagonal + 1))
        j = diagonal - i
        total[i + 1, j + 1] = cost[i, j] + np.minimum(
            np.minimum(total[i, j], total[i, j + 1]), total[i + 1, j]
        )
    path, (i, j) = [], (rows, columns)
    while i > 0 and j > 0:
        path.append((i - 1, j - 1))
        steps = (total[i - 1, j - 1], total[i - 1, j], total[i, j - 1])
        i, j = ((i - 1, j - 1), (i - 1, j), (i, j - 1))[int(np.argmin(steps))]
    return np.array(path[::-1]).T
