"""`python run.py scenario.search=true`: find the highest rate of clips that keeps the limit on latency."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from clipbench.bench import invocation
from clipbench.bench.errors import Exit, Interrupted
from clipbench.bench.measuring import session
from clipbench.bench.runs import folders, remeasure, storage
from clipbench.bench.runs.results import Result
from clipbench.bench.sweeping import rate_search
from clipbench.bench.sweeping.rate_search import Try
from clipbench.commands import interrupts
from clipbench.reports import terminal
from clipbench.reports.formatting import one_line
from clipbench.reports.live.run_progress import waiting
from clipbench.reports.rates import console as rates_console
from clipbench.reports.rates import files

if TYPE_CHECKING:
    from clipbench.bench.planning.config import Config


def search(cfg: Config, folder: Path, console: Console) -> int:
    """Search the highest rate, each in a fresh process below `folder`; returns the exit code."""
    prepared = session.prepare(cfg, folder)
    title = f"grouping={cfg.grouping.name} executor={cfg.executor.name} models={cfg.models.profile}"
    begun = rate_search.begin(prepared, title, shlex.join(invocation.command_line()))
    folders.claim(folder)

    def measure(rate: float, place: Path) -> tuple[Result, float]:
        with waiting(terminal.console(stderr=True), cfg.progress, f"{rate:g} clips per second"):
            return rate_search.run_at(rate, place)

    def tell(one: Try) -> None:
        rates_console.show_try(one, console, prepared.plan.pretended is not None)

    interrupts.accept()
    resumption = invocation.resumption(invocation.command_line(), "hydra.run.dir", folder)
    try:
        found = rate_search.search(begun, folder, measure, tell)
        interrupts.ignore()
    except Interrupted as stop:
        print(f"clipbench: interrupted; continue with: {one_line(resumption)}", file=sys.stderr)
        return stop.code
    except remeasure.Unmeasured as error:
        line = f"{one_line(str(error))}; continue with: {one_line(resumption)}"
        print(f"clipbench: {line}", file=sys.stderr)
        return Exit.NOTHING_VALID
    rates_console.show(found, console, files.write(found, folder))
    storage.link_latest(folder, Path("outputs"))
    if found.why_not:
        print(f"clipbench: {one_line(found.why_not)}", file=sys.stderr)
        return Exit.NOTHING_VALID
    return Exit.OK
