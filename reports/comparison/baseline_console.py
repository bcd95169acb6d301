"""Baselines and calibrations on the terminal: what was kept, how the run compares, which analyzers moved."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from clipbench.bench.comparing.calibration import Calibration
from clipbench.bench.runs.baseline_outcome import Compared, Confirmation, Saved, SlowerAnalyzer
from clipbench.reports.terminal import CALL_STYLE, plain_table, safe


def show(outcome: Saved | Compared, console: Console) -> None:
    """Print an outcome of clipbench.bench.comparing.baseline_comparison.conclude."""
    if isinstance(outcome, Saved):
        show_saved(outcome, console)
    else:
        show_compared(outcome, console)


def show_saved(outcome: Saved, console: Console) -> None:
    """Whether the run was kept, and how many there are."""
    kept, needed = outcome.runs, outcome.needed
    if not outcome.saved:
        console.print(f"[bold yellow]baseline: not saved[/]: {safe(outcome.reason)}")
    else:
        more = f"; baseline=compare takes {needed}" if kept < needed else ""
        console.print(f"baseline: saved, {kept} run{'s' if kept > 1 else ''} kept{more}")
        if outcome.busy:
            took = f"other work took {cores(outcome.other_cores)} cores meanwhile"
            console.print(
                f"[yellow]{took}, and a baseline from a busy machine finds large slowdowns only[/]: delete "
                "the file, and save anew when it is quiet"
            )
    console.print(Text(outcome.path), soft_wrap=True)


def show_compared(outcome: Compared, console: Console) -> None:
    """The call, the figures behind it, and the analyzers that moved."""
    style = CALL_STYLE[outcome.call]
    reason = f" ({outcome.reason})" if outcome.reason else ""
    before = f"{outcome.runs} run{'s' if outcome.runs > 1 else ''}, {outcome.samples} repeats"
    console.print(f"\n[{style}]baseline: {outcome.call}[/]{safe(reason)}")
    table = plain_table(outcome.metric, "", "ratio", "95 % interval", "noise", "other cores")
    table.add_row("baseline", f"{outcome.baseline_value:.3g}", Text(f"of {before}", style="dim"))
    for name, one in (("this run", outcome), ("measured again", outcome.confirmation)):
        if one and one.value is not None:
            ratio = [f"{one.ratio:.3f}", interval(one), f"{one.noise:.1%}"] if one.ratio else ["–"] * 3
            table.add_row(name, f"{one.value:.3g}", *ratio, cores(one.other_cores))
    console.print(table)
    for m in outcome.moved:
        console.print(
            f"  [bold]{safe(m.analyzer)}[/] {m.before_s:.3g} s → {m.now_s:.3g} s "
            f"(× {m.ratio:.2f}, {interval(m)})"
        )
    if outcome.call == "slower" and not outcome.moved:
        console.print("  no analyzer moved beyond its own noise: look at decoding and waits in the timeline")
    for change in outcome.since:
        console.print(Text(f"  since the baseline: {change}", style="dim"))
    if outcome.other_cores is None:
        reason = f"  other cores not known, and not corrected for: {outcome.other_cores_reason}"
        console.print(Text(reason, style="dim"))
    console.print(Text(f"  noise floor {outcome.noise_from}", style="dim"))
    if outcome.busy_runs:
        console.print(
            f"  [yellow]other work was going on during {outcome.busy_runs} of the saved runs[/]: delete "
            "the file, and save anew when the machine is quiet"
        )
    console.print(Text(outcome.path), soft_wrap=True)


def interval(one: Compared | Confirmation | SlowerAnalyzer) -> str:
    """The ends of an interval."""
    return f"{one.low:.3f} … {one.high:.3f}"


def cores(others: float | None) -> str:
    """How many cores other work took, or that it is not known."""
    return "not known" if others is None else f"{others:.2f}"


def show_calibration(found: Calibration, path: str, console: Console) -> None:
    """The noise floor, what it was made from, and where it is kept."""
    console.print(f"[bold]noise floor {found.noise:.1%}[/] of {found.metric}: a difference below it is none")
    console.print(
        f"{found.within:.1%} between repeats, {found.between:.1%} between runs; "
        f"cores that other work took meanwhile: {cores(found.other_cores)}"
    )
    if found.other_cores is None:
        console.print(Text(found.other_cores_reason, style="dim"))
    elif found.busy:
        console.print("[yellow]the machine was busy: calibrate again when it is quiet[/]")
    for number, samples in enumerate(found.runs, 1):
        console.print(Text(f"  run {number}  " + "  ".join(f"{s:.4g}" for s in samples), style="dim"))
    console.print(Text(path), soft_wrap=True)
