"""Analyzers that do what a test tells them; a plugin, in tests that name it."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from clipbench.analyzers.base import (
    Analyzer,
    ChunkedAnalyzer,
    FrameSettings,
    NothingToAnalyze,
    Segment,
    Settings,
    setting,
)
from clipbench.executors import faults


class Steady(Analyzer):
    """One segment over the whole clip, naming the upstream results it was given."""

    name = "steady"

    def analyze(self, clip, upstream):
        return [Segment(0.0, clip.duration_s, self.name, 1.0, {"read": sorted(upstream)})]


class FrameCount(ChunkedAnalyzer):
    """One segment over the whole clip with the number of frames in each chunk."""

    name = "frame_count"
    settings_type = FrameSettings

    def begin(self, clip):
        return None

    def feed(self, chunk, state):
        return len(chunk.frames(self.settings.fps, self.settings.size).times_s), state

    def finish(self, clip, found, state, upstream):
        return [Segment(0.0, clip.duration_s, self.name, 1.0, {"frames": list(found)})]


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


class Leaving(Steady):
    """Leaves as a command line tool does that was called as a library."""

    name = "leaving"

    def analyze(self, clip, upstream):
        sys.exit(3)


class LeavingEarly(Steady):
    name = "leaving_early"

    def load(self, device="cpu"):
        sys.exit("no licence")


class Abandoned(Steady):
    name = "abandoned"

    def analyze(self, clip, upstream):
        raise GeneratorExit


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


@dataclass
class MeetingSettings(Settings):
    folder: str = setting("", "where those who are there leave a file")
    guests: int = setting(2, "how many have to be there at the same time", low=1, high=64)


class Meeting(Steady):
    """Waits until so many are at work at the same time, in whatever worker and on whatever clip."""

    name = "meeting"
    settings_type = MeetingSettings

    def analyze(self, clip, upstream):
        folder = Path(self.settings.folder)
        (folder / f"{self.name} {clip.duration_s}").touch()
        until = time.monotonic() + 30
        while len(list(folder.iterdir())) < self.settings.guests:
            if time.monotonic() > until:
                raise TimeoutError("nobody came")
            time.sleep(0.005)
        return super().analyze(clip, upstream)


class MeetingToo(Meeting):
    name = "meeting_too"


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


class AcceleratorError(RuntimeError):
    """Called as PyTorch's error for what CUDA does not recover from."""


class Poisoned(Steady):
    """Loses its process's GPU when it analyzes."""

    name = "poisoned"

    def analyze(self, clip, upstream):
        raise AcceleratorError("CUDA error: an illegal memory access was encountered")


class PoisonedEarly(Steady):
    """Loses its process's GPU when it is loaded."""

    name = "poisoned_early"

    def load(self, device="cpu"):
        raise AcceleratorError("CUDA error: an illegal memory access was encountered")


class Weights:
    """Stands for what a network takes of a device."""

    alive = 0

    def __init__(self):
        Weights.alive += 1

    def __del__(self):
        Weights.alive -= 1


class HalfBuilt(Steady):
    """Fails when it has built something already, in a circle as networks are."""

    name = "half_built"

    def load(self, device="cpu"):
        self.weights = Weights()
        self.weights.owner = self
        raise MemoryError("a planted lack of memory")


class Where(Steady):
    """Tells where it was loaded."""

    name = "where"

    def load(self, device="cpu"):
        self.device = device

    def facts(self):
        return {"device": self.device}


class Adaptive(Sleeper):
    """Runs with no more than 4 at once, and has memory enough for 2."""

    name = "adaptive"
    ran = 0

    def analyze(self, clip, upstream):
        self.ran = min(4, self.settings.batch)
        if self.ran > 2:
            raise MemoryError("a batch of 4 is too large")
        return super().analyze(clip, upstream)

    def facts(self):
        return {"batch": self.ran}


class Chatty(Steady):
    """Prints what not every stream takes, and more than a pipe holds."""

    name = "chatty"

    def analyze(self, clip, upstream):
        for _ in range(3000):
            print("odd output \u202e \ud83d …", flush=True)
        print("odd output", file=sys.stderr)
        return super().analyze(clip, upstream)
