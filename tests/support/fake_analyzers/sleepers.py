"""Ten analyzers that only wait, each for a time of its own, some of them for others: a plugin."""

from __future__ import annotations

import time

from clipbench.analyzers.base import Analyzer, Segment

#: Analyzer → how long it waits, in units of `UNIT_S`, and those whose results it reads. No two ends of a
#: schedule fall together that one would have to choose between.
SLEEPERS = {
    "sleeper_0": (3.1, ()),
    "sleeper_1": (7.3, ()),
    "sleeper_2": (2.2, ()),
    "sleeper_3": (11.9, ()),
    "sleeper_4": (5.4, ()),
    "sleeper_5": (4.1, ("sleeper_0",)),
    "sleeper_6": (9.7, ("sleeper_1", "sleeper_2")),
    "sleeper_7": (6.6, ()),
    "sleeper_8": (3.5, ("sleeper_5", "sleeper_6")),
    "sleeper_9": (1.8, ("sleeper_3", "sleeper_8")),
}
UNIT_S`, and those whose results it reads. No two sums that a
#: schedule could compare are close to each other.
SLEEPERS = {
    "sleeper_0": (3, ()),
    "sleeper_1": (7, ()),
    "sleeper_2": (2, ()),
    "sleeper_3": (11, ()),
    "sleeper_4": (5, ()),
    "sleeper_5": (4, ("sleeper_0",)),
    "sleeper_6": (9, ("sleeper_1", "sleeper_2")),
    "sleeper_7": (6, ()),
    "sleeper_8": (3, ("sleeper_5", "sleeper_6")),
    "sleeper_9": (1, ("sleeper_3", "sleeper_8")),
}
UNIT_S = 0.04


class Sleeper(Analyzer):
    """Waits, and finds nothing but that it did."""

    def analyze(self, clip, upstream):
        time.sleep(UNIT_S * SLEEPERS[self.name][0])
        return [Segment(0.0, clip.duration_s, self.name, None, {"read": sorted(upstream)})]


def made(name: str) -> type[Analyzer]:
    """The analyzer of this name."""
    return type(
        name.title(), (Sleeper,), {"name": name, "upstream": SLEEPERS[name][1], "__module__": __name__}
    )


for _name in SLEEPERS:
    globals()[_name.title()] = made(_name)
