"""What a comparison of two commits comes to, in a sentence: is the second slower, and which analyzers are."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from clipbench.bench.comparing.recommendation import Recommendation
from clipbench.reports.comparison import wording

if TYPE_CHECKING:
    from clipbench.bench.comparing.comparison import Comparison

#: Analyzers that the sentence names before it says how many more there are.
NAMED = 5


def concluded(made: Comparison) -> Comparison:
    """The comparison, with this sentence in the place of which configuration to use: both have the same."""
    other = next(one.name for one in made.candidates if one is not made.reference)
    sentence = f"{of_metric(made, other)} {of_analyzers(made, other)}"
    return dataclasses.replace(made, recommendation=Recommendation(None, sentence, {}), of_commits=True)


def of_metric(made: Comparison, other: str) -> str:
    """The call on the metric that is compared."""
    first = made.reference.name
    found = made.pairs.get((first, other))
    if found is None:
        return f"{other} cannot be compared with {first}: {made.metric} was not measured in both."
    if found.call == "undecided":
        return f"Whether {other} differs from {first} in {made.metric} is undecided: {found.reason}."
    call, ratio = wording.call_word(made.metric, found.call), wording.ratio(found)
    than = "as" if call == "same" else "than"
    call = "the same" if call == "same" else call
    beside = f", {found.reason}" if found.reason else ""
    return f"{other} is {call} {than} {first} in {made.metric}: {ratio}{beside}."


def of_analyzers(made: Comparison, other: str) -> str:
    """The analyzers that were called faster or slower, the one that changed most first."""
    moved, _ = wording.split_moved(made.analyzers[other])
    if not moved:
        return "No analyzer moved beyond noise."
    named = [f"{each.analyzer} ×{each.difference.ratio:.3g} {each.difference.call}" for each in moved[:NAMED]]
    more = f" and {len(moved) - NAMED} more" if len(moved) > NAMED else ""
    return f"Analyzers beyond noise: {', '.join(named)}{more}."
