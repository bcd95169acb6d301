"""The command `clipbench-history`: the runs of a folder, a figure over time, what to keep, what to remove."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import clipbench
from clipbench.bench import invocation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from clipbench.bench.comparing.run_index import Entry

EPILOG = """Runs whose "alike" is the same name had the same machine, clip, analyzers,
settings, grouping and executor, so that they can be compared over time. docs/history.md has more.

Exit codes: 0 done · 2 a folder, a run or a metric that does not exist"""


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line, parsed; exits with 2 if it is wrong, with 0 after --help."""
    parser = argparse.ArgumentParser(
        prog=invocation.program("history").removeprefix("python "),
        description="List the runs of a folder, show a figure over time, keep runs or remove them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"clipbench {clipbench.__version__}")
    commands = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    filtered = argparse.ArgumentParser(add_help=False)
    filtered.add_argument("--in", dest="folder", type=Path, default=Path("outputs"), help="default: outputs")
    for name in ("grouping", "executor", "models", "scenario", "clip", "verdict", "key"):
        filtered.add_argument(f"--{name}", metavar="NAME", help="only these; * and ? stand for any letters")
    filtered.add_argument("--commit", metavar="HASH", help="only this one; its beginning is enough")
    filtered.add_argument("--since", metavar="DATE", help="such as 2026-01-31, or 2026-01-31T12:00")
    filtered.add_argument("--until", metavar="DATE", help="that day, or minute, included")
    commands.add_parser("list", parents=[filtered], help="the runs, oldest first")
    for name, help_text in (
        ("trend", "a figure over time, its steps, trend.html and trend.png"),
        ("best", "of each kind of run the best"),
    ):
        own = commands.add_parser(name, parents=[filtered], help=help_text)
        own.add_argument(
            "--metric", default="rtf_warm", help="default: rtf_warm; analyze_s.NAME of an analyzer"
        )
        if name == "trend":
            own.add_argument("--output", type=Path, metavar="FOLDER", help="default: outputs/trend")
    for name, help_text in (("pin", "keep a run"), ("unpin", "no longer keep it")):
        own = commands.add_parser(name, help=help_text)
        own.add_argument("run", type=Path, nargs="+", help="a run's folder")
    clean = commands.add_parser("clean", parents=[filtered], help="remove old runs; first says which")
    clean.add_argument(
        "--keep", type=int, default=10, metavar="N", help="of each kind the newest (default: 10)"
    )
    clean.add_argument("--yes", action="store_true", help="remove them without asking")
    return parser.parse_args(argv)


def main() -> int:
    """Do what `sys.argv` asks for; returns the exit code."""
    asked = arguments()

    from clipbench.bench.errors import Exit, InputError
    from clipbench.reports import formatting

    try:
        if asked.what in ("pin", "unpin"):
            pin(asked.run, asked.what == "pin")
            return Exit.OK
        HANDLERS[asked.what](asked, found(asked))
    except (InputError, OSError) as error:
        print(f"clipbench: {formatting.one_line(str(error))}", file=sys.stderr)
        return Exit.BAD_INPUT
    return Exit.OK


def found(asked: argparse.Namespace) -> list[Entry]:
    """The runs that the command line is about."""
    from clipbench.bench.comparing import history, run_index
    from clipbench.reports import terminal
    from clipbench.reports.history import console

    def track(paths: Sequence[Path]) -> Iterable[Path]:
        return terminal.track(paths, "reading the runs")

    names = (
        "grouping",
        "executor",
        "models",
        "scenario",
        "clip",
        "verdict",
        "key",
        "commit",
        "since",
        "until",
    )
    metrics = {"list": console.MAIN, "clean": console.MAIN}.get(asked.what) or [asked.metric]
    entries = run_index.runs(asked.folder, track, metrics)
    return history.chosen(entries, **{name: getattr(asked, name) for name in names})


def list_runs(asked: argparse.Namespace, entries: list[Entry]) -> None:
    """Print the runs."""
    from clipbench.reports import terminal
    from clipbench.reports.history import console

    console.show_runs(entries, asked.folder, terminal.console())


def best(asked: argparse.Namespace, entries: list[Entry]) -> None:
    """Print the best of each kind of run."""
    from clipbench.bench.comparing import history
    from clipbench.reports import terminal
    from clipbench.reports.history import console

    history.check_metric(asked.folder, asked.metric)
    console.show_runs(history.best(entries, asked.metric), asked.folder, terminal.console(), [asked.metric])


def trend(asked: argparse.Namespace, entries: list[Entry]) -> None:
    """Print the steps of a figure, and draw it."""
    from clipbench.bench.comparing import history
    from clipbench.bench.errors import InputError
    from clipbench.reports import terminal
    from clipbench.reports.history import console, html

    history.check_metric(asked.folder, asked.metric)
    kinds = history.by_key(entries, asked.metric)
    if not kinds:
        raise InputError(f"no run that counts has measured {asked.metric}: simulated and invalid ones do not")
    series = {key: (alike, history.steps(alike, asked.metric)) for key, alike in kinds.items()}
    screen = terminal.console()
    console.show_trend(series, asked.metric, asked.folder, screen)
    for path in html.write(series, asked.metric, asked.output or Path("outputs", "trend")):
        screen.print(str(path), markup=False, highlight=False, soft_wrap=True)


def pin(runs: list[Path], keep: bool) -> None:
    """Keep these runs whatever is cleaned, or no longer."""
    from clipbench.bench.comparing.history import PIN
    from clipbench.bench.errors import InputError

    for run in runs:
        folder = run.parent if run.name == "result.json" else run
        if not (folder / "result.json").exists():
            raise InputError(f"{run} is not the folder of a run: it has no result.json")
        if keep:
            (folder / PIN).touch()
        else:
            (folder / PIN).unlink(missing_ok=True)


def clean(asked: argparse.Namespace, entries: list[Entry]) -> None:
    """Say which runs would go, and remove them if that is confirmed."""
    from clipbench.bench.comparing import history
    from clipbench.bench.errors import InputError
    from clipbench.reports import terminal
    from clipbench.reports.history import console

    if asked.keep < 0:
        raise InputError(f"--keep={asked.keep} is out of range: it must be 0 or more")
    gone = history.removable(asked.folder, entries, asked.keep)
    screen = terminal.console()
    if not gone:
        screen.print("nothing to remove")
        return
    console.show_runs(gone, asked.folder, screen)
    size_mb = sum(history.size_bytes(asked.folder, entry) for entry in gone) / 1e6
    runs = "1 run" if len(gone) == 1 else f"{len(gone)} runs"
    if not asked.yes and not (sys.stdin.isatty() and agreed(f"remove {runs}, {size_mb:.0f} MB? [y/N] ")):
        screen.print(f"nothing was removed; --yes removes {runs}, {size_mb:.0f} MB")
        return
    history.remove(asked.folder, gone)
    screen.print(f"removed {runs}, {size_mb:.0f} MB")


def agreed(question: str) -> bool:
    """Whether the user says yes."""
    return input(question).strip().lower() in ("y", "yes")


HANDLERS: dict[str, Callable[[argparse.Namespace, list[Entry]], None]] = {
    "list": list_runs,
    "trend": trend,
    "best": best,
    "clean": clean,
}
