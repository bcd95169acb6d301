"""comparison.html, comparison.md and comparison.json: all that is needed to choose a candidate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from clipbench.bench.runs.storage import write_json
from clipbench.reports.comparison import html, markdown
from clipbench.reports.comparison.json import as_json

if TYPE_CHECKING:
    from clipbench.bench.comparing.comparison import Comparison


def write(comparison: Comparison, folder: Path) -> dict[str, Path]:
    """Write the three files into `folder`; returns their paths by html, md and json.

    Raises OSError if a file cannot be written.
    """
    paths = {kind: folder / f"comparison.{kind}" for kind in ("html", "md", "json")}
    folder.mkdir(parents=True, exist_ok=True)
    write_json(paths["json"], as_json(comparison))
    paths["md"].write_text(markdown.render(comparison), encoding="utf-8")
    paths["html"].write_text(html.render(comparison), encoding="utf-8")
    return paths
