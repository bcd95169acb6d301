"""rates.html and rates.md, made from rates.json: `python -m clipbench.reports.rates.files FOLDER`."""

from __future__ import annotations

import argparse
from pathlib import Path

from clipbench.bench.errors import InputError
from clipbench.bench.sweeping import rate_search
from clipbench.bench.sweeping.rate_search import PAGE, SUMMARY, RateSearch
from clipbench.reports.rates import html, markdown


def write(search: RateSearch, folder: Path) -> Path:
    """Write both into `folder`; returns the path of the page. Raises InputError if it cannot."""
    try:
        (folder / SUMMARY).write_text(markdown.render(search), encoding="utf-8")
        (folder / PAGE).write_text(html.render(search), encoding="utf-8")
    except OSError as error:
        raise InputError(f"hydra.run.dir: {folder} cannot be written to ({error.strerror})") from error
    return folder / PAGE


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="make the pages of an earlier search of rates again")
    parser.add_argument("folder", type=Path, help="the folder of the search")
    folder = parser.parse_args().folder
    try:
        print(write(rate_search.read(folder), folder))
    except InputError as error:
        parser.error(str(error))
