"""`scenario.search=true`: the highest rate of clips at which the percentile of their latency keeps its limit.

Each rate is a run of its own, in a process of its own, in a folder of its own. What was tried is written
down after each, so that a search that was interrupted goes on: it takes the same steps, and those that are
known cost nothing.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from clipbench.bench.comparing import comparability
from clipbench.bench.errors import InputError
from clipbench.bench.invocation import literal
from clipbench.bench.measuring.session import Session
from clipbench.bench.planning.scenario import FIRST_RATE
from clipbench.bench.runs import storage
from clipbench.bench.runs.child_run import run_child
from clipbench.bench.runs.facts import Facts, as_read_back, differences
from clipbench.bench.runs.remeasure import ONLY_MEASURE, Unmeasured
from clipbench.bench.runs.results import ClipSummary, Environment, Result
from clipbench.bench.runs.serialization import to_json
from clipbench.bench.runs.simulation import Simulation
from clipbench.bench.sweeping import identity
from clipbench.bench.sweeping.bisection import Bracket, highest
from clipbench.bench.sweeping.identity import first_few

SCHEMA = 1
#: What a search leaves in its folder, beside a folder for each rate.
FILE, PAGE, SUMMARY = "rates.json", "rates.html", "rates.md"


@dataclass(frozen=True)
class Try:
    """A rate that was tried, in clips per second: whether the limit was kept, and if not, why.

    `latency` has what was measured, in seconds, by percentile; `needed` of the `arrived` clips had to be in
    time. `fastest_s` is the shortest latency, and `folder` that of the run.
    """

    rate: float
    kept: bool
    reason: str
    latency: dict[str, float | None]
    goodput: float | None
    arrived: int
    needed: int
    in_time: int
    fastest_s: float | None
    seconds: float
    folder: str


@dataclass(frozen=True)
class RateSearch:
    """All that rates.json holds; its fields are the file's keys.

    `highest` is the highest rate that kept the limit, and `missed` the lowest that did not. `why_not` says
    why there is no highest rate; "" where there is one, or the search goes on. `identity` is what has to be
    unchanged for it to go on. With `simulated`, every figure is a prediction.
    """

    title: str
    command: str
    percentile: int
    latency_limit_s: float
    tolerance: float
    first_rate: float
    identity: Facts
    code: dict[str, str]
    tries: list[Try] = field(default_factory=list)
    highest: float | None = None
    missed: float | None = None
    complete: bool = False
    why_not: str = ""
    clip: ClipSummary | None = None
    environment: Environment | None = None
    simulated: Simulation | None = None
    schema: int = SCHEMA

    def tried(self, rate: float) -> Try | None:
        """What came of a rate, if it was tried."""
        return next((one for one in self.tries if one.rate == rate), None)


class Unreachable(Exception):
    """No rate keeps the limit: the message says why."""


def begin(session: Session, title: str, command: str) -> RateSearch:
    """The search that a session asks for, or what an interrupted one in its folder has found so far.

    Raises InputError if the folder holds another search.
    """
    scenario = session.cfg.scenario
    assert scenario.latency_limit_s is not None
    facts = comparability.of_session(session).sweep() | {"scenario.percentile": scenario.percentile}
    facts |= {"scenario.tolerance": scenario.tolerance}
    fresh = RateSearch(
        title=title,
        command=command,
        percentile=scenario.percentile,
        latency_limit_s=scenario.latency_limit_s,
        tolerance=scenario.tolerance,
        first_rate=scenario.rate or FIRST_RATE,
        identity=as_read_back(facts),
        code=identity.code(),
    )
    if not (session.folder / FILE).exists():
        return fresh
    before = read(session.folder)
    changed = differences(before.identity, fresh.identity) + identity.code_changes(before.code, fresh.code)
    if changed:
        raise InputError(
            f"hydra.run.dir: {session.folder} holds another search; different are {first_few(changed)}. "
            "Start anew in another folder"
        )
    return before


def search(
    begun: RateSearch,
    folder: Path,
    measure: Callable[[float, Path], tuple[Result, float]],
    tell: Callable[[Try], None],
) -> RateSearch:
    """Find the highest rate. `measure` runs one into a folder, and gives its result and its seconds.

    `tell` is told of every rate that is tried now. Raises Unmeasured where a run says nothing about its rate.
    """
    state = begun

    def holds(rate: float) -> bool:
        nonlocal state
        known = state.tried(rate)
        if known is None:
            place = folder / f"{rate:g}_per_s"
            result, seconds = measure(rate, place)
            known = judge(result, rate, seconds, place.name)
            state = dataclasses.replace(
                state,
                tries=[*state.tries, known],
                clip=result.run.clip,
                environment=result.environment,
                simulated=result.run.simulated,
            )
            write(state, folder)
            tell(known)
        if known.fastest_s is not None and known.fastest_s > state.latency_limit_s:
            raise Unreachable(
                f"no rate keeps scenario.latency_limit_s={state.latency_limit_s:g}: at {rate:g} clips per "
                f"second, the fastest of {known.arrived} took {known.fastest_s:.3g} s"
            )
        return known.kept

    try:
        found, why_not = highest(holds, state.first_rate, state.tolerance), ""
    except Unreachable as error:
        found, why_not = Bracket(), str(error)
    if found.holds is None and not why_not:
        last = min(state.tries, key=lambda one: one.rate)
        why_not = (
            f"no rate down to {last.rate:g} clips per second keeps "
            f"scenario.latency_limit_s={state.latency_limit_s:g}: {last.reason}"
        )
    state = dataclasses.replace(
        state, highest=found.holds, missed=found.fails, complete=True, why_not=why_not
    )
    write(state, folder)
    return state


def judge(result: Result, rate: float, seconds: float, folder: str) -> Try:
    """Whether the run at this rate kept the limit: as many clips in time as the percentile says.

    A clip on which an analyzer failed is not in time. Raises Unmeasured for a run that does not say.
    """
    scenario, served = result.run.scenario, result.served
    percent, limit_s = scenario.percentile, scenario.latency_limit_s
    assert percent is not None and limit_s is not None and served is not None and served.in_time is not None
    metric = result.metric(f"latency_p{percent}")
    if metric.value is None and not metric.failed:
        raise Unmeasured(
            f"at {rate:g} clips per second, latency_p{percent} was not measured: {metric.reason}"
        )
    needed = math.ceil(percent / 100 * served.arrived - 1e-9)
    reason = metric.reason
    if not reason and served.in_time < needed:
        late = f"latency_p{percent} is {metric.value:.3g} s"
        reason = f"{late}; {served.in_time} of {served.arrived} clips were in time, {needed} have to be"
    latencies = [
        one.end_s - one.arrived_s for one in result.run.passes if one.arrived_s is not None and one.end_s
    ]
    return Try(
        rate=rate,
        kept=not reason,
        reason=reason,
        latency={
            m.name.removeprefix("latency_p"): m.value
            for m in result.metrics
            if m.name.startswith("latency_p")
        },
        goodput=result.metric("goodput").value,
        arrived=served.arrived,
        needed=needed,
        in_time=served.in_time,
        fastest_s=min(latencies, default=None),
        seconds=seconds,
        folder=folder,
    )


def run_at(rate: float, folder: Path) -> tuple[Result, float]:
    """Run this process's own command at a rate, into a folder: its result, and the seconds it took.

    Raises Unmeasured if there is none.
    """
    arguments = [
        *sys.argv[1:],
        *ONLY_MEASURE,
        "scenario.search=false",
        f"scenario.rate={rate!r}",
        f"hydra.run.dir={literal(folder.resolve())}",
    ]  # the last one counts
    taken = run_child(arguments, folder, math.inf, ("goodput",))
    if taken.state == "failed":
        log = folder / "log.txt"
        raise Unmeasured(f"at {rate:g} clips per second: {taken.reason} (what the run printed is in {log})")
    return storage.read_result(folder), taken.seconds


def write(state: RateSearch, folder: Path) -> None:
    """Write rates.json into `folder`: whole, or as it was before."""
    storage.write_json(folder / FILE, to_json(state))


def read(folder: Path) -> RateSearch:
    """The search in `folder`; raises InputError if it cannot be read."""
    path = folder / FILE
    try:
        return storage.read_kept(RateSearch, path, SCHEMA)
    except ValueError as error:
        raise InputError(
            f"{path} is not a search of rates ({error}); start anew in another folder"
        ) from error
