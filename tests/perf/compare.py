"""python -m tests.perf.compare BEFORE.json AFTER.json: two files of `make bench`, compared for a gate.

pytest-benchmark's own --benchmark-compare-fail ends with 1, as does any failing test. Here 4 means slower and
nothing else: 0 not slower, 2 files that cannot be compared, 4 slower, 5 no benchmark is in both.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from clipbench.bench.errors import Exit, InputError


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Benchmark → what pytest-benchmark saved of it; raises InputError where `path` is no such file."""
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))["benchmarks"]
        return {one["fullname"]: {**one["stats"], "unit": one["extra_info"]["unit"]} for one in saved}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no file of `make bench`: {error!r}") from error


def compared(
    before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]], statistic: str
) -> list[tuple[float, str]]:
    """(ratio after / before, benchmark) of each that is in both, the slowed ones first.

    Raises InputError where the two were not measured in the same unit of work.
    """
    ratios = []
    for name in before.keys() & after.keys():
        if before[name]["unit"] != after[name]["unit"]:
            raise InputError(f"{name} was measured in two units of work: run `make bench` again for both")
        ratios.append((after[name][statistic] / before[name][statistic], name))
    return sorted(ratios, reverse=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--tolerance", type=float, default=0.25, help="how much slower is not slower (0.25)")
    parser.add_argument("--statistic", choices=("median", "min", "mean"), default="median")
    arguments = parser.parse_args()
    try:
        before, after = read(arguments.before), read(arguments.after)
        ratios = compared(before, after, arguments.statistic)
    except InputError as error:
        print(f"compare: {error}", file=sys.stderr)
        return Exit.BAD_INPUT
    slower = [name for ratio, name in ratios if ratio > 1 + arguments.tolerance]
    for ratio, name in ratios:
        print(f"{ratio:8.3f}  {'slower' if name in slower else '      '}  {name}")
    for name in sorted(before.keys() ^ after.keys()):
        print(f"      --          {name} is in one file only")
    if not ratios:
        print("compare: no benchmark is in both files", file=sys.stderr)
        return Exit.NOTHING_VALID
    return Exit.SLOWER if slower else Exit.OK


if __name__ == "__main__":
    sys.exit(main())
