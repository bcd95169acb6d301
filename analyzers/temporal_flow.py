"""How a clip develops: its phases by pace, and where its topic changes.

Pace is how often the picture cuts and how fast people speak, in a window that slides over the clip. The topic
changes where the sentences before and after a point are least similar, as in TextTiling (Hearst, "TextTiling:
Segmenting Text into Multi-paragraph Subtopic Passages", 1997), with sentence embeddings instead of its word
counts.

A rate is given from three cuts or five words on: one cut in four seconds is no fifteen a minute. Nothing here
understands what happens; a fight in one silent shot is slow.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import groupby, pairwise
from typing import NamedTuple

from clipbench.analyzers.base import ClipView, NothingToAnalyze, Segment, setting
from clipbench.analyzers.features.text.sentence_embeddings import SentenceSettings, UsesSentences
from clipbench.analyzers.features.time_spans import Lookup

PACES = ("slow", "medium", "fast")
#: Fewer cuts or words than this have no rate, unless they are those of a minute or more.
CUTS_OF_RATE, WORDS_OF_RATE, LONG_S = 3, 5, 60.0
#: Fewer cuts than this do not make a pace.
CUTS_OF_PACE = 2


@dataclass
class TemporalFlowSettings(SentenceSettings):
    """Settings of temporal_flow."""

    window_s: float = setting(5.0, "seconds over which cuts and words are counted", low=1, high=600)
    min_phase_s: float = setting(2.0, "shorter phases join a neighbour", low=0, high=600)
    snap_s: float = setting(
        2.5, "distance over which a phase's border moves to a cut or a scene's border", low=0, high=60
    )
    medium_cuts: float = setting(10.0, "cuts per minute from which the pace is medium", low=0, high=1000)
    fast_cuts: float = setting(30.0, "cuts per minute from which the pace is fast", low=0, high=1000)
    medium_words: float = setting(110.0, "words per minute from which the pace is medium", low=0, high=1000)
    fast_words: float = setting(170.0, "words per minute from which the pace is fast", low=0, high=1000)
    said_similarity: float = setting(0.2, "sentences less similar than this change the topic", low=-1, high=1)
    shown_similarity: float = setting(0.3, "the same for descriptions, where nobody speaks", low=-1, high=1)
    topic_block: int = setting(2, "sentences on either side that are compared", low=1, high=50)


class Passage(NamedTuple):
    """A sentence that is said or describes the picture, and the time for which it does."""

    start_s: float
    end_s: float
    text: str


class TemporalFlow(UsesSentences):
    """Phases by pace, changes of topic, and a summary of the clip."""

    name = "temporal_flow"
    upstream = ("speech_transcription", "cut_analysis", "scene_segmentation", "qwen2_vl_temporal")
    settings: TemporalFlowSettings
    settings_type = TemporalFlowSettings

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        if not any(name in upstream for name in self.upstream):
            raise NothingToAnalyze(f"none of {', '.join(self.upstream)} has a result")
        cuts = cut_times(upstream["cut_analysis"]) if "cut_analysis" in upstream else None
        # Without sound it is not known what is said.
        heard = clip.has_audio and "speech_transcription" in upstream
        words = word_times(upstream["speech_transcription"]) if heard else None
        scenes = sorted(scene.start_s for scene in upstream.get("scene_segmentation", ()))
        descriptions = sorted(upstream.get("qwen2_vl_temporal", ()), key=lambda d: d.start_s)
        begin = [d.start_s for d in descriptions]

        phases = []
        for index, (start, end) in enumerate(self._phases(clip.duration_s, cuts, words, scenes)):
            motions: dict[str, float] = {}
            for d in descriptions[bisect_left(begin, start) : bisect_left(begin, end)]:
                if motion := d.data.get("motion"):
                    motions[motion] = motions.get(motion, 0.0) + d.end_s - d.start_s
            data = {
                "index": index,
                "pace": self._pace(cuts, words, start, end),
                "cuts_per_minute": rate(cuts, start, end, CUTS_OF_RATE),
                "words_per_minute": rate(words, start, end, WORDS_OF_RATE),
                "motion": max(motions, key=lambda motion: motions[motion], default=None),
            }
            phases.append(Segment(start, end, "phase", None, data))

        spoken = spoken_sentences(upstream.get("speech_transcription", []))
        said = Lookup(spoken, [(s.start_s, s.end_s) for s in spoken])
        silent = [
            Passage(d.start_s, d.end_s, ", ".join(d.data["subjects"]) if "subjects" in d.data else d.label)
            for d in descriptions
            if not said.overlapping(d.start_s, d.end_s)
        ]
        # A single description is not enough for a topic; a single sentence is.
        silent = [passage for passage in silent if passage.text]
        topics = self._topic_changes(spoken, self.settings.said_similarity, 1)
        topics += self._topic_changes(silent, self.settings.shown_similarity, 2)
        pace = self._pace(cuts, words, 0.0, clip.duration_s)
        summary = Segment(
            0.0, round(clip.duration_s, 3), "summary", None, {"pace": pace, "phases": len(phases)}
        )
        return sorted([*phases, *topics, summary], key=lambda segment: segment.start_s)

    def headline(self, segments: list[Segment]) -> str:
        pace = next((s.data["pace"] for s in segments if s.label == "summary"), None)
        changes = [f"topic changes at {s.start_s:.1f} s" for s in segments if s.label == "topic_change"]
        return ", ".join(([f"{pace} pace"] if pace else []) + changes[:2]) or super().headline(segments)

    def _pace(
        self, cuts: list[float] | None, words: list[float] | None, start_s: float, end_s: float
    ) -> str | None:
        """The faster of picture and speech: rapid speech over one shot is as fast as rapid cutting."""
        options = self.settings
        kinds = (
            (cuts, CUTS_OF_PACE, options.medium_cuts, options.fast_cuts),
            (words, WORDS_OF_RATE, options.medium_words, options.fast_words),
        )
        levels = []
        for times, least, medium, fast in kinds:
            if times is not None:
                enough = count(times, start_s, end_s) >= least
                speed = per_minute(times, start_s, end_s) if enough else 0.0
                levels.append((speed >= medium) + (speed >= fast))
        return PACES[max(levels)] if levels else None

    def _phases(
        self, duration_s: float, cuts: list[float] | None, words: list[float] | None, scenes: list[float]
    ) -> list[tuple[float, float]]:
        """Stretches of one pace, end to end over the whole clip."""
        options = self.settings
        half = options.window_s / 2
        paces = []
        for second in range(max(1, math.ceil(duration_s - 1e-6))):
            middle = min(second + 0.5, duration_s)
            start, end = max(0, middle - half), min(duration_s, middle + half)
            paces.append(self._pace(cuts, words, start, end))
        runs = [len(list(group)) for _, group in groupby(paces)]
        borders, at = [0.0], 0
        for run in without_short(runs, options.min_phase_s)[:-1]:
            at += run
            border = snapped(float(at), (cuts or [], scenes), options.snap_s)
            if min(border - borders[-1], duration_s - border) >= options.min_phase_s:
                borders.append(round(border, 3))
        phases = pairwise([*borders, round(duration_s, 3)])
        # Counted within its borders, a stretch may have the same pace as the one before it.
        by_pace = groupby(phases, key=lambda p: self._pace(cuts, words, *p))
        joined = [list(group) for _, group in by_pace]
        return [(group[0][0], group[-1][1]) for group in joined]

    def _topic_changes(self, passages: list[Passage], limit: float, least: int) -> list[Segment]:
        """Where passages are less similar than `limit` and than nearby; `least` are on either side."""
        import numpy as np

        options = self.settings
        if len(passages) < 2:
            return []
        assert self._embedder is not None
        vectors = self._embedder([passage.text for passage in passages])
        alike = []
        for gap in range(1, len(passages)):
            before = vectors[max(0, gap - options.topic_block) : gap].mean(0)
            after = vectors[gap : gap + options.topic_block].mean(0)
            alike.append(float(before @ after / (np.linalg.norm(before) * np.linalg.norm(after) + 1e-9)))
        found = []
        for gap, value in enumerate(alike, start=1):
            nearby = alike[max(0, gap - options.topic_block) : gap + options.topic_block - 1]
            if value < limit and value == min(nearby) and least <= gap <= len(passages) - least:
                at = round(passages[gap].start_s, 3)
                data = {
                    "similarity": round(value, 3),
                    "before": passages[gap - 1].text,
                    "after": passages[gap].text,
                }
                found.append(Segment(at, at, "topic_change", None, data))
        return found


def cut_times(segments: list[Segment]) -> list[float]:
    """When the picture changes to another shot, in seconds."""
    return sorted((s.start_s + s.end_s) / 2 for s in segments if s.label in ("hard_cut", "fade"))


def word_times(segments: list[Segment]) -> list[float]:
    """When each spoken word begins, in seconds; spread evenly if a transcript has no word times."""
    times: list[float] = []
    for segment in segments:
        if "words" in segment.data:
            times += [word["start_s"] for word in segment.data["words"]]
        else:
            count = len(segment.label.split())
            length = segment.end_s - segment.start_s
            times += [segment.start_s + length * index / count for index in range(count)]
    return sorted(times)


def count(times: list[float], start_s: float, end_s: float) -> float:
    """How many of `times`, which are in order, are in the span.

    A time on the border of two spans counts half in each, so that a cut does not make the span faster that it
    opens.
    """
    inside = max(0, bisect_left(times, end_s) - bisect_right(times, start_s))
    borders = {start_s, end_s}
    return inside + sum(bisect_right(times, at) - bisect_left(times, at) for at in borders) / 2


def per_minute(times: list[float], start_s: float, end_s: float) -> float:
    """How many of `times`, which are in order, are in the span, per minute."""
    return round(count(times, start_s, end_s) * 60 / max(end_s - start_s, 1e-3), 1)


def rate(times: list[float] | None, start_s: float, end_s: float, least: int) -> float | None:
    """How many of `times`, which are in order, are in the span, per minute.

    None if they are not known, or too few for a rate: less than `least`, but more than none.
    """
    if times is None:
        return None
    few = 1 <= count(times, start_s, end_s) < least and end_s - start_s < LONG_S
    return None if few else per_minute(times, start_s, end_s)


def without_short(lengths: Sequence[int], least: float) -> list[int]:
    """Lengths that lie end to end; each that is shorter than `least` was joined to the longer neighbour.

    The shortest is joined first, so that a flicker cannot swallow a real phase.
    """
    now = list(lengths)
    before, after = [at - 1 for at in range(len(now))], [at + 1 for at in range(len(now))]
    queue = [(length, at) for at, length in enumerate(now)]
    heapify(queue)
    while queue and queue[0][0] < least:
        length, at = heappop(queue)
        neighbours = [near for near in (before[at], after[at]) if 0 <= near < len(now)]
        if now[at] != length or not neighbours:
            continue  # joined or grown since, or the only one that is left
        longer = max(neighbours, key=lambda near: now[near])
        now[longer] += length
        now[at] = 0
        heappush(queue, (now[longer], longer))
        if before[at] >= 0:
            after[before[at]] = after[at]
        if after[at] < len(now):
            before[after[at]] = before[at]
    return [length for length in now if length]


def snapped(at: float, anchors: tuple[list[float], ...], reach: float) -> float:
    """The time nearest to `at` in the first list that has one within `reach`; otherwise `at` itself.

    Each list is in order.
    """
    for times in anchors:
        after = bisect_left(times, at)
        near = [time for time in times[max(0, after - 1) : after + 1] if abs(time - at) <= reach]
        if near:
            return min(near, key=lambda time: abs(time - at))
    return at


def spoken_sentences(segments: list[Segment]) -> list[Passage]:
    """The transcript in whole sentences: phrases are joined until one ends a sentence, or a pause follows."""
    found: list[Passage] = []
    is_open = False
    for segment in segments:
        text = segment.label.strip()
        if not text:
            continue
        if is_open and segment.start_s - found[-1].end_s < 1:
            last = found.pop()
            found.append(Passage(last.start_s, segment.end_s, f"{last.text} {text}"))
        else:
            found.append(Passage(segment.start_s, segment.end_s, text))
        is_open = not text.endswith((".", "?", "!", "…"))
    return found
