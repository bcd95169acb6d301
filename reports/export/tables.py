"""CSV and Parquet: a table for runs, metrics, passes, analyzers, analyzers in each pass, and targets."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from clipbench.reports.export import filling
from clipbench.reports.export.exporter import Destination, ExportedRun, Exporter, written_whole
from clipbench.reports.export.rows import Table

if TYPE_CHECKING:
    import pandas


def frame(table: Table) -> pandas.DataFrame:
    """A table as pandas has it: None is NaN in a column of floats, and NA in others."""
    import pandas

    return pandas.DataFrame(
        {
            name: pandas.Series([row[name] for row in table.rows], dtype=kind)
            for name, kind in table.columns.items()
        }
    )


def write(kind: str, runs: list[ExportedRun], to: Destination) -> list[str]:
    """Write the tables of `runs` as files of this kind, "csv" or "parquet"; returns their paths."""
    made = []
    for table in filling.tables(runs):
        path = to.folder / f"{table.name}.{kind}"
        with written_whole(path) as partial_path:
            if kind == "csv":
                frame(table).to_csv(partial_path, index=False, lineterminator="\n")
            else:
                frame(table).to_parquet(partial_path, engine="pyarrow", index=False)
        made.append(str(path))
    return made


to_csv: Exporter = partial(write, "csv")
to_parquet: Exporter = partial(write, "parquet")
