"""Words and their times: from regions of speech to Whisper's windows, and from its words back to the clip."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from clipbench.analyzers.base import Segment
from clipbench.analyzers.features.sound.spectra import SAMPLE_RATE
from clipbench.analyzers.features.speech.voice_activity import Listening, Region, SpeechSettings

#: The length that Whisper was trained on: with less it is faster, but misses words or repeats itself.
WINDOW_S = 30.0
#: A shorter gap in speech may be within a word.
PAUSE_S = 0.25
_LATE_S = 0.4
#: How many regions of speech a word can reach into.
NEAR = 64
_TITLES = {"Mr.", "Mrs.", "Ms.", "Dr.", "St.", "Prof."}  # their full stop ends no sentence


class Word(NamedTuple):
    """A word with its punctuation, and when it is said, in seconds of the clip."""

    text: str
    start_s: float
    end_s: float
    probability: float


class Window(NamedTuple):
    """A window of speech that Whisper hears at once: pieces of the clip in seconds, and their sound."""

    spans: list[tuple[float, float]]
    sounds: list[np.ndarray]


@dataclass
class Packer:
    """Packs the regions of a clip, with a margin, into windows of at most 30 s, one after the other.

    `spans` are those that may still grow (start and end in seconds); `begun_s` is where the sound of the last
    piece ended. The sound of a piece is cut out as soon as the piece is known.
    """

    margin_s: float
    spans: list[tuple[float, float]] = field(default_factory=list)
    begun_s: float = 0.0
    window: Window = field(default_factory=lambda: Window([], []))
    room_s: float = 0.0

    def add(self, regions: Sequence[Region], state: Listening, settings: SpeechSettings) -> list[Window]:
        """The windows that are complete with these further regions; at the end of the clip also the last."""
        for region in regions:
            self.spans = self._with(self.spans, region.start_s, region.end_s, state)
        if state.over:
            self.spans = [(start, min(end, state.heard_s)) for start, end in self.spans]
        known = list(self.spans)
        growing = state.speaking_s(settings)
        if growing is not None:
            known = self._with(known, growing[0], growing[1] - 2 * self.margin_s, state)
        done: list[Window] = []
        while known:
            start, end = known[0]
            whole = len(known) > 1 or (growing is None and self._final(end, state, settings))
            if end - start > WINDOW_S:
                end = start + WINDOW_S
                if end > state.heard_s:  # a margin that was not heard yet
                    break
            elif not whole:
                break
            self._place((start, end), state, done)
            self.begun_s = end
            known, self.spans = self._after(known, end), self._after(self.spans, end)
        # What does not fit in any more, however it goes on, need not be carried beside the window.
        full = bool(known) and min(known[0][1], state.heard_s) - known[0][0] > self.room_s
        if (state.over or full) and self.window.spans:
            done.append(self.window)
            self.window, self.room_s = Window([], []), 0.0
        return done

    def _with(
        self, spans: list[tuple[float, float]], start_s: float, end_s: float, state: Listening
    ) -> list[tuple[float, float]]:
        """`spans` with one more region, which is joined to the last one where their margins meet."""
        start, end = max(0.0, start_s - self.margin_s), end_s + self.margin_s
        if state.over:
            end = min(end, state.heard_s)
        start = max(start, self.begun_s)
        if spans and start <= spans[-1][1]:
            return [*spans[:-1], (spans[-1][0], max(end, spans[-1][1]))]
        return [*spans, (start, end)]

    @staticmethod
    def _after(spans: list[tuple[float, float]], time_s: float) -> list[tuple[float, float]]:
        return [(max(start, time_s), end) for start, end in spans if end > time_s]

    def _final(self, end_s: float, state: Listening, settings: SpeechSettings) -> bool:
        """Whether nothing can be joined to the span that ends there, and all of it was heard."""
        if state.over:
            return True
        return state.earliest_s(settings) - self.margin_s > end_s and state.heard_s >= end_s

    def _place(self, piece: tuple[float, float], state: Listening, done: list[Window]) -> None:
        length = piece[1] - piece[0]
        if length > self.room_s:
            if self.window.spans:
                done.append(self.window)
            self.window, self.room_s = Window([], []), WINDOW_S
        first, last = (round(at * SAMPLE_RATE) for at in piece)
        self.window.spans.append(piece)
        self.window.sounds.append(state.samples(first, last).copy())
        self.room_s -= length

    def needed_s(self, state: Listening, settings: SpeechSettings) -> float:
        """From when on the sound is still needed."""
        starts = [start for start, _ in self.spans]
        next_s = max(min(state.earliest_s(settings), state.heard_s) - self.margin_s, self.begun_s)
        return min([*starts, next_s])


def clip_times(start_s: float, end_s: float, spans: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Times of a word in spans laid end to end, as times in the clip, within the span that has its middle."""
    ends = list(itertools.accumulate(end - start for start, end in spans))
    index = min(bisect.bisect(ends, (start_s + end_s) / 2), len(spans) - 1)
    first, last = spans[index]
    shift = last - ends[index]
    return float(min(max(first, start_s + shift), last)), float(max(first, min(last, end_s + shift)))


def middle_s(word: Word) -> float:
    """The middle of a word, in seconds of the clip."""
    return (word.start_s + word.end_s) / 2


def with_more(
    words: Sequence[Word],
    more: Sequence[Word],
    spans: Sequence[tuple[float, float]],
) -> list[Word]:
    """The words, except in those spans in which `more` has more of them: there they are replaced."""
    kept = list(words)
    for start_s, end_s in spans:
        new = [word for word in more if start_s <= middle_s(word) <= end_s]
        before = [word for word in kept if middle_s(word) < start_s]
        after = [word for word in kept if middle_s(word) > end_s]
        if len(new) > len(kept) - len(before) - len(after):
            kept = [*before, *new, *after]
    return kept


def fit_to_regions(words: Sequence[Word], regions: Sequence[Region]) -> list[Word]:
    """The words, each cut to the region of speech that contains most of it.

    Whisper's words extend into pauses, and begin late: by up to 0.3 s after a pause, and after punctuation,
    which occupies time in the alignment. So a word begins where the previous word ends or where its region
    begins, if that is less than `_LATE_S` earlier.
    """
    fitted: list[Word] = []
    begun, free_s = None, 0.0  # the region of the previous word, and that word's end
    ends = [region.end_s for region in regions]
    for word in words:
        first = bisect.bisect_right(ends, word.start_s)
        near = regions[first : first + NEAR]
        shared = [min(word.end_s, region.end_s) - max(word.start_s, region.start_s) for region in near]
        if not shared or max(shared) <= 0:
            fitted.append(word)
            continue
        region = near[shared.index(max(shared))]
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


def phrase_segment(words: Sequence[Word]) -> Segment:
    """A phrase as a segment, with its words."""
    return Segment(
        round(words[0].start_s, 2),
        round(words[-1].end_s, 2),
        " ".join(word.text for word in words),
        round(float(np.mean([word.probability for word in words])), 4),
        {
            "words": [
                {
                    "word": word.text,
                    "start_s": round(word.start_s, 2),
                    "end_s": round(word.end_s, 2),
                    "probability": round(float(word.probability), 4),
                }
                for word in words
            ]
        },
    )


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
