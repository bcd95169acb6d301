"""A sweep while it goes on, as a log has it."""

from __future__ import annotations

import io

from rich.console import Console

from clipbench.bench.runs.sweep_state import Turn
from clipbench.bench.sweeping.sweep import Job
from clipbench.reports.formatting import long_duration
from clipbench.reports.live.sweep_progress import sweep_progress


def test_the_display_shows_text_as_text_and_no_bar_in_a_log():
    out = io.StringIO()
    with sweep_progress(Console(file=out, width=40), enabled=True) as display:
        display.began(1, 2, "[red]job", 1, 90.0)
        display.ended(Turn("[red]job", 1, "failed", "[/] it's broken", 2, 61.0, None, None))
        display.ended(Turn("b", 1, "done", "", 0, 7250.0, "rtf_warm", 0.51234))
        display.gave_up("[red]job", "[b]")
        display.budget_over([(2, Job("b", (), {}, {}))], True, "python run.py -m [b]")
    assert out.getvalue().splitlines() == [
        "round 1  [red]job  failed: [/] it's broken  1 min 01 s",
        "round 1  b  rtf_warm 0.512  2 h 00 min",
        "[red]job gets no more turns: [b]",
        "the budget is over: 1 turn is left, of which the first was interrupted; "
        "continue with: python run.py -m [b]",
    ]
    assert long_duration(59.4) == "59 s"
