"""Analyzers that do what a test tells them; worker processes find them through CLIPBENCH_ANALYZERS."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass

from analyzers.base import Analyzer, NothingToAnalyze, Segment, Settings, setting
from executors import faults


class Steady(Analyzer):
    """One segment over the whole clip, naming the upstream results it was given."""

    name = "steady"

    def analyze(self, clip, upstream):
        return [Segment(0.0, clip.duration_s, self.name, 1.0, {"read": sorted(upstream)})]


class Reader(Steady):
    name = "reader"
    upstream = ("steady", "raising")


class Raising(Steady):
    name = "raising"

    def analyze(self, clip, upstream):
        raise RuntimeError("a planted fault\nwith a second line")


class Hungry(Steady):
    name = "hungry"

    def analyze(self, clip, upstream):
        raise MemoryError("a planted lack of memory")


class Unloadable(Steady):
    name = "unloadable"

    def load(self, device="cpu"):
        raise FileNotFoundError("a planted missing file")


class Deaf(Steady):
    name = "deaf"

    def analyze(self, clip, upstream):
        raise NothingToAnalyze("the clip has no audio track")


@dataclass
class SleeperSettings(Settings):
    seconds: float = setting(0.05, "how long it takes", low=0, high=60)
    batch: int = setting(8, "how much it takes at once", low=1, high=64)


class Sleeper(Steady):
    """Takes its time, without using a processor."""

    name = "sleeper"
    settings_type = SleeperSettings

    def analyze(self, clip, upstream):
        time.sleep(self.settings.seconds)
        return super().analyze(clip, upstream)


class Greedy(Sleeper):
    """Has memory enough for half its batch."""

    name = "greedy"

    def analyze(self, clip, upstream):
        if self.settings.batch > 4:
            raise MemoryError("a batch of 8 is too large")
        return super().analyze(clip, upstream)


class Late(Steady):
    name = "late"
    upstream = ("sleeper",)


class Counting(Steady):
    """Tells how often what it shares through the memo was computed for this clip."""

    name = "counting"

    def analyze(self, clip, upstream):
        calls = clip.memo("calls", list)
        clip.memo("shared", lambda: calls.append(1))
        return [Segment(0.0, clip.duration_s, "counted", None, {"calls": len(calls)})]


class CountingToo(Counting):
    name = "counting_too"


class Fate(Steady):
    """Meets the fault that the clip's length stands for: the n-th kind at n tenths of a second."""

    name = "fate"

    def analyze(self, clip, upstream):
        kinds = sorted(faults.CONTAINABLE - {"no_load", "no_start"})
        faults.strike(kinds[round(clip.duration_s * 10) % len(kinds)])


class Undermined(Steady):
    """Ends its process a moment after it was loaded, when nobody has asked for anything."""

    name = "undermined"

    def load(self, device="cpu"):
        threading.Timer(0.1, os._exit, (3,)).start()
