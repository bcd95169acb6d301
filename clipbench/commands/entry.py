"""Where the commands begin: signals and streams are seen to before anything else is imported."""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import sys
from typing import NoReturn

from clipbench.commands import interrupts
from clipbench.executors import machine_limits, streams


def run() -> NoReturn:
    """The command `clipbench`."""
    begin("run")


def compare() -> NoReturn:
    """The command `clipbench-compare`."""
    begin("compare")


def plan() -> NoReturn:
    """The command `clipbench-plan`."""
    begin("plan")


def history() -> NoReturn:
    """The command `clipbench-history`."""
    begin("history")


def export() -> NoReturn:
    """The command `clipbench-export`."""
    begin("export")


def truth() -> NoReturn:
    """The command `clipbench-truth`."""
    begin("truth")


def begin(command: str) -> NoReturn:
    """Do what a command is asked for, and exit with its code."""
    interrupts.end_at_once()
    streams.make_forgiving()
    try:
        code = importlib.import_module(f"clipbench.commands.{command}").main()
    except SystemExit as stop:  # argparse
        code = stop.code
        if isinstance(code, str):
            print(code, file=sys.stderr)
    except (OSError, MemoryError, RuntimeError, ImportError) as error:
        if not (line := machine_limits.explain(error)):
            raise
        shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
        print(f"clipbench: {shown}", file=sys.stderr)
        code = 2
    end(code if isinstance(code, int) else int(bool(code)))


def end(code: int) -> NoReturn:
    """Exit, without what libraries do when Python ends: that may crash, or wait for a thread that hangs."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
