"""machines.html, machines.md and machines.json: which machine is enough, to show to others and to scripts."""

from __future__ import annotations

from pathlib import Path

from clipbench.bench.measuring.machine_choice import MachineChoice
from clipbench.bench.runs.serialization import to_json
from clipbench.bench.runs.storage import write_json
from clipbench.reports.drawing.html_page import template_environment
from clipbench.reports.markdown_text import escape, table
from clipbench.reports.planning.machine_rows import HEADS, LEGEND, cells, groupings, notes

SCHEMA = 1


def write(choice: MachineChoice, folder: Path) -> list[Path]:
    """Write the three files into `folder`; returns their paths. Raises OSError if one cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"machines.{kind}" for kind in ("html", "md", "json")]
    paths[0].write_text(html(choice), encoding="utf-8")
    paths[1].write_text(markdown(choice), encoding="utf-8")
    write_json(paths[2], {"schema": SCHEMA, "predicted": True, **to_json(choice)})
    return paths


def html(choice: MachineChoice) -> str:
    """The page, in one file that loads nothing from elsewhere."""
    template = template_environment().get_template("machines.html.j2")
    return template.render(
        choice=choice,
        heads=HEADS,
        rows=[(number == choice.take, cells(answer)) for number, answer in enumerate(choice.answers)],
        legend=LEGEND,
        notes=notes(choice),
        groupings=groupings(choice),
    )


def markdown(choice: MachineChoice) -> str:
    """The answers in GitHub's Markdown."""
    parts = [
        "## clipbench: which machine is enough (predicted, by costs; nothing ran)",
        f"`{choice.question}`",
        f"**{escape(choice.advice, 2000)}**",
        table(list(HEADS), [[escape(cell, 600) for cell in cells(answer)] for answer in choice.answers]),
        escape(LEGEND, 1000),
        "\n".join(f"- {escape(line, 600)}" for line in notes(choice)),
    ]
    for machine, groups in groupings(choice):
        parts.append(
            f"**Grouping for {escape(machine)}**\n\n"
            + table(["group", "analyzers"], [list(map(escape, g)) for g in groups])
        )
    return "\n\n".join(filter(None, parts)) + "\n"
