"""What all reports on the terminal use: the console, plain tables, text without markup, progress bars."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import track as rich_track
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from clipbench.reports import formatting

T = TypeVar("T")

#: Columns of a console that is not a terminal: nothing in a log may be cut off.
LOG_WIDTH = 180
#: Status of a target or a verdict → its style.
STATUS_STYLE = {
    "pass": "green",
    "fail": "bold red",
    "incomplete": "yellow",
    "not_measured": "yellow",
    "invalid": "bold yellow",
}
#: Call of a comparison → its style.
CALL_STYLE = {"faster": "green", "slower": "bold red", "same": "dim", "undecided": "yellow"}


class PrintableConsole(Console):
    """A console on which text has no effect but its own: what is invisible or moves the cursor is a picture.

    Whatever a report puts together, it passes here; rich's own codes for colours and cursors are no text.
    """

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            if segment.control or not formatting.UNPRINTABLE.search(segment.text):
                yield segment
            else:
                yield Segment(formatting.printable(segment.text), segment.style)


def console(stderr: bool = False) -> Console:
    """The console of an entry point: as wide as its terminal; in a log, at least LOG_WIDTH columns wide."""
    made = PrintableConsole(stderr=stderr)
    if not made.is_terminal:
        made.width = max(made.width, LOG_WIDTH)
    return made


def safe(text: str) -> str:
    """`text` from outside, such as a file name, for use in a string with rich's markup."""
    return escape(formatting.printable(text))


class PlainTable(Table):
    """A table in whose cells and heads text is text, without markup."""

    def add_column(self, header: RenderableType = "", *others: Any, **options: Any) -> None:
        super().add_column(as_text(header), *others, **options)

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        super().add_row(*map(as_text, cells), **options)


def as_text(cell: Any) -> Any:
    """A cell as it is, or its text without markup and without effect."""
    return Text(formatting.printable(cell)) if isinstance(cell, str) else cell


def plain_table(*columns: str, gap: int = 2, heads: bool = True, expand: bool = False) -> Table:
    """A table without lines, with `gap` spaces between columns; `columns` are heads of unfolded columns."""
    table = PlainTable(
        box=None,
        pad_edge=False,
        header_style="bold",
        padding=(0, gap, 0, 0),
        show_header=heads,
        expand=expand,
    )
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def counting_columns() -> tuple[ProgressColumn, ...]:
    """Columns of a progress display: what it is at, a bar, how many of how many, and for how long."""
    return (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )


@contextlib.contextmanager
def progress(
    on: Console, enabled: bool, *columns: ProgressColumn, frames_per_second: float = 4
) -> Iterator[Progress]:
    """A progress display that disappears at the end; hidden unless `enabled` and `on` is a terminal.

    Few frames a second, since its thread must not take time from what is measured.
    """
    hidden = not enabled or not on.is_terminal
    with Progress(
        *columns, console=on, transient=True, disable=hidden, refresh_per_second=frames_per_second
    ) as display:
        yield display


def track(items: Sequence[T], description: str) -> Iterable[T]:
    """Iterate over `items`, and show on stderr how far that is, if it is a terminal."""
    on = console(stderr=True)
    return rich_track(items, description, console=on, transient=True, disable=not on.is_terminal)
