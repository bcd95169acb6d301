"""`python run.py plan=true`: print who would run what and where, and load nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clipbench.bench.measuring import session
from clipbench.bench.planning import description
from clipbench.bench.planning.auto import configured
from clipbench.reports import plan_console, terminal
from clipbench.reports.live.run_progress import waiting
from clipbench.reports.planning import console as planning_console

if TYPE_CHECKING:
    from rich.console import Console

    from clipbench.bench.planning.config import Config


def describe(cfg: Config, console: Console) -> int:
    """Print the plan of `cfg`; a grouping that is searched for with its prediction. Returns the exit code."""
    session.check(cfg)
    if cfg.grouping.search:
        with waiting(terminal.console(stderr=True), cfg.progress, "searching for a grouping"):
            found = session.searched(cfg)
        assert found is not None
        planning_console.show(found, console, plan_too=False)
        cfg = configured.resolved(cfg, found)
    plan_console.show(description.describe(cfg), console)
    return 0
