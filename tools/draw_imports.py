"""Draw which part of clipbench imports which, into docs/architecture.md.

    python -m tools.draw_imports

The drawings are Mermaid diagrams, one of the folders and one of the rooms of `bench/`, between two comments
of the page. An arrow that follows from others is left out of a drawing, and listed below it.
"""

from __future__ import annotations

import graphlib
import sys
from collections.abc import Mapping
from pathlib import Path

import grimp

PAGE = Path(__file__).resolve().parents[1] / "docs" / "architecture.md"
BEGIN, END = "<!-- begin: python -m tools.draw_imports -->", "<!-- end -->"
#: Heading → the package whose parts are drawn below it.
DRAWINGS = {"The folders": "clipbench", "The rooms of `bench/`": "clipbench.bench"}

#: Part → the parts that it imports.
Imports = Mapping[str, set[str]]


def imports_in(graph: grimp.ImportGraph, package: str) -> dict[str, set[str]]:
    """Which of a package's direct parts imports which other, by name; imports for types alone count too."""
    parts = {child: child.rpartition(".")[2] for child in graph.find_children(package) if "__" not in child}
    owner = {
        module: name for child, name in parts.items() for module in (child, *graph.find_descendants(child))
    }
    found: dict[str, set[str]] = {name: set() for name in parts.values()}
    for module, name in owner.items():
        imported = graph.find_modules_directly_imported_by(module)
        found[name] |= {owner[other] for other in imported if other in owner} - {name}
    return found


def ordered(imports: Imports) -> list[str]:
    """The parts, each before what it imports; raises graphlib.CycleError where there is a circle."""
    sorter = graphlib.TopologicalSorter({name: sorted(others) for name, others in sorted(imports.items())})
    return list(sorter.static_order())[::-1]


def reduced(imports: Imports) -> dict[str, set[str]]:
    """The imports without those that others imply: no a → c where there are a → b and b → c."""
    reach: dict[str, set[str]] = {}
    for name in reversed(ordered(imports)):
        reach[name] = set().union(imports[name], *(reach[other] for other in imports[name]))
    return {
        name: {other for other in others if not any(other in reach[between] for between in others)}
        for name, others in imports.items()
    }


def draw(imports: Imports) -> str:
    """A Mermaid diagram, and the list of all imports."""
    shown = reduced(imports)
    names = ordered(imports)
    arrows = [f"    {name} --> {other}" for name in names for other in names if other in shown[name]]
    alone = [
        f"    {name}" for name in names if not imports[name] and not any(name in o for o in imports.values())
    ]
    lists = [
        f"- {name}: {', '.join(other for other in names if other in imports[name]) or 'nothing'}"
        for name in names
    ]
    return "\n".join(
        ["```mermaid", "flowchart TD", *arrows, *alone, "```", "", "What imports what:", "", *lists]
    )


def drawings() -> str:
    """All drawings, under their headings."""
    graph = grimp.build_graph("clipbench", cache_dir=None)
    return "\n\n".join(
        f"### {heading}\n\n{draw(imports_in(graph, package))}" for heading, package in DRAWINGS.items()
    )


def page() -> str:
    """The page with the drawings as they are now."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{drawings()}\n\n{END}{after}"


def main() -> int:
    """Write the page; returns the exit code."""
    try:
        text = page()
    except graphlib.CycleError as error:
        print(f"imports go in a circle: {' → '.join(reversed(error.args[1]))}", file=sys.stderr)
        return 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
