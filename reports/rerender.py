"""Making a report of an earlier run again: `python -m clipbench.reports.run.html RUN`, for example."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from clipbench.bench.errors import InputError
from clipbench.bench.runs.results import Result
from clipbench.bench.runs.storage import read_result


def rerender(name: str, write: Callable[[Result, Path, Path], Path]) -> None:
    """Read the run that the command line names, write its report `name` beside it, and print the path.

    `write` gets the result, the folder to write into, and the one that the result is in.
    """
    parser = argparse.ArgumentParser(description=f"make {name} of an earlier run again")
    parser.add_argument("run", type=Path, help="a result.json or the folder it is in")
    parser.add_argument("--folder", type=Path, help="where to write it (default: beside the result)")
    arguments = parser.parse_args()
    run = arguments.run if arguments.run.is_dir() else arguments.run.parent
    folder = arguments.folder or run
    try:
        print(write(read_result(arguments.run), folder, run))
    except InputError as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(f"{folder}: {name} cannot be written there: {error.strerror}")
