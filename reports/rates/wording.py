"""What a search of rates has found, in words and in the rows of its table."""

from __future__ import annotations

from dataclasses import dataclass

from clipbench.bench.sweeping.rate_search import RateSearch, Try
from clipbench.reports import formatting
from clipbench.reports.formatting import number

#: The columns: a rate, the percentiles of the latency, and what came of it.
HEADS = ("clips per second", "p50", "p95", "p99", "goodput", "in time", "")


@dataclass(frozen=True)
class Row:
    """A rate that was tried, in the words of the table."""

    kept: bool
    cells: tuple[str, ...]
    verdict: str


def rows(search: RateSearch) -> list[Row]:
    """The rates that were tried, the lowest first."""
    return [row(one) for one in sorted(search.tries, key=lambda one: one.rate)]


def row(one: Try) -> Row:
    """One rate."""
    latencies = [number(one.latency.get(name), "s") for name in ("50", "95", "99")]
    goodput = number(one.goodput)
    cells = (number(one.rate), *latencies, goodput, f"{one.in_time} of {one.arrived}")
    return Row(one.kept, cells, "kept" if one.kept else f"missed: {one.reason}")


def limit(search: RateSearch) -> str:
    """The limit that is to be kept: "latency p95 within 30 s"."""
    return f"latency p{search.percentile} within {number(search.latency_limit_s, 's')}"


def answer(search: RateSearch) -> str:
    """What was found, in a sentence."""
    return formatting.headed(found(search), search)


def found(search: RateSearch) -> str:
    """The same, not saying whether it was measured."""
    if search.why_not:
        return search.why_not[:1].upper() + search.why_not[1:] + "."
    if search.highest is None:
        return "The search is not complete."
    keeps = f"{number(search.highest)} clips per second keep {limit(search)}"
    if search.missed is None:
        return f"{keeps}; no higher rate was tried, and none that does not was found."
    return f"{keeps}; {number(search.missed)} do not."
