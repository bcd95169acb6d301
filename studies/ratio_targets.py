"""What the figures are and whether they meet their targets, from the passes that were measured."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from studies.contestants import Sample
from studies.frame_sharing import Sharing

#: The executors of which the best is to keep the promises.
EXECUTORS = ("gpu_pinned", "spawn_pool", "threads")
#: What the best of them is compared with in a heat of its own, and what its passes there are kept under.
RIVALS = ("process_pool", "ray_actors")
BEST = "best"
COMPARE: dict[str, Callable[[float, float], bool]] = {"≤": operator.le, "<": operator.lt, "≥": operator.ge}


@dataclass(frozen=True)
class Ratio:
    """A figure with its target: `samples` are those of the rounds, `reason` why there are none."""

    what: str
    op: str
    limit: float
    samples: tuple[float, ...] = ()
    reason: str = ""
    note: str = ""

    @property
    def value(self) -> float | None:
        """The median of the samples; None where nothing was measured."""
        return median(self.samples) if self.samples else None

    @property
    def status(self) -> str:
        """met, not met, or not measured with the reason."""
        if self.value is None:
            return f"not measured: {self.reason}"
        return "met" if COMPARE[self.op](self.value, self.limit) else "not met"


@dataclass
class Rounds:
    """What was measured: contestant → its passes, one a round, or why there are none."""

    clip_s: float
    samples: dict[str, list[Sample]]
    reasons: dict[str, str]
    sharing: Sharing | str

    def best(self) -> str | None:
        """The executor with the lowest median wall time."""
        measured = [name for name in EXECUTORS if self.samples.get(name)]
        return min(measured, key=self.wall_s, default=None)

    def wall_s(self, name: str) -> float:
        """The median wall time of a contestant's passes."""
        return median(sample.wall_s for sample in self.samples[name])

    def ratio(
        self, what: str, above: str | None, below: str | None, op: str, limit: float, note: str = ""
    ) -> Ratio:
        """Wall time of `above` / wall time of `below`, round by round."""
        for name in (above, below):
            if name is None or not self.samples.get(name):
                return Ratio(what, op, limit, reason=self.reason(name))
        pairs = zip(self.samples[above], self.samples[below], strict=True)
        return Ratio(what, op, limit, tuple(a.wall_s / b.wall_s for a, b in pairs), note=note)

    def figure(
        self,
        what: str,
        name: str | None,
        of: Callable[[Sample], float],
        op: str,
        limit: float,
        note: str = "",
    ) -> Ratio:
        """A figure of each pass of one contestant."""
        if name is None or not self.samples.get(name):
            return Ratio(what, op, limit, reason=self.reason(name))
        return Ratio(what, op, limit, tuple(map(of, self.samples[name])), note=note)

    def reason(self, name: str | None) -> str:
        """Why there is nothing of a contestant; None stands for the best of the executors."""
        if name is None or (name == BEST and self.best() is None):
            return "no executor could be measured"
        return self.reasons.get(name, "it was not run")


def ratios(rounds: Rounds) -> list[Ratio]:
    """All figures that have a target, in the order in which to print them."""
    best = rounds.best()
    outside = [100 * (1 - s.known["busy_s"] / s.wall_s) for s in rounds.samples.get("sequential", [])]
    start = [s.known["sampler_start_s"] for s in rounds.samples.get("telemetry", [])]
    return [
        rounds.ratio("best / sequential, one thread", best, "sequential_1", "≤", 0.6),
        rounds.ratio("best / sequential, all cores", best, "sequential", "≤", 0.75),
        rounds.figure("best: real-time factor", best, lambda s: s.wall_s / rounds.clip_s, "<", 0.75),
        rounds.figure("best: efficiency", best, lambda s: s.known["efficiency"], "≥", 0.9),
        rounds.ratio(
            "sequential / bare loop",
            "sequential",
            "bare",
            "≤",
            1.02,
            note=f"outside of decoding and analyses are {median(outside):.2f} % of a pass" if outside else "",
        ),
        rounds.ratio("sequential with telemetry / bare loop", "telemetry", "bare", "≤", 1.02),
        rounds.figure(
            "sampler, % of one core",
            "telemetry",
            lambda s: s.known["sampler_percent"],
            "≤",
            1.0,
            note=f"and {median(start):.2f} CPU seconds once, at its start" if start else "",
        ),
        rounds.ratio("process pool / best", "process_pool", BEST, "≥", 1.5),
        rounds.ratio("plain Ray actors / best", "ray_actors", BEST, "≥", 1.0),
        *sharing_ratios(rounds.sharing),
    ]


def sharing_ratios(sharing: Sharing | str) -> list[Ratio]:
    """The figures on frames and memory."""
    pipes = "through pipes / decoded clip"
    memory = "memory of the decoded clip in all processes / its size"
    if isinstance(sharing, str):
        return [Ratio(pipes, "≤", 0.01, reason=sharing), Ratio(memory, "≤", 1.05, reason=sharing)]
    grown = ", ".join(f"{w} {a / 1e6:.0f} → {b / 1e6:.0f}" for w, (a, b) in sharing.worker_private.items())
    return [
        Ratio(
            pipes,
            "≤",
            0.01,
            (sharing.pipes / sharing.clip,),
            note=f"{sharing.pipes / 1e3:.0f} kB of {sharing.clip / 1e6:.0f} MB, both ways",
        ),
        Ratio(
            memory,
            "≤",
            1.05,
            (sharing.shared / sharing.clip,),
            note=f"{sharing.workers} copies would be {sharing.workers}; {sharing.private / 1e6:.1f} MB of it "
            f"private to a worker. A worker's private memory, idle → clip open, MB: {grown}",
        ),
    ]


def differences(found: Mapping[str, Mapping[str, Sequence[Any]]]) -> dict[str, dict[str, str]]:
    """Contestant → analyzer → how its segments' labels differ from `sequential`'s; empty where none do."""
    reference = found.get("sequential", {})
    differing: dict[str, dict[str, str]] = {}
    for name, results in found.items():
        for analyzer, segments in reference.items():
            ours, theirs = [s.label for s in segments], [s.label for s in results[analyzer]]
            if ours != theirs:
                differing.setdefault(name, {})[analyzer] = f"{len(theirs)} segments for {len(ours)}"
    return differing
