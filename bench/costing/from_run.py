"""Costs from a run that was made: what its spans tell of them; the rest is not known, and why is said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

from clipbench.bench.costing.overheads import gap
from clipbench.bench.enough import ENOUGH
from clipbench.bench.errors import InputError
from clipbench.bench.planning.cost_file import KeptCosts
from clipbench.bench.probes.other_load import is_busy
from clipbench.bench.runs.facts import as_read_back, machine_facts, setting_facts, software_facts
from clipbench.bench.runs.results import PassSummary, Result
from clipbench.bench.runs.storage import read_result
from clipbench.executors.base import Span
from clipbench.executors.costs import AnalyzerCost, Costs, DecodingCost, Growth, Overheads, Work

ONE_LENGTH = "a run has pieces of one length"
#: Field → why a run does not tell it.
UNKNOWN = {
    "fixed_s": ONE_LENGTH,
    "derivations": "in a run, whoever asks first has paid for what is shared",
    "parallel": "a run has one number of threads",
    "pressure": "nothing ran side by side",
    "sensitivity": "nothing ran side by side",
    "waiting": "a span does not tell waiting from work",
    "gpu": "a span does not tell the GPU's seconds from the host's",
    "gpu_share": "a span does not tell the GPU's seconds from the host's",
    "memory_gb": "a run does not tell the memory of its analyzers apart",
    "peak_gb": "a run does not tell the memory of its analyzers apart",
    "gpu_memory_gb": "a run does not tell the memory of its analyzers apart",
    "driver_s": "a gap between steps is counted as the worker's",
    "decoding.spawn_s": "it is not in a run's spans",
    "decoding.open_s": "it is not in a run's spans",
    "decoding.sound": "a run's spans of decoding have sound and frames together",
    "decoding.more_sizes": "a run asks for all sizes at once",
    "decoding.per_megapixel_s": "the clips of a run are of one size",
}


def read(path: Path) -> KeptCosts:
    """The costs that a run's result tells. Raises InputError for a run whose times say nothing of them."""
    result = read_result(path)
    passes = suitable(result, path)
    run, here = result.run, result.environment
    spans = [[span for span in result.spans if inside(span, one)] for one in passes]
    duration_s = run.clip.duration_s or 1.0
    analyzers = {
        name: AnalyzerCost(
            Work(Growth(per_s=typical(spans, name, feeds(spans, name)) / duration_s)),
            finish=Work(Growth(per_s=typical(spans, name, False) / duration_s))
            if feeds(spans, name)
            else Work(),
            load_s=found.load_s or 0.0,
        )
        for name, found in result.analyzers.items()
        if found.status == "ok"
    }
    facts = machine_facts(here) | software_facts(here)
    for name, settings in (run.settings or {}).items():
        facts |= setting_facts(name, settings)
    started = [span.end_s - span.start_s for span in result.spans if span.phase == "spawn"]
    return KeptCosts(
        costs=Costs(
            machine=f"{here.cpu or here.machine}, {here.cores_allowed} cores",
            cores=here.cores_allowed,
            source="measured",
            analyzers=analyzers,
            decoding=DecodingCost(frames=Growth(per_s=decoding(spans) / duration_s)),
            overheads={run.executor: Overheads(max(started, default=0.0), median(map(gap, spans)))},
            unknown=UNKNOWN,
            facts=as_read_back(facts),
        ),
        profiles=[run.models],
        measured_at=run.started_at,
        command=run.command,
        clip=Path(run.clip.path).name,
        other_cores=run.other_cores,
        busy=is_busy(run.other_cores, here.cores_allowed),
        remarks=[f"read from a run of executor={run.executor} grouping={run.grouping}"]
        + [
            f"{name} has no costs: {found.status}, {found.reason}"
            for name, found in result.analyzers.items()
            if found.status != "ok"
        ],
    )


def suitable(result: Result, path: Path) -> Sequence[PassSummary]:
    """The warm passes of a run. Raises InputError for a run that says nothing of costs."""
    run = result.run
    again = f"run again: {path} had"
    if run.workers != 1:
        raise InputError(
            f"--from: {again} {run.workers} workers, which slow each other; take executor=sequential "
            "executor.threads=1"
        )
    if run.threads != 1:
        raise InputError(f"--from: {again} {run.threads} threads; costs are at one: executor.threads=1")
    if run.faults or run.profile or run.scenario.in_flight != 1 or len(run.clips) > 1:
        raise InputError(f"--from: {again} faults, a profiler or several clips; leave them out")
    if any(span.count > 1 for span in result.spans):
        raise InputError(f"--from: {path} is of a long clip, whose spans are thinned; take a shorter one")
    passes = [one for number, one in enumerate(run.passes) if number and not one.warmup]
    if len(passes) < ENOUGH:
        raise InputError(
            f"--from: {again} {len(passes)} warm passes; costs take {ENOUGH}: scenario.repeats={ENOUGH}"
        )
    return passes


def inside(span: Span, one: PassSummary) -> bool:
    """Whether a span lies in a pass."""
    return span.start_s >= one.start_s and span.end_s <= one.end_s


def feeds(spans: Sequence[Sequence[Span]], analyzer: str) -> bool:
    """Whether an analyzer was fed in chunks."""
    return any(s.chunk is not None and s.analyzer == analyzer for mine in spans for s in mine)


def typical(spans: Sequence[Sequence[Span]], analyzer: str, chunks: bool) -> float:
    """Median over the passes of an analyzer's seconds, in its chunks or beside them."""
    return median(
        seconds(
            s
            for s in mine
            if s.phase == "analyze" and s.analyzer == analyzer and (s.chunk is not None) == chunks
        )
        for mine in spans
    )


def decoding(spans: Sequence[Sequence[Span]]) -> float:
    """Median over the passes of the seconds of decoding."""
    return median(seconds(s for s in mine if s.phase == "decode") for mine in spans)


def seconds(spans: Iterable[Span]) -> float:
    """The sum of the lengths of spans."""
    return sum(span.end_s - span.start_s for span in spans)
