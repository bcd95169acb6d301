"""How busy the machine was stands beside the verdict of a run, and beside what a comparison recommends."""

from __future__ import annotations

import dataclasses
import io

import pytest
from rich.console import Console

from clipbench.reports import load
from clipbench.reports.comparison import console as comparison_console
from clipbench.reports.comparison import html as comparison_html
from clipbench.reports.comparison import markdown as comparison_markdown
from clipbench.reports.run import console, html, markdown
from tests.support.comparisons import compared
from tests.support.report_results import a_run
from tests.support.stored_results import a_result, times

BUSY = "load: a busy machine: other work took 1.4 of 2 cores"


def beside(other_cores: float | None, reason: str = ""):
    run = a_run()
    run.run.other_cores, run.run.other_cores_reason = other_cores, reason
    return dataclasses.replace(run, environment=dataclasses.replace(run.environment, cores_allowed=2))


def printed(show, *what) -> str:
    out = io.StringIO()
    show(*what, Console(file=out, width=1000))
    return out.getvalue()


def test_beside_the_verdict_of_a_run():
    run = beside(1.4)
    assert f"({run.verdict_reason})\n{BUSY}\n" in printed(console.show, run)
    card = html.render(run).split("</section>")[0]
    assert BUSY in card and "verdict" in card
    assert markdown.render(run).split("\n\n")[2] == BUSY


@pytest.mark.parametrize(
    ("cores", "said"),
    [
        (0.1, "load: other work took 0.1 of 2 cores"),
        (None, "load: what other work took is not known (no counts)"),
    ],
)
def test_a_quiet_machine_is_not_called_busy_nor_one_that_is_not_known(cores, said):
    assert load.of_run(beside(cores, "no counts" if cores is None else "")) == said


def test_beside_what_a_comparison_recommends(tmp_path):
    a = a_result(run={"other_cores": 1.4})
    made = compared(tmp_path, a=a, b=a_result(times(0.5), run={"other_cores": 0.1}))
    said = f"{BUSY} during a; other work took 0.1 of 2 cores during b"
    assert f"{made.recommendation.sentence}\n{said}" in printed(comparison_console.show, made)
    advice = comparison_html.render(made).partition('id="advice"')[2].partition("</section>")[0]
    assert said in advice
    assert said in comparison_markdown.render(made).split("\n\n")[2]
