"""Ten analyzers that only wait, each for a time of its own, some of them for others: a plugin."""

from __future__ import annotations

import os
import time

from clipbench.analyzers.base import Analyzer, Segment

#: Analyzer → how long it waits, in units of `UNIT_S`, and those whose results it reads. No two ends on
#: two workers fall together in the cases of tests/contract: who is first would then be chance.
SLEEPERS = {
    "sleeper_0": (11.6, ()),
    "sleeper_1": (1.1, ()),
    "sleeper_2": (4.2, ()),
    "sleeper_3": (6.2, ()),
    "sleeper_4": (5.1, ()),
    "sleeper_5": (3.3, ("sleeper_0",)),
    "sleeper_6": (11.8, ("sleeper_1", "sleeper_2")),
    "sleeper_7": (7.0, ()),
    "sleeper_8": (11.3, ("sleeper_5", "sleeper_6")),
    "sleeper_9": (6.7, ("sleeper_3", "sleeper_8")),
}
#: Longer units leave less room for what else the machine does.
UNIT_S = float(os.environ.get("CLIPBENCH_SLEEP_UNIT_S", "0.025"))


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
