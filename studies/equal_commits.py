"""How often two equal commits are called anything: `compare.py --commits HEAD HEAD`, many times in a row.

    python -m studies.equal_commits --output FOLDER --times 10 -- only=color_analysis,cut_analysis

Each comparison has a folder of its own in --output. One that is complete is not made again, and one that
was interrupted goes on, so that the same command continues. Exits with 1 if anything was called.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from clipbench.bench.locations import IMPORT_PATH
from clipbench.reports import terminal


def calls(made: dict[str, Any]) -> list[str]:
    """What a comparison.json calls other than the same or undecided: the metric and analyzers."""
    (found,) = [pair for pair in made["pairs"] if pair["reference"] == made["reference"]]
    rows = [(made["metric"], found["call"])]
    rows += [(each["analyzer"], each["call"]) for moved in made["analyzers"].values() for each in moved]
    return [f"{name} {call}" for name, call in rows if call in ("faster", "slower")]


def run(command: list[str]) -> int:
    """Run a command, without what it prints on stdout; returns its exit code."""
    return subprocess.run(command, stdout=subprocess.DEVNULL).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output", type=Path, default=Path("outputs/equal"), help="the folder of all of them"
    )
    parser.add_argument("--times", type=int, default=10, help="comparisons (default: 10)")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each side (default: 9)")
    parser.add_argument("--commit", default="HEAD", help="compared with itself (default: HEAD)")
    parser.add_argument("settings", nargs="*", help="after --, as for run.py")
    asked = parser.parse_args()
    out = terminal.console()
    wrong = 0
    for number in range(1, asked.times + 1):
        place = asked.output / str(number)
        command = [sys.executable, str(IMPORT_PATH / "compare.py"), "--commits", asked.commit, asked.commit]
        command += ["--rounds", str(asked.rounds), "--output", str(place), "--", *asked.settings]
        if code := run(command):
            return code
        made = json.loads((place / "comparison.json").read_text(encoding="utf-8"))
        called = calls(made)
        wrong += bool(called)
        out.print(f"{number}: {', '.join(called) or 'nothing'} called", highlight=False, markup=False)
    out.print(f"false alarms: in {wrong} of {asked.times} comparisons", highlight=False)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
