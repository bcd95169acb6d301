"""Twenty analyzers that do nothing, some of them with the results of others: what is left is the harness."""

from __future__ import annotations

from clipbench.analyzers.base import Analyzer

COUNT = 20


class NoOp(Analyzer):
    """Finds nothing, at once."""

    def analyze(self, clip, upstream):
        return []


def made(number: int) -> type[Analyzer]:
    """The n-th: the last four read four others each, so that there is a graph to follow."""
    reads = tuple(f"noop_{number - place:02}" for place in (4, 8, 12, 16)) if number >= 16 else ()
    name = f"noop_{number:02}"
    return type(f"NoOp{number:02}", (NoOp,), {"name": name, "upstream": reads, "__module__": __name__})


for _number in range(COUNT):
    globals()[f"NoOp{_number:02}"] = made(_number)
