"""Baselines and noise floors on the terminal: what was saved, how a run compares, what moved."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from clipbench.bench.comparing.calibration import Calibration
from clipbench.bench.runs.baseline_outcome import Compared, Confirmation, Saved, SlowerAnalyzer
from clipbench.reports.terminal import CALL_STYLE, plain_table, safe


def show(outcome: Saved | Compared, console: Console) -> None:
    """Print what came of `baseline=save` or `baseline=compare`."""
    if isinstance(outcome, Saved):
        show_saved(outcome, console)
    else:
        show_compared(outcome, console)


def show_saved(outcome: Saved, console: Console) -> None:
    """Print whether the run was saved, and how many runs the baseline has."""
    kept, needed = outcome.runs, outcome.needed
    if not outcome.saved:
        console.print(f"[bold yellow]baseline: not saved[/]: {safe(outcome.reason)}")
    else:
        more = f"; baseline=compare requires {needed}" if kept < needed else ""
        console.print(f"baseline: saved, {kept} run{'s' if kept > 1 else ''} kept{more}")
        if outcome.busy:
            console.print(
                f"[yellow]other work took {cores(outcome.other_cores)} cores meanwhile, and a baseline from "
                "a busy machine finds only large slowdowns[/]: delete the file, then save again"
            )
    console.print(Text(outcome.path), soft_wrap=True)


def show_compared(outcome: Compared, console: Console) -> None:
    """Print the call, the figures behind it, and the analyzers that moved."""
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
        console.print(
            "  no analyzer moved beyond its own noise: look at decoding and waiting in the timeline"
        )
    for change in outcome.since:
        console.print(Text(f"  since the baseline: {change}", style="dim"))
    if outcome.other_cores is None:
        reason = f"  other cores not known, and not corrected for: {outcome.other_cores_reason}"
        console.print(Text(reason, style="dim"))
    console.print(Text(f"  noise floor {outcome.noise_from}", style="dim"))
    if outcome.busy_runs:
        console.print(
            f"  [yellow]other work was going on during {outcome.busy_runs} of the saved runs[/]: delete the "
            "file, and save again when the machine is quiet"
        )
    console.print(Text(outcome.path), soft_wrap=True)


def interval(one: Compared | Confirmation | SlowerAnalyzer) -> str:
    """The two ends of an interval."""
    return f"{one.low:.3f} … {one.high:.3f}"


def cores(others: float | None) -> str:
    """How many cores other work took, or that this is not known."""
    return "not known" if others is None else f"{others:.2f}"


def show_calibration(found: Calibration, path: str, console: Console) -> None:
    """Print the noise floor, the runs that it comes from, and where it is stored."""
    console.print(
        f"[bold]noise floor {found.noise:.1%}[/] of {found.metric}: a smaller difference does not count"
    )
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
