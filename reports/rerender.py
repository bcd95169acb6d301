"""`python -m reports.<kind> RUN`: make a report again from the result of a run."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from clipbench.bench.errors import InputError
from clipbench.bench.runs.results import Result, read


def make_again(what: str, write: Callable[[Result, Path], Path]) -> None:
    """Read the run that the command line names, write its report beside it, and print where that is."""
    parser = argparse.ArgumentParser(description=f"make {what} of an earlier run again")
    parser.add_argument("run", type=Path, help="a result.json or the folder it is in")
    parser.add_argument("--folder", type=Path, help="where to write it (default: beside the result)")
    arguments = parser.parse_args()
    folder = arguments.folder or (arguments.run if arguments.run.is_dir() else arguments.run.parent)
    try:
        print(write(read(arguments.run), folder))
    except InputError as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(f"{folder} cannot take {what}: {error.strerror}")
