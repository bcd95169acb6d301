"""python gpu_check.py: measure all that a machine with a GPU has to tell, in one go."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

EPILOG = """Needs no network: weights are random. The most telling run comes first. gpu-check.json and
gpu-check.md are written after every run, with each run's own report in a folder beside them, and stay when
the check is cut off. The same command resumes such a check, and begins one that is complete anew.

Exit codes: 0 all runs were made · 2 no GPU, or bad arguments · 5 a run has no result: the table says why."""


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line, parsed."""
    from clipbench.bench.enough import ENOUGH

    parser = argparse.ArgumentParser(
        prog="gpu_check.py",
        description="Groupings, executors, cleanup modes and scenarios on a GPU, with models=random.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--size", choices=("full", "tiny"), default="full", help="tiny tries it on a CPU")
    parser.add_argument(
        "--repeats", type=int, default=ENOUGH, help=f"measured passes of a run (default {ENOUGH})"
    )
    parser.add_argument(
        "--budget", type=float, default=470, metavar="SECONDS", help="no run goes on after it (default 470)"
    )
    parser.add_argument("--only", default="", metavar="A,B", help="a subset of the analyzers")
    parser.add_argument("--output", type=Path, default=Path("outputs", "gpu-check"), metavar="FOLDER")
    parser.add_argument(
        "--copy",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="have gpu-check.json and gpu-check.md grow there too",
    )
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="settings of run.py for every run")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Check; returns the exit code."""
    asked = arguments(argv)

    from clipbench.bench.errors import Exit, InputError
    from clipbench.bench.sweeping import gpu_check, gpu_check_runs, gpu_check_state
    from clipbench.reports import terminal
    from clipbench.reports.comparison import gpu_check as report
    from clipbench.reports.live.sweep_progress import sweep_progress

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    command = [Path(sys.executable).name, *sys.argv]
    pages = (asked.output, *asked.copy)
    try:
        gpu_check.refuse_without_gpu(asked.size)
        runs = gpu_check_runs.check_runs(asked.size, asked.repeats, asked.only, asked.overrides)
        with sweep_progress(terminal.console(stderr=True), enabled=True) as display:
            told = gpu_check.Told(display, lambda check: report.write(check, pages), tuple(asked.copy))
            check = gpu_check.run_check(runs, asked.output, asked.budget, command, told)
    except InputError as error:
        print(f"clipbench: {error}", file=sys.stderr)
        return Exit.BAD_INPUT
    except (KeyboardInterrupt, SystemExit):
        if (asked.output / gpu_check_state.FILE).exists():
            done = gpu_check_state.read(asked.output)
            gpu_check.write_with_copies(
                done, asked.output, asked.copy
            )  # the end may have come between two copies
            report.write(done, asked.copy)
            report.show(done, asked.output, terminal.console())
        raise
    report.show(check, asked.output, terminal.console())
    return Exit.OK if check.complete else Exit.NOTHING_VALID


if __name__ == "__main__":
    sys.exit(main())
