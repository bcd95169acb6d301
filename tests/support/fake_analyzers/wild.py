"""Cheap analyzers that go wrong where and how their settings say; a plugin, as fakes.py is.

`models.<name>.where` is a place (PLACES) and `models.<name>.what` what happens there: an error that is raised
(ERRORS), a value that is returned in place of the right one (VALUES), or an end of the process (ENDS).
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, replace

import numpy as np

from clipbench.analyzers.base import (
    Analyzer,
    ChunkedAnalyzer,
    FrameRequest,
    Needs,
    NothingToAnalyze,
    Segment,
    Settings,
    setting,
)

NASTY = "a[/x]\x1b[31m\u202e\x00 \u2066b"


class Unspeakable(Exception):
    """Raises when it is asked what it says."""

    def __str__(self):
        raise SystemExit(0)

    __repr__ = __str__


class Unpicklable(Exception):
    """Cannot be sent to another process."""

    def __reduce__(self):
        raise TypeError("no pickle")


class Odd:
    """Equal to nothing, without a length, a text or a pickle."""

    def __getattr__(self, name):
        raise KeyboardInterrupt

    def __repr__(self):
        raise SystemExit(0)

    def __reduce__(self):
        raise OSError("no pickle")


def chained():
    try:
        raise Unspeakable
    except Unspeakable as error:
        raise ValueError(NASTY) from error


def ended(number):
    """End by a signal in this call: a signal to the process may reach another thread, a moment later."""
    os.kill(os.getpid(), number)
    time.sleep(3600)


def endless():
    return endless()


ERRORS = {
    "system_exit_0": lambda: (_ for _ in ()).throw(SystemExit(0)),
    "system_exit_text": lambda: (_ for _ in ()).throw(SystemExit("no licence")),
    "interrupt": lambda: (_ for _ in ()).throw(KeyboardInterrupt()),
    "generator_exit": lambda: raised(GeneratorExit()),
    "stop_iteration": lambda: raised(StopIteration(3)),
    "error": lambda: raised(RuntimeError("a planted fault\nwith a second line")),
    "memory": lambda: raised(MemoryError()),
    "recursion": endless,
    "unspeakable": lambda: raised(Unspeakable()),
    "unpicklable": lambda: raised(Unpicklable("a planted fault")),
    "group": lambda: raised(BaseExceptionGroup("several", [SystemExit(0), KeyboardInterrupt()])),
    "chained": chained,
    "nasty": lambda: raised(ValueError(NASTY)),
    "timeout": lambda: raised(TimeoutError("a planted fault")),
    "broken_pipe": lambda: raised(BrokenPipeError(32, "Broken pipe")),
    "eof": lambda: raised(EOFError()),
    "cancelled": lambda: raised(__import__("asyncio").CancelledError()),
}
#: What there is in place of segments, of what was found, of facts, of models …
VALUES = {
    "none": lambda: None,
    "nan": lambda: float("nan"),
    "inf": lambda: [Segment(0.0, float("inf"), "x")],
    "nan_start": lambda: [Segment(float("nan"), 1.0, "x")],
    "numpy_nan": lambda: [Segment(0.0, 0.5, "x", None, {"a": np.array([1.0, np.nan])})],
    "numpy_nan_sure": lambda: [Segment(0.0, 0.5, "x", np.float32("nan"))],
    "none_end": lambda: [Segment(0.0, None, "x")],
    "set": lambda: {1, 2},
    "generator": lambda: (n for n in range(3)),
    "dict": lambda: {"start_s": 0.0},
    "label_number": lambda: [Segment(0.0, 0.5, 7)],
    "label_bytes": lambda: [Segment(0.0, 0.5, b"x")],
    "label_half": lambda: [Segment(0.0, 0.5, "half of \ud83d")],
    "data_set": lambda: [Segment(0.0, 0.5, "x", None, {"a": {1}})],
    "data_key": lambda: [Segment(0.0, 0.5, "x", None, {1: 2})],
    "data_inf": lambda: [Segment(0.0, 0.5, "x", None, {"a": [float("-inf")]})],
    "complex": lambda: [Segment(0.0, 0.5, "x", None, {"a": np.complex128(1j)})],
    "numpy_time": lambda: [Segment(np.datetime64("2020-01-01"), 0.5, "x")],
    "odd": Odd,
    "odd_inside": lambda: [Segment(0.0, 0.5, "x", None, {"a": Odd()})],
    "array": lambda: np.zeros((2, 3)),
    "text": lambda: "three",
}
#: Odd, and right: they cost nothing.
GOOD = {
    "numpy_scalars": lambda: [
        Segment(
            np.float32(0.0), np.int64(0) + np.float64(0.5), np.str_("x"), np.float16(0.5), {"a": np.int8(3)}
        )
    ],
    "nasty_label": lambda: [Segment(0.0, 0.5, NASTY, 0.5, {NASTY: NASTY})],
    "nothing": list,
}
ENDS = {
    "exit": lambda: os._exit(7),
    "kill": lambda: ended(signal.SIGKILL),
    "segfault": lambda: ended(signal.SIGSEGV),
    "abort": os.abort,
    "hang": lambda: time.sleep(3600),
}
PLACES = (
    *("init", "needs", "models", "random", "load", "begin", "feed", "finish", "analyze"),
    *("facts", "headline", "unload", "offload", "wake"),
)


def raised(error):
    raise error


@dataclass
class WildSettings(Settings):
    where: str = setting("", "the place where it goes wrong; empty: nowhere")
    what: str = setting("", "what happens there")
    once: bool = setting(False, "whether it goes wrong only the first time in a process")


class Goes:
    """What the analyzers below have in common: they go wrong."""

    settings_type = WildSettings

    def __init__(self, settings=None):
        super().__init__(settings)
        self.wrong("init", None)

    def wrong(self, place, right):
        """What is returned in place of `right` at `place`."""
        if self.settings.where != place:
            return right
        what = self.settings.what
        if self.settings.once:
            self.settings = replace(self.settings, where="")
        return {**ERRORS, **VALUES, **GOOD, **ENDS}[what]()

    def needs(self):
        return self.wrong("needs", self.reads)

    def models(self):
        return self.wrong("models", ())

    @property
    def random(self):
        return bool(self.wrong("random", False))

    def load(self, device="cpu"):
        self.wrong("load", None)

    def facts(self):
        return self.wrong("facts", {"odd": 1})

    def headline(self, segments):
        return self.wrong("headline", "fine")

    def unload(self):
        self.wrong("unload", None)

    def offload(self):
        self.wrong("offload", None)

    def wake(self):
        self.wrong("wake", None)


class WildWhole(Goes, Analyzer):
    name = "wild_whole"
    reads = Needs()

    def analyze(self, clip, upstream):
        right = [Segment(0.0, clip.duration_s, "fine", 1.0, {"read": sorted(upstream)})]
        return self.wrong("analyze", right)


class WildReader(WildWhole):
    name = "wild_reader"
    upstream = ("wild_whole", "wild_fed")


class WildDeaf(WildWhole):
    """Has nothing to analyze, unless it goes wrong."""

    name = "wild_deaf"

    def analyze(self, clip, upstream):
        if self.settings.where == "analyze":
            return super().analyze(clip, upstream)
        raise NothingToAnalyze(NASTY)


class WildFed(Goes, ChunkedAnalyzer):
    name = "wild_fed"
    reads = Needs(frames=(FrameRequest(2.0, 16),))

    def begin(self, clip):
        return self.wrong("begin", 0)

    def feed(self, chunk, state):
        return self.wrong("feed", (len(chunk.frames(2.0, 16).times_s), 0))

    def finish(self, clip, found, state, upstream):
        right = [Segment(0.0, clip.duration_s, "fine", None, {"frames": sum(found)})]
        return self.wrong("finish", right)


class WildFedToo(WildFed):
    name = "wild_fed_too"
    upstream = ("wild_fed",)


#: How many there are that only a study has go wrong.
VICTIMS = 12
for number in range(1, VICTIMS + 1):
    base = WildFed if number % 3 == 0 else WildWhole
    called = f"wild_v{number:02}"
    globals()[called] = type(called, (base,), {"name": called, "__module__": __name__})


class WildSum(WildWhole):
    """Reads what goes wrong, and does not."""

    name = "wild_sum"
    upstream = ("wild_v01", "wild_v03")
