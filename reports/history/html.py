"""trend.html: the picture, the steps in words, and every run, in one file that loads nothing else."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

from clipbench.bench.comparing.history import Step
from clipbench.bench.comparing.run_index import Entry
from clipbench.reports.drawing.html_page import template_environment
from clipbench.reports.history import picture
from clipbench.reports.history.console import cell, sentence, title

PAGE, PICTURE = "trend.html", "trend.png"


def write(found: Mapping[str, tuple[list[Entry], list[Step]]], metric: str, folder: Path) -> list[Path]:
    """Write the picture and the page; returns their paths. Raises OSError where that cannot be done."""
    folder.mkdir(parents=True, exist_ok=True)
    picture.draw(found, metric, folder / PICTURE)
    kinds = [
        {
            "title": title(key, series),
            "steps": [(step.difference.call, sentence(series, step)) for step in steps],
            "rows": [(entry, cell(entry, metric)) for entry in reversed(series)],
        }
        for key, (series, steps) in found.items()
    ]
    drawn = base64.b64encode((folder / PICTURE).read_bytes()).decode()
    page = (
        template_environment().get_template("trend.html.j2").render(metric=metric, kinds=kinds, drawn=drawn)
    )
    (folder / PAGE).write_text(page, encoding="utf-8")
    return [folder / PAGE, folder / PICTURE]
