"""The command `clipbench-compare`: compare runs, and say which configuration to use."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

import clipbench
from clipbench.bench import invocation

#: The environment variables that this process was given, for runs that are to be measured.
GIVEN = dict(os.environ)
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # nothing here is large enough for threads

EPILOG = """A CANDIDATE is all runs of one configuration:
  outputs/2026-01-31/12-00-00     a run's folder, or the result.json in it
  multirun/2026-01-31/12-00-00    a sweep's folder: a candidate for each job, its rounds pooled
  some/folder                     a folder of runs of one configuration, pooled
  before=outputs/2026-01-30/…     with a name; candidates of the same name are pooled

With --commits two commits of this checkout are measured in turns, and then compared:
  --commits main HEAD -- grouping=two_core executor=gpu_pinned
What follows -- are settings of run.py; repeats=3 are the measured passes of each turn (default: 1).

Written into the output folder: comparison.html, comparison.md, comparison.json; with --commits all runs too.

Exit codes: 0 compared · 2 runs that do not match, or cannot be read · with --gate also 4: a candidate is
slower than the reference, and 5: a candidate has nothing to compare (no result, or lost runs or analyzers);
with --commits 5 also where a commit has no result.
docs/comparing.md has more."""


#: Options that are for `--commits` only.
OF_COMMITS = ("rounds", "timeout", "allow_dirty", "keep")


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line, parsed; exits with 2 if it is wrong, with 0 after --help."""
    parser = argparse.ArgumentParser(
        prog=invocation.program("compare").removeprefix("python "),
        description="Compare runs: what differs beyond noise, which analyzers changed, which to use.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("candidates", nargs="*", metavar="CANDIDATE", help="a run, a sweep, or NAME=PATH")
    parser.add_argument("--reference", metavar="CANDIDATE", help="what ratios are to (default: the first)")
    parser.add_argument(
        "--metric",
        help="what faster and slower are about (default: rtf_warm, or throughput if that was not measured)",
    )
    parser.add_argument(
        "--allow-mismatch", action="store_true", help="compare what does not match too, and mark the report"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="default: outputs/comparisons/<date-time>"
    )
    parser.add_argument("--gate", action="store_true", help="exit with 4 or 5, as below")
    parser.add_argument("--version", action="version", version=f"clipbench {clipbench.__version__}")
    add_commit_options(parser.add_argument_group("two commits in turns"))
    asked = parser.parse_args(argv)
    if asked.commits and asked.reference:
        parser.error("--reference: with --commits it is the first of them")
    if not asked.commits:
        if not asked.candidates:
            parser.error("the following arguments are required: CANDIDATE")
        if given := [
            f"--{name.replace('_', '-')}" for name in OF_COMMITS if getattr(asked, name) is not None
        ]:
            parser.error(f"{given[0]} is for --commits")
    return asked


def add_commit_options(group: argparse._ArgumentGroup) -> None:
    """The options of `--commits`; those that are not given are None."""
    group.add_argument(
        "--commits",
        nargs=2,
        metavar="COMMIT",
        help="branches, tags, hashes, or NAME=COMMIT; the first is the reference",
    )
    group.add_argument("--rounds", type=int, metavar="N", help="turns of each commit (default: 9)")
    group.add_argument(
        "--timeout", type=float, metavar="S", help="seconds after which a turn has failed (default: 3600)"
    )
    for flag, text in (
        (
            "--allow-dirty",
            "measure the commits although there are uncommitted changes, which are not measured",
        ),
        ("--keep", "leave the worktrees and their environments in the output folder"),
    ):
        group.add_argument(flag, action="store_const", const=True, help=text)


def main() -> int:
    """Compare what `sys.argv` names; returns the exit code."""
    asked = arguments()
    if asked.commits:
        from clipbench.commands import commits

        return commits.main(asked, GIVEN)

    import datetime

    from clipbench.bench.comparing import comparison
    from clipbench.bench.errors import Exit, InputError
    from clipbench.bench.runs import folders
    from clipbench.reports import formatting, terminal
    from clipbench.reports.comparison import console as comparison_console
    from clipbench.reports.comparison import files

    stderr = terminal.console(stderr=True)

    def shown(candidates: list[comparison.Candidate]) -> Iterable[comparison.Candidate]:
        return terminal.track(candidates, "comparing")

    stamp = datetime.datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    folder = asked.output or Path(folders.unused(str(Path("outputs", "comparisons", stamp))))
    try:
        with stderr.status("reading the results"):
            candidates = comparison.load(asked.candidates)
        if len(candidates) < 2:
            only = candidates[0].name
            raise InputError(f"{only} is the only candidate; name another run to compare it with")
        made = comparison.compare(candidates, asked.reference, asked.metric, asked.allow_mismatch, shown)
        try:
            with stderr.status("writing the report"):
                paths = files.write(made, folder)
        except OSError as error:
            raise InputError(f"--output: {folder} cannot be written to ({error.strerror})") from error
    except InputError as error:
        print(f"clipbench: {formatting.one_line(str(error))}", file=sys.stderr)
        return Exit.BAD_INPUT
    comparison_console.show(made, terminal.console(), paths)
    return made.exit_code() if asked.gate else Exit.OK
