"""The command `clipbench-export`: figures of runs for pandas, Prometheus, MLflow and OpenTelemetry."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import clipbench
from clipbench.bench import invocation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from clipbench.bench.planning.exports import ExportConfig
    from clipbench.reports.export.exporter import ExportedRun

EPILOG = """csv and parquet: tables of runs, metrics, passes, analyzers and targets (extra tables)
openmetrics:     metrics.txt, for Prometheus and for CI
mlflow:          a run of MLflow for each run that is not there yet (extra mlflow)
opentelemetry:   a trace of each run, sent to OTEL_EXPORTER_OTLP_ENDPOINT (extra opentelemetry)

Figures of simulated runs are marked as predicted everywhere. docs/exporting.md has more.

Exit codes: 0 exported · 1 an export failed, or a run cannot be read: the others are exported ·
            2 a folder without runs, or a package that is not installed"""
#: What an export that failed exits with.
FAILED = 1


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line, parsed; exits with 2 if it is wrong, with 0 after --help."""
    parser = argparse.ArgumentParser(
        prog=invocation.program("export").removeprefix("python "),
        description="Export the figures of runs for other programs.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="a run, or a folder of runs")
    parser.add_argument(
        "--to", required=True, metavar="WHAT", help="csv, parquet, openmetrics, mlflow, opentelemetry; or a,b"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("outputs", "export"), metavar="FOLDER",
        help="for files; default: outputs/export",
    )  # fmt: skip
    parser.add_argument(
        "--tracking-uri", metavar="URI", help="of MLflow; default: as MLFLOW_TRACKING_URI says"
    )
    parser.add_argument(
        "--experiment", default="clipbench", metavar="NAME", help="of MLflow; default: clipbench"
    )
    parser.add_argument("--version", action="version", version=f"clipbench {clipbench.__version__}")
    return parser.parse_args(argv)


def main() -> int:
    """Export what `sys.argv` names; returns the exit code."""
    asked = arguments()

    from clipbench.bench.errors import Exit, InputError
    from clipbench.bench.planning import exports
    from clipbench.reports import terminal
    from clipbench.reports.export import registry
    from clipbench.reports.export.exporter import Destination

    names = asked.to.split(",")
    try:
        exports.check(names, "--to")
        runs, unread = runs_in(asked.folders)
    except InputError as error:
        complain(str(error))
        return Exit.BAD_INPUT
    screen = terminal.console()

    def tell(line: str) -> None:
        screen.print(line, markup=False, highlight=False, soft_wrap=True)

    to = Destination(asked.output, asked.tracking_uri, asked.experiment)
    failed = registry.export(names, runs, to, tell)
    for line in [*unread, *failed]:
        complain(line)
    return FAILED if unread or failed else Exit.OK


def runs_in(folders: Sequence[Path]) -> tuple[list[ExportedRun], list[str]]:
    """The runs in some folders, oldest first, each once; and a line for each that cannot be read.

    Raises InputError for a folder without runs, and where none can be read.
    """
    from clipbench.bench.errors import InputError
    from clipbench.bench.runs.storage import read_result
    from clipbench.reports import terminal
    from clipbench.reports.export.exporter import ExportedRun

    found: dict[str, ExportedRun] = {}
    unread = []
    for folder in terminal.track(list(each_run(folders)), "reading the runs"):
        try:
            run = ExportedRun(read_result(folder), folder)
        except InputError as error:
            unread.append(str(error))
        else:
            found.setdefault(run.id, run)
    if not found:
        raise InputError(unread[0])
    return sorted(found.values(), key=lambda one: one.result.run.started_at), unread


def each_run(folders: Iterable[Path]) -> Iterable[Path]:
    """The folders of runs that are below some folders. Raises InputError for one that has none."""
    from clipbench.bench.comparing.run_index import run_folders
    from clipbench.bench.errors import InputError

    for folder in folders:
        place = folder.parent if folder.name == "result.json" else folder
        there = sorted(run_folders(place)) if place.is_dir() else []
        if not there:
            raise InputError(f"{folder} has no run: there is no result.json in it")
        yield from there


def complain(line: str) -> None:
    """Print one line on stderr."""
    from clipbench.reports.formatting import one_line

    print(f"clipbench: {one_line(line)}", file=sys.stderr)


def after_run(cfg: ExportConfig, folder: Path) -> list[str]:
    """Export the run in `folder` as its configuration asks; returns the lines that say what was made.

    One that fails is told in a line: the run is complete, and its exit code is its own.
    """
    if not cfg.to:
        return []
    from clipbench.bench.errors import InputError
    from clipbench.bench.runs.storage import read_result
    from clipbench.reports.export import registry
    from clipbench.reports.export.exporter import Destination, ExportedRun

    made: list[str] = []
    try:
        runs = [ExportedRun(read_result(folder), folder)]
        to = Destination(folder / "export", cfg.tracking_uri, cfg.experiment)
        failed = registry.export(cfg.to, runs, to, made.append)
    except InputError as error:
        failed = [str(error)]
    again = f"{invocation.program('export')} {shlex.quote(str(folder))} --to {','.join(cfg.to)}"
    for line in failed:
        complain(f"{line}; the run itself is complete, and {again} tries again")
    return made
