"""All exporters by name, and running them so that one that fails costs no more than its own export."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from clipbench.executors.containing import described, traced
from clipbench.reports.export import mlflow_runs, openmetrics, opentelemetry_spans, tables
from clipbench.reports.export.exporter import Destination, ExportedRun, Exporter, ExportError

#: The names are those of bench/planning/exports.py.
EXPORTERS: dict[str, Exporter] = {
    "csv": tables.to_csv,
    "parquet": tables.to_parquet,
    "openmetrics": openmetrics.write,
    "mlflow": mlflow_runs.write,
    "opentelemetry": opentelemetry_spans.write,
}

log = logging.getLogger(__name__)


def export(
    names: Sequence[str], runs: list[ExportedRun], to: Destination, tell: Callable[[str], None]
) -> list[str]:
    """Export `runs` to each of `names`, and tell what was made; returns a line for each that failed."""
    failed = []
    for name in names:
        try:
            for line in EXPORTERS[name](runs, to):
                tell(line)
        except ExportError as error:
            failed.append(f"export to {name} failed: {error}")
        except Exception as error:  # a server that is not there, a disk that is full, a library's own
            log.info("export to %s failed: %s", name, traced(error))
            failed.append(f"export to {name} failed: {described(error)}")
    return failed
