"""A grouping that was found, on the terminal: the plan, its prediction, why it is no better."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from clipbench.bench.planning.auto.configured import FoundGrouping
from clipbench.bench.planning.auto.explaining import run_prediction
from clipbench.reports import formatting
from clipbench.reports.plan_console import group_table
from clipbench.reports.run.busy_line import of_prediction
from clipbench.reports.run.prediction_rows import heads, prediction_rows, sentences
from clipbench.reports.terminal import plain_table


def show(found: FoundGrouping, console: Console, plan_too: bool = True) -> None:
    """Print what a search found, before it is run; the plan too, unless that is shown elsewhere."""
    planned, prediction = found.planned, run_prediction(found)
    plan, machine = planned.plan, planned.problem.machine
    workers = f"{plan.workers} worker{'s' if plan.workers > 1 else ''}"
    where = f" on the machine {machine.name}" if machine.name else ""
    console.print(
        Text(f"\nfound for {prediction.objective}: {workers} of executor={found.executor}{where}\n", "bold")
    )
    if plan_too:
        console.print(group_table(plan), Text())
    rows = plain_table(*heads(measured=False))
    for row in prediction_rows(prediction):
        rows.add_row(row.metric, Text(row.predicted, style="magenta"), row.interval, row.source)
    console.print(rows, Text())
    for head, said in sentences(prediction):
        console.print(Text(f"{head}: ", style="bold").append(said, style="not bold"))
    busy = of_prediction(planned.prediction)
    console.print(Text("utilisation, predicted: ", style="bold").append(busy, style="not bold"))
    if planned.beside:
        console.print(
            Text("written by hand, predicted: ", style="bold").append(by_hand(found), style="not bold")
        )


def by_hand(found: FoundGrouping) -> str:
    """The groupings that people wrote, each with its value beside that of the one that was found."""
    planned = found.planned
    unit = "late" if planned.problem.objective == "goodput" else "s a clip"
    values = {"this one": planned.value, **planned.beside}
    return ", ".join(
        f"{name} {formatting.number(value)} {unit}" if value is not None else f"{name} does not fit"
        for name, value in values.items()
    )
