"""costs.html, costs.md, costs.png and costs.json: costs to show, and to compute with elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from clipbench.bench.planning import cost_store
from clipbench.reports.costs import html, markdown, picture

if TYPE_CHECKING:
    from clipbench.bench.planning.cost_file import KeptCosts


def write(kept: KeptCosts, folder: Path) -> list[Path]:
    """Write the four files into `folder`; returns their paths.

    costs.json is what `costs.file=` reads. Raises OSError if a report, InputError if that cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"costs.{kind}" for kind in ("html", "md", "png", "json")]
    paths[0].write_text(html.render(kept), encoding="utf-8")
    paths[1].write_text(markdown.render(kept), encoding="utf-8")
    picture.draw(kept, paths[2])
    cost_store.write(paths[3], kept)
    return paths
