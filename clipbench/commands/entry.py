"""Where the commands begin: signals and streams are seen to before anything else is imported."""

from __future__ import annotations

import importlib
import sys
from typing import NoReturn

from clipbench.commands import interrupts
from clipbench.executors import streams


def run() -> NoReturn:
    """The command `clipbench`."""
    begin("run")


def compare() -> NoReturn:
    """The command `clipbench-compare`."""
    begin("compare")


def truth() -> NoReturn:
    """The command `clipbench-truth`."""
    begin("truth")


def begin(command: str) -> NoReturn:
    """Do what a command is asked for, and exit with its code."""
    interrupts.end_at_once()
    streams.make_forgiving()
    sys.exit(importlib.import_module(f"clipbench.commands.{command}").main())
