"""How clipbench was started, for messages, and how a process of its own starts another one."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from clipbench.bench.locations import IMPORT_PATH, checkout

#: Entry point → its command after an installation, and in a checkout.
COMMANDS = {
    "run": ("clipbench", "python run.py"),
    "compare": ("clipbench-compare", "python compare.py"),
    "plan": ("clipbench-plan", "python plan.py"),
    "history": ("clipbench-history", "python history.py"),
    "export": ("clipbench-export", "python export.py"),
}


def program(entry: Literal["run", "compare", "plan", "history", "export"] = "run") -> str:
    """The command of an entry point, in the way that this process was started.

    It is the installed command where one was used, or where there is no checkout.
    """
    installed, in_checkout = COMMANDS[entry]
    started = Path(sys.argv[0]).name
    return installed if started.startswith("clipbench") or checkout() is None else in_checkout


def command_line() -> list[str]:
    """The words of this run's own command."""
    if program() == "clipbench":
        started = Path(sys.argv[0]).name
        return [started if started.startswith("clipbench-") else "clipbench", *sys.argv[1:]]
    if Path(sys.argv[0]).name == "__main__.py":
        return [Path(sys.executable).name, "-m", "clipbench", *sys.argv[1:]]
    return [Path(sys.executable).name, *sys.argv]


def resumption(command: Sequence[str], setting: str, folder: Path) -> str:
    """The command that goes on with what `command` began in `folder`, which `setting` names."""
    words = [word for word in command if not word.startswith(f"{setting}=")]
    return shlex.join([*words, f"{setting}={literal(folder)}"])


def is_sweep() -> bool:
    """Whether this run's command asks for a sweep."""
    return not {"-m", "--multirun"}.isdisjoint(sys.argv[1:])


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of clipbench in another process; it needs `environment()`.

    With -P the working directory is not on the path, so that no file in it takes a module's place.
    """
    return [sys.executable, "-P", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """The variables of another process: those of this one, with a checkout on Python's path."""
    variables = dict(os.environ)
    if checkout() is not None:
        paths = [str(IMPORT_PATH), variables.get("PYTHONPATH", "")]
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    return variables


def literal(path: Path | str) -> str:
    """A path as a value in Hydra's grammar, whatever characters it has."""
    from hydra.core.override_parser.types import Quote, QuotedString

    text = str(path)
    if "/" in text and re.fullmatch(r"[A-Za-z0-9_./@+-]+", text):  # with a slash, it is no number and no null
        return text
    return QuotedString(text.replace("${", r"\${"), Quote.single).with_quotes()
