"""`python plan.py costs`: measure what the analyzers of a configuration take of this machine, and show it."""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from clipbench.bench import invocation

if TYPE_CHECKING:
    from rich.progress import Progress

    from clipbench.bench.planning.config import Config
    from clipbench.bench.planning.cost_file import KeptCosts

EPILOG = """What is measured, how, and how far off it is: docs/costs.md. It takes minutes, on a quiet machine,
and goes on where it was if it is called again after Ctrl-C. The costs are kept for this machine and profile
in costs.store=FOLDER.

Exit codes: 0 done · 2 bad configuration or input, or a run whose times say nothing."""


def arguments(words: list[str]) -> argparse.Namespace:
    """The command line, parsed; exits with 2 if it is wrong, with 0 after --help."""
    parser = argparse.ArgumentParser(
        prog=f"{invocation.program('plan').removeprefix('python ')} costs",
        description="What each analyzer takes: seconds, threads, memory, and how it bears company.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="as for run.py: models=, clip.path=, only=[…]"
    )
    parser.add_argument(
        "--from", dest="run", type=Path, metavar="RUN", help="read the costs from a run's folder instead"
    )
    parser.add_argument("--show", action="store_true", help="show those that were kept, and measure nothing")
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="for the reports; default: outputs/costs/<date-time>"
    )
    return parser.parse_intermixed_args(words)


def main(words: list[str]) -> int:
    """Measure or read costs, print and write them; returns the exit code."""
    asked = arguments(words)

    from clipbench.bench.errors import Exit, InputError
    from clipbench.bench.measuring import session
    from clipbench.bench.planning import config, user_config
    from clipbench.bench.runs import folders
    from clipbench.reports import terminal
    from clipbench.reports.costs import console, files

    if asked.output:
        folders.check_place(asked.output, "--output")
    overrides = user_config.with_user_config(asked.overrides)
    if wrong := [word for word in overrides if "=" not in word]:
        raise InputError(f"{wrong[0]} is no KEY=VALUE; see {invocation.program('plan')} costs --help")
    cfg = config.compose(*overrides)
    session.check(cfg)
    if asked.run is not None:
        from clipbench.bench.costing import from_run

        kept, where = from_run.read(asked.run), None
    elif asked.show:
        kept, where = shown(cfg), None
    else:
        kept, where = measured(cfg, overrides)
    stamp = datetime.datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    folder = asked.output or Path(folders.unused(str(Path("outputs", "costs", stamp))))
    try:
        paths = files.write(kept, folder)
    except OSError as error:
        raise InputError(f"--output: {folder} cannot be written to ({error.strerror})") from error
    console.show(kept, terminal.console(), [*([where] if where else []), *paths])
    return Exit.OK


def shown(cfg: Config) -> KeptCosts:
    """The costs that a configuration is computed with; what to beware of is printed."""
    from clipbench.bench.planning import cost_store
    from clipbench.bench.planning.plan import make_plan

    kept, lines = cost_store.find(cfg.costs, cfg.models.profile, make_plan(cfg).tasks())
    for line in lines:
        print(f"clipbench: {line}", file=sys.stderr)
    return kept


def measured(cfg: Config, overrides: list[str]) -> tuple[KeptCosts, Path]:
    """The costs of a configuration, measured here, and the file in which they are kept."""
    from clipbench.bench.costing import measure
    from clipbench.bench.errors import Interrupted
    from clipbench.commands import interrupts
    from clipbench.reports import terminal

    check_here(cfg)
    measuring = measure.prepare(cfg, overrides)
    interrupts.accept()
    try:
        with terminal.progress(
            terminal.console(stderr=True), cfg.progress, *terminal.counting_columns()
        ) as display:
            kept = measure.run(measuring, Shown(display))
        interrupts.ignore()
        return kept, measuring.path
    except Interrupted as stop:
        done = len(measuring.found.done)
        print(
            f"clipbench: interrupted; {done} measurements are kept, and the same command goes on with them",
            file=sys.stderr,
        )
        raise SystemExit(stop.code) from stop


def check_here(cfg: Config) -> None:
    """Raise InputError for what is pretended, or read: costs are measured by running, on this machine."""
    from clipbench.bench.errors import InputError
    from clipbench.bench.planning.executor_settings import chosen
    from clipbench.bench.planning.machines import place_of

    executor, _ = chosen(cfg.executor)
    if executor.virtual:
        raise InputError(f"executor={executor.name}: costs are measured by running; leave it out")
    if pretended := cfg.machine.pretended:
        where = place_of(cfg.machine, pretended[0])
        raise InputError(
            f"machine={cfg.machine.name}: costs are measured on this machine ({where}); leave it out"
        )
    if cfg.costs.file is not None:
        raise InputError(f"costs.file={cfg.costs.file}: measured costs are kept in costs.store; leave it out")


class Shown:
    """Shows how far the measuring is."""

    def __init__(self, display: Progress) -> None:
        self.display, self.task = display, display.add_task("loading the analyzers", total=None)

    def unit(self, name: str, number: int, of: int) -> None:
        self.display.update(self.task, description=name, completed=number - 1, total=of)
