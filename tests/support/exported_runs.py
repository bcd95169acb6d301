"""Stored runs for the tests of exporters: a measured one and a predicted one."""

from __future__ import annotations

import copy
from pathlib import Path

from clipbench.bench.runs import storage
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import Result
from clipbench.bench.runs.simulation import SimulatedMachine, Simulation
from clipbench.reports.export.exporter import ExportedRun
from tests.support.report_results import NAMES, a_run


def measured(gpus: int = 1) -> Result:
    """A run with an analyzer that failed in its last pass, and another that is a stand-in."""
    run = a_run(gpus=gpus)
    lost, stand_in = run.analyzers[NAMES[0]], run.analyzers[NAMES[1]]
    last = len(run.run.passes) - 1
    lost.status, lost.reason = "crashed", "SIGSEGV"
    lost.analyze_s.pop()
    run.run.passes[last].failed = {NAMES[0]: "crashed"}
    run.spans = [s for s in run.spans if (s.clip, s.analyzer) != (last, NAMES[0])]
    stand_in.stand_in = "a model"
    return run


def predicted() -> Result:
    """The same as if it had been simulated, as another run."""
    run = measured()
    run.run.id, run.run.started_at = "a-prediction", "2026-11-23T16:50:09+00:00"
    run.run.executor = "simulated"
    run.run.simulated = Simulation(
        machine=SimulatedMachine(name="h100", cores=16), like="gpu_pinned", costs="declared", costs_of="paper"
    )
    run.telemetry = NotMeasured("nothing ran that could be sampled")
    for analyzer in run.analyzers.values():
        analyzer.segments, analyzer.headline = None, ""
    return run


def stored(folder: Path, *results: Result) -> list[ExportedRun]:
    """These results in folders of their own, read again; with no results, one of each kind."""
    runs = []
    for number, result in enumerate(results or (measured(), predicted())):
        place = folder / f"run-{number}"
        storage.write_result(copy.deepcopy(result), {}, place)
        (place / "report.md").write_text("a report")
        runs.append(ExportedRun(storage.read_result(place), place))
    return runs
