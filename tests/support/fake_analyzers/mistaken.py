"""Analyzers that return what they must not; a plugin, as fakes.py is."""

from __future__ import annotations

import sys
from pathlib import Path

from clipbench.analyzers.base import Analyzer, ChunkedAnalyzer, FrameRequest, Needs, Segment


def cyclic():
    data = {}
    data["inner"] = [data]
    return data


#: What an analyzer may return by mistake.
MISTAKES = [
    lambda: None,
    lambda: (Segment(0, 1, "x") for _ in range(2)),
    lambda: [Segment(0, 1, "x"), {"start_s": 0}],
    lambda: [Segment(float("nan"), 1, "x")],
    lambda: [Segment(0, 1, "x"), Segment(1, 0.5, "x")],
    lambda: [Segment(-1, 1, "x")],
    lambda: [Segment(0, 99, "x")],
    lambda: [Segment(0, 1, None)],
    lambda: [Segment(0, 1, "half of \ud83d")],
    lambda: [Segment(0, 1, "x", 1.5)],
    lambda: [Segment(0, 1, "x", data=None)],
    lambda: [Segment(0, 1, "x", data={"file": Path("a")})],
    lambda: [Segment(0, 1, "x", data={"raw": b"a"})],
    lambda: [Segment(0, 1, "x", data={"seen": [{"a"}]})],
    lambda: [Segment(0, 1, "x", data={"counts": {3: 1}})],
    lambda: [Segment(0, 1, "x", data={"n": 10**5000})],
    lambda: [Segment(0, 1, "x", data=cyclic())],
]


class Mistaken(Analyzer):
    """Makes the mistake that the clip's length stands for: the n-th at n tenths of a second above one."""

    name = "mistaken"

    def analyze(self, clip, upstream):
        return MISTAKES[(round(clip.duration_s * 10) - 10) % len(MISTAKES)]()


class Clinging(Analyzer):
    """Can neither be parked, nor woken, nor unloaded."""

    name = "clinging"

    def analyze(self, clip, upstream):
        return [Segment(0.0, clip.duration_s, self.name)]

    def offload(self):
        sys.exit("no parking")

    def wake(self):
        raise RuntimeError("asleep")

    def unload(self):
        raise RuntimeError("holds on")


class Fed(ChunkedAnalyzer):
    """Counts the chunks that it is fed."""

    name = "fed"

    def needs(self):
        return Needs(frames=(FrameRequest(1.0, 16),))

    def begin(self, clip):
        return 0

    def feed(self, chunk, state):
        return chunk.start_s, state + 1

    def finish(self, clip, found, state, upstream):
        return [Segment(0.0, clip.duration_s, self.name, None, {"chunks": state, "starts": list(found)})]


class FedNothing(Fed):
    """Reads neither frames nor sound."""

    name = "fed_nothing"

    def needs(self):
        return Needs()


class NoPair(Fed):
    name = "no_pair"

    def feed(self, chunk, state):
        return None


class UnpicklableState(Fed):
    name = "unpicklable_state"

    def feed(self, chunk, state):
        return 0, lambda: state


class UnpicklableFound(Fed):
    name = "unpicklable_found"

    def feed(self, chunk, state):
        return (part for part in [chunk]), state


class Unreadable:
    """Can be pickled, and not be read again."""

    def __reduce__(self):
        return int, ("no number",)


class UnreadableFound(Fed):
    name = "unreadable_found"

    def feed(self, chunk, state):
        return Unreadable(), state
