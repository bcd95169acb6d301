"""python gpu_check.py: measure all that a machine with a GPU has to tell, in one go."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

EPILOG = """Needs no network: weights are random. Writes gpu-check.json after every run and gpu-check.md at
the end, also when it is cut off by Ctrl-C or SIGTERM, with each run's own report in a folder beside them. The
same command resumes a check that was cut off, and begins one that is complete anew.

Exit codes: 0 all runs were made · 2 no GPU, or bad arguments · 5 a run has no result: the table says why."""


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line, parsed."""
    parser = argparse.ArgumentParser(
        prog="gpu_check.py",
        description="Groupings, executors, cleanup modes and scenarios on a GPU, with models=random.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--size", choices=("full", "tiny"), default="full", help="tiny tries it on a CPU")
    parser.add_argument("--repeats", type=int, default=3, help="measured passes of a run (default 3)")
    parser.add_argument(
        "--budget", type=float, default=470, metavar="SECONDS", help="no run goes on after it (default 470)"
    )
    parser.add_argument("--only", default="", metavar="A,B", help="a subset of the analyzers")
    parser.add_argument("--output", type=Path, default=Path("outputs", "gpu-check"), metavar="FOLDER")
    return parser.parse_args(argv)


def main() -> int:
    """Check; returns the exit code."""
    asked = arguments()

    from clipbench.bench.errors import Exit, InputError
    from clipbench.bench.sweeping import gpu_check, gpu_check_state
    from clipbench.reports import terminal
    from clipbench.reports.comparison import gpu_check as report
    from clipbench.reports.live.sweep_progress import sweep_progress

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    command = [Path(sys.executable).name, *sys.argv]
    try:
        gpu_check.refuse_without_gpu(asked.size)
        runs = gpu_check.check_runs(asked.size, asked.repeats, asked.only)
        with sweep_progress(terminal.console(stderr=True), enabled=True) as display:
            check = gpu_check.run_check(runs, asked.output, asked.budget, command, display)
    except InputError as error:
        print(f"clipbench: {error}", file=sys.stderr)
        return Exit.BAD_INPUT
    except (KeyboardInterrupt, SystemExit):
        if (asked.output / gpu_check_state.FILE).exists():
            report.show(gpu_check_state.read(asked.output), asked.output, terminal.console())
        raise
    report.show(check, asked.output, terminal.console())
    return Exit.OK if check.complete else Exit.NOTHING_VALID


if __name__ == "__main__":
    sys.exit(main())
