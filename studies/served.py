"""How far predictions of scenario=server are from measurements: several rates, and the highest rate.

    python plan.py costs only=[color_analysis,audio_analysis]             # on a quiet machine, first
    python -m studies.served FOLDER --rates 0.3 0.6 0.9 --limit 4 -- only=[color_analysis,audio_analysis]

Each rate is one command line of run.py: with a real executor it is measured, and with `executor=simulated
executor.like=…` it is predicted, with the same dice, so that clips arrive at the same times. Then each
searches the highest rate that keeps the limit. What follows `--` is part of every command line. Every run is
kept in FOLDER; the same command goes on where it was interrupted. docs/predictions.md has what came out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from clipbench.bench.errors import InputError
from clipbench.bench.locations import IMPORT_PATH
from clipbench.bench.runs import storage
from clipbench.bench.runs.child_run import run_child
from clipbench.bench.runs.results import Result
from clipbench.bench.sweeping import rate_search
from clipbench.bench.sweeping.rate_search import RateSearch
from clipbench.reports import terminal

#: What is compared of a rate: latencies by fractions, and goodput in points of that rate.
METRICS = ("latency_p50", "latency_p95", "goodput")
#: Seconds that a run may take.
LIMIT_S = 3600


@dataclass(frozen=True)
class Compared:
    """One figure of one rate; None where it was not measured, as of a queue that grew."""

    rate: float
    metric: str
    predicted: float | None
    measured: float | None

    @property
    def error(self) -> float | None:
        """How far the prediction is off; None where either is missing."""
        if self.predicted is None or self.measured is None:
            return None
        if self.metric == "goodput":
            return (self.predicted - self.measured) / self.rate
        return self.predicted / self.measured - 1


def command_line(asked: argparse.Namespace, predicted: bool) -> list[str]:
    """The words of run.py that both have, but for the executor."""
    real = f"executor={asked.executor}"
    executor = ["executor=simulated", f"executor.like={asked.executor}"] if predicted else [real]
    served = ["scenario=server", f"scenario.latency_limit_s={asked.limit}"]
    return [*executor, *served, *asked.overrides, "progress=false"]


def result(arguments: Sequence[str], folder: Path) -> Result:
    """The result of a run, which is not run again where it is there."""
    try:
        return storage.read_result(folder)
    except (InputError, OSError):
        done = run_child([*arguments, f"hydra.run.dir={folder}"], folder, LIMIT_S, ["goodput"])
        if done.state == "failed":
            raise SystemExit(f"{' '.join(arguments)}: {done.reason} ({folder / 'log.txt'})") from None
        return storage.read_result(folder)


def at_rates(asked: argparse.Namespace) -> list[Compared]:
    """Every figure of every rate."""
    compared = []
    for rate in terminal.track(asked.rates, "rates"):
        pair = [
            result(
                [*command_line(asked, predicted), f"scenario.rate={rate}"],
                asked.folder / f"{rate:g}" / ("predicted" if predicted else "measured"),
            )
            for predicted in (False, True)
        ]
        measured, predicted = pair
        compared += [
            Compared(rate, name, predicted.metric(name).value, measured.metric(name).value)
            for name in METRICS
        ]
    return compared


def searched(asked: argparse.Namespace, predicted: bool) -> RateSearch:
    """The search of the highest rate, which is not made again where its answer is there."""
    folder = asked.folder / "searched" / ("predicted" if predicted else "measured")
    words = [*command_line(asked, predicted), "scenario.search=true", f"scenario.rate={asked.rates[0]}"]
    command = [sys.executable, str(IMPORT_PATH / "run.py"), *words, f"hydra.run.dir={folder}"]
    environment = {**os.environ, "PYTHONPATH": str(IMPORT_PATH)}
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return rate_search.read(folder)


def table(compared: Sequence[Compared]) -> Iterator[str]:
    """Markdown: each figure of each rate."""
    yield "| clips per second | metric | predicted | measured | error |"
    yield "|---:|---|---:|---:|---:|"
    for one in compared:
        yield (
            f"| {one.rate:g} | `{one.metric}` | {shown(one.predicted)} | {shown(one.measured)} "
            f"| {shown_error(one)} |"
        )


def shown(value: float | None) -> str:
    """A figure, or that there is none."""
    return "not measured" if value is None else f"{value:.3g}"


def shown_error(one: Compared) -> str:
    """The error in percent of what was measured, or in points of the rate."""
    if one.error is None:
        return "–"
    unit = "points" if one.metric == "goodput" else "%"
    return f"{100 * one.error:+.1f} {unit}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where all runs are kept")
    parser.add_argument("--rates", type=float, nargs="+", required=True, help="clips per second")
    parser.add_argument("--limit", type=float, required=True, help="seconds that a clip may take")
    parser.add_argument("--executor", default="gpu_pinned")
    parser.add_argument("overrides", nargs="*", help="more of the command line of run.py, after --")
    asked = parser.parse_args()
    asked.folder = asked.folder.resolve()
    print(*table(at_rates(asked)), sep="\n")
    for predicted in (True, False):
        found = searched(asked, predicted)
        print(
            f"highest rate, {'predicted' if predicted else 'measured'}: kept {shown(found.highest)}, "
            f"missed {shown(found.missed)} ({len(found.tries)} rates were tried)"
        )


if __name__ == "__main__":
    main()
