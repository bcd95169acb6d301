"""How clips are fed to a run: what can be set, and when the clips of scenario=server arrive."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass
from pathlib import Path

from omegaconf import MISSING

from clipbench.analyzers.base import setting
from clipbench.bench.enough import ENOUGH
from clipbench.bench.errors import InputError
from clipbench.bench.planning import ranges
from clipbench.bench.planning.percentiles import CLAIMED, clips_needed
from clipbench.bench.runs.facts import digest
from clipbench.bench.runs.serving import ScenarioSummary

#: `repeats` where passes go on until they suffice: bench/measuring/repeating.py.
AUTO = "auto"
#: The most passes or clips, and the longest time: beyond what anybody can wait for.
MOST, LONGEST_S = 1_000_000, 1e9
#: The scenario whose clips arrive at random, and the keys that are for it alone.
SERVER = "server"
FOR_SERVER = ("rate", "arrivals", "clips", "latency_limit_s", "search")
#: The scenarios whose `clip.path` may be a folder or a pattern.
SEVERAL_CLIPS = ("offline", SERVER)
#: The rate that a search tries first, in clips per second, and the least fraction to which it finds one.
FIRST_RATE = 1.0
LEAST_TOLERANCE = 0.01


@dataclass
class ScenarioConfig:
    """How clips are fed: `warmup` passes that do not count, then `repeats` that do.

    single_stream sends one clip at a time. With `repeats` auto it does so until the interval of the main
    metric is narrower than `interval`, a share of the median, or the passes have taken `budget_s` seconds,
    but as often as a call takes in any case (bench/enough.py).

    offline sends a queue: the clips, `repeats` times over, with up to `in_flight` of them under way at once
    (null: as many as bench/planning/in_flight.py says).

    server sends clips when they arrive: at random, `rate` a second (with the dice of `seed`), or at the times
    in the file `arrivals`, in seconds from the beginning, one a line. `clips` of them arrive; null: as many
    as the `percentile` (50, 95 or 99) takes to be claimed. What is not done after `latency_limit_s` seconds
    is late. With `search`, the highest rate is found at which the percentile keeps that limit, to within the
    fraction `tolerance`.

    With `wake`, workers are made ready again after the cleanup, which says how long that takes
    (`ready_again_s`); a limit on that has them woken too.
    """

    name: str = MISSING
    warmup: int = setting(1, "passes that do not count", low=0, high=MOST)
    repeats: int | str = setting(AUTO, "passes that count, or auto", low=0, high=MOST)
    interval: float = setting(0.05, "how wide auto's interval may be, as a share", low=0.0001, high=1)
    budget_s: float = setting(60.0, "seconds of passes after which auto ends", low=0, high=LONGEST_S)
    in_flight: int | None = setting(1, "clips that are under way at once", low=1, high=MOST)
    wake: bool = False
    rate: float | None = setting(None, "clips that arrive per second", low=1e-6, high=1e6)
    arrivals: str | None = None
    clips: int | None = setting(None, "how many clips arrive", low=1, high=MOST)
    seed: int = 0
    percentile: int = 95
    latency_limit_s: float | None = setting(
        None, "seconds after which a clip is late", low=1e-6, high=LONGEST_S
    )
    search: bool = False
    tolerance: float = setting(0.1, "to within which fraction the rate is found", low=LEAST_TOLERANCE, high=1)

    @property
    def auto(self) -> bool:
        """Whether the number of repeats is found while they are measured."""
        return self.repeats == AUTO

    @property
    def least(self) -> int:
        """How many repeats there are, or are at the least."""
        return ENOUGH if self.auto else int(self.repeats)

    @property
    def at_once(self) -> int:
        """How many clips are under way at once; `in_flight` is a number once the scenario is checked."""
        return self.in_flight or 1


@dataclass(frozen=True)
class Service:
    """What is asked of a run whose clips arrive one after another.

    One arrives at each of `times_s`, in seconds from the beginning. `percentile` is to be claimed, in
    percent; clips that are done within `latency_limit_s` are in time (None: there is no limit).
    """

    times_s: tuple[float, ...]
    percentile: int
    latency_limit_s: float | None


def check(scenario: ScenarioConfig) -> None:
    """Raise InputError for a number that is out of range, and for a setting of another scenario."""
    check_repeats(scenario)
    ranges.check_part(scenario, "scenario")
    if scenario.warmup + scenario.least == 0:
        raise InputError("scenario.warmup and scenario.repeats are both 0: there is nothing to run")
    if scenario.name != SERVER:
        for key in FOR_SERVER:
            if value := getattr(scenario, key):
                raise InputError(f"scenario.{key}={value} is for clips that arrive: add scenario=server")
    if scenario.percentile not in CLAIMED:
        known = ", ".join(map(str, CLAIMED))
        raise InputError(
            f"scenario.percentile={scenario.percentile} is none of those that are measured: {known}"
        )


def check_repeats(scenario: ScenarioConfig) -> None:
    """Raise InputError for repeats that are neither a number nor auto, or auto where that cannot be."""
    repeats = scenario.repeats
    if not scenario.auto and (isinstance(repeats, bool) or not isinstance(repeats, int)):
        raise InputError(f"scenario.repeats={repeats} is neither {AUTO} nor a whole number")
    if scenario.auto and scenario.name in SEVERAL_CLIPS:
        raise InputError(
            f"scenario.repeats={AUTO} is for clips that go through one at a time; with "
            f"scenario={scenario.name} write a number"
        )


def service_of(scenario: ScenarioConfig) -> Service | None:
    """What a checked scenario asks for whose clips arrive one after another; None for any other scenario.

    Raises InputError where it is not said when clips arrive, or cannot be read.
    """
    if scenario.name != SERVER:
        return None
    if scenario.warmup < 1:
        raise InputError(
            "scenario=server requires scenario.warmup=1 or more: models are loaded before clips arrive"
        )
    if scenario.search and scenario.latency_limit_s is None:
        raise InputError(
            "scenario.search=true requires a limit that is to be kept: scenario.latency_limit_s=30"
        )
    if scenario.arrivals is not None:
        return Service(times_in_file(scenario), scenario.percentile, scenario.latency_limit_s)
    rate = FIRST_RATE if scenario.search and scenario.rate is None else scenario.rate
    if rate is None:
        raise InputError(
            "scenario=server requires the clips that arrive per second, scenario.rate=0.5, or a file of "
            "times, scenario.arrivals=FILE"
        )
    count = scenario.least * (scenario.clips or clips_needed(scenario.percentile))
    return Service(poisson(rate, count, scenario.seed), scenario.percentile, scenario.latency_limit_s)


def poisson(rate: float, count: int, seed: int) -> tuple[float, ...]:
    """The first `count` times of a Poisson process with `rate` events a second, in seconds.

    At another rate, one seed gives the same times on another scale: so latencies differ by the rate alone.
    """
    dice = random.Random(seed)
    return tuple(itertools.accumulate(dice.expovariate(1.0) / rate for _ in range(count)))


def times_in_file(scenario: ScenarioConfig) -> tuple[float, ...]:
    """The times in the file `arrivals`, or the first `clips` of them."""
    path = str(scenario.arrivals)
    times: list[float] = []
    for key in ("rate", "search"):
        if getattr(scenario, key):
            raise InputError(
                f"scenario.arrivals and scenario.{key} exclude each other: the file says when clips arrive"
            )
    if scenario.least != 1:
        raise InputError(
            f"scenario.repeats={scenario.repeats}: clips arrive once at the times of scenario.arrivals"
        )
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise InputError(f"scenario.arrivals: {path} cannot be read ({reason})") from error
    for number, line in enumerate(lines, start=1):
        where = f"scenario.arrivals: {path}, line {number}"
        try:
            time_s = float(line) if line.strip() else None
        except ValueError:
            raise InputError(f'{where}: "{line.strip()[:40]}" is not a time in seconds') from None
        if time_s is None:
            continue
        if not 0 <= time_s < math.inf:
            raise InputError(f"{where}: {time_s:g} is out of range: a time is 0 or more seconds")
        if times and time_s < times[-1]:
            raise InputError(
                f"{where}: {time_s:g} comes after {times[-1]:g}; write the times in ascending order"
            )
        times.append(time_s)
    if len(times) < (scenario.clips or 1):
        asked = f", and scenario.clips={scenario.clips}" if scenario.clips else ""
        raise InputError(f"scenario.arrivals: {path} has {len(times)} times{asked}")
    return tuple(times[: scenario.clips])


def summary(scenario: ScenarioConfig, service: Service | None) -> ScenarioSummary:
    """How the clips are fed, as a result has it."""
    found = ScenarioSummary(scenario.name, scenario.warmup, scenario.least, scenario.at_once)
    if service is not None:
        found.rate, found.clips = scenario.rate, len(service.times_s)
        found.seed = scenario.seed if scenario.arrivals is None else None
        found.arrivals = None if scenario.arrivals is None else digest({"times_s": list(service.times_s)})
        found.percentile, found.latency_limit_s = service.percentile, service.latency_limit_s
    return found
