"""`python plan.py machine=… gpus=…`: the best grouping for each machine, and which one is enough."""

from __future__ import annotations

import argparse
import contextlib
import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from clipbench.bench import invocation

if TYPE_CHECKING:
    from clipbench.bench.measuring.machine_choice import MachineAnswer
    from clipbench.bench.planning.config import Config

EPILOG = """machine= and gpus= may name several, with commas. Every other KEY=VALUE is as for run.py. Nothing
runs: everything is predicted by costs, which `plan.py costs` measures. docs/planning.md has more.

Written into the output folder: machines.html, machines.md, machines.json.

Exit codes: 0 answered · 2 bad configuration or input."""
#: What a question has where it does not say otherwise.
DEFAULTS = {"grouping": "auto", "executor": "simulated"}
#: Keys that say what to do with a run.
OF_A_RUN = ("calibrate", "baseline", "profile", "resume")


def arguments(words: list[str]) -> argparse.Namespace:
    """The command line, parsed; exits with 2 if it is wrong, with 0 after --help."""
    parser = argparse.ArgumentParser(
        prog=invocation.program("plan").removeprefix("python "),
        description="Which machine is enough, and how to group the analyzers on it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="machine=h100 gpus=1,2 …")
    parser.add_argument("--write", metavar="NAME", help="keep the grouping as conf/grouping/NAME.yaml")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="default: outputs/machines/<date-time>")
    return parser.parse_intermixed_args(words)


def main(words: list[str]) -> int:
    """Answer the question; returns the exit code."""
    asked = arguments(words)

    from clipbench.bench.errors import Exit, InputError
    from clipbench.bench.measuring import machine_choice
    from clipbench.bench.planning import user_config
    from clipbench.bench.planning.auto import kept
    from clipbench.bench.runs import folders
    from clipbench.reports import terminal
    from clipbench.reports.planning import console, files
    from clipbench.reports.planning import machines as machines_console

    if asked.write is not None:
        kept.place(asked.write)
    if asked.output:
        folders.check_place(asked.output, "--output")
    overrides = user_config.with_user_config(split_out(asked.overrides)[1])
    configurations = list(questions(split_out(asked.overrides)[0], overrides))
    if asked.write and len(configurations) > 1:
        raise InputError(f"--write={asked.write}: there are {len(configurations)} machines; name one")
    command = " ".join([invocation.program("plan"), *words])
    with searching(len(configurations), configurations[0].progress) as searched:
        choice, found = machine_choice.choose(command, configurations, searched)
    if not any(found):
        raise InputError("; ".join(dict.fromkeys(answer.reason for answer in choice.answers)))
    screen = terminal.console()
    if len(found) == 1 and found[0]:
        console.show(found[0], screen)
    stamp = datetime.datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    folder = asked.output or Path(folders.unused(str(Path("outputs", "machines", stamp))))
    try:
        paths = files.write(choice, folder)
    except OSError as error:
        raise InputError(f"--output: {folder} cannot be written to ({error.strerror})") from error
    if asked.write and found[0]:
        paths.append(kept.write(asked.write, found[0], command))
    machines_console.show(choice, screen, paths)
    return Exit.OK


def split_out(words: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    """What machines and numbers of GPUs are asked about, and the other words.

    Raises InputError for a word that is no KEY=VALUE, and for numbers of GPUs that cannot be.
    """
    from clipbench.bench.errors import InputError

    asked: dict[str, list[str]] = {"machine": ["here"], "gpus": [""]}
    others, given = [], False
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise InputError(f"{word} is no KEY=VALUE; see {invocation.program('plan')} --help")
        if key in asked:
            asked[key] = [each.strip() for each in value.strip("[]").split(",")]
            given = given or key == "gpus"
        else:
            others.append(word)
    for count in asked["gpus"] if given else ():
        if not (count.isascii() and count.isdigit() and 1 <= int(count[:5]) <= 1024):
            raise InputError(f"gpus={count} is out of range: it must be 1 to 1024; leave it out for none")
    return asked, others


def questions(asked: dict[str, list[str]], overrides: list[str]) -> Iterator[Config]:
    """The configuration for each machine and number of GPUs."""
    from clipbench.bench.errors import InputError
    from clipbench.bench.planning import config

    given = dict(word.split("=", 1) for word in overrides)
    defaults = [f"{key}={value}" for key, value in DEFAULTS.items() if key not in given]
    for machine in asked["machine"]:
        for gpus in asked["gpus"]:
            size = [f"machine.gpus={gpus}"] if gpus else []
            cfg = config.compose(*defaults, f"machine={machine}", *overrides, *size)
            if not cfg.grouping.search:
                raise InputError(f"grouping={cfg.grouping.name}: plan.py finds one; leave it out")
            if cfg.executor.name != DEFAULTS["executor"]:
                name = cfg.executor.name
                raise InputError(f"executor={name}: nothing is run here; write executor.like={name}")
            if cfg.scenario.search:
                raise InputError("scenario.search=true: plan.py answers for one scenario.rate; leave it out")
            for key, value in (*((key, getattr(cfg, key)) for key in OF_A_RUN), ("faults", cfg.faults.kind)):
                if value:
                    raise InputError(f"{key}={value}: nothing is run here; leave it out")
            yield cfg


@contextlib.contextmanager
def searching(count: int, enabled: bool) -> Iterator:  # type: ignore[type-arg]
    """Shows for how many machines the search is done; gives what is to be told of each answer."""
    from clipbench.reports import terminal

    on = terminal.console(stderr=True)
    with terminal.progress(on, enabled, *terminal.counting_columns()) as display:
        task = display.add_task("searching for groupings", total=count)

        def searched(answer: MachineAnswer) -> None:
            display.advance(task)

        yield searched
