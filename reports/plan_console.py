"""A plan on the terminal: the workers, their devices, cores and analyzers, and the memory for each GPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from clipbench.reports.terminal import plain_table


def show(planned: Mapping[str, Any], console: Console) -> None:
    """Print a plan, as `clipbench.bench.planning.description.describe` gives it."""
    workers = f"{planned['workers']} worker{'s' if planned['workers'] > 1 else ''}"
    console.print(
        Text(
            f"\ngrouping={planned['grouping']} executor={planned['executor']} models={planned['models']}: "
            f"{workers} with {planned['threads']} thread{'s' if planned['threads'] > 1 else ''} each\n"
        )
    )
    table = plain_table()
    for column in ("group", "device", "cores", "analyzer", "model", "GPU memory", "reads"):
        table.add_column(column, overflow="fold", no_wrap=column not in ("model", "reads"))
    for group in planned["groups"]:
        cells = [group["name"], group["device"], ",".join(map(str, group["cpus"])) or "any"]
        for each in group["analyzers"]:
            model = ", ".join(each["models"]) or "algorithm"
            need = "–" if each["memory_gb"] is None else f"{each['memory_gb']:g} GB"
            table.add_row(*map(Text, [*cells, each["name"], model, need, ", ".join(each["reads"])]))
            cells = [""] * len(cells)
    console.print(table)
    for note in planned["notes"]:
        console.print(Text(f"\n{note}: it runs without"))
    if not planned["gpus"]:
        console.print(Text("\nThere is no GPU: everything is on the CPU. Nothing was loaded."))
        return
    console.print()
    for gpu in planned["gpus"]:
        console.print(
            Text(
                f"GPU {gpu['index']} ({gpu['name']}, {gpu['memory_gb']:g} GB): "
                f"{gpu['asked_gb']:.1f} GB asked for, CUDA's contexts included"
            )
        )
    console.print(Text("Nothing was loaded."))
