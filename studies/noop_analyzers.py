"""Analyzers that do nothing, as a plugin: what is left is the work around them."""

from __future__ import annotations

from clipbench.analyzers.base import Analyzer

MOST = 400


def name_of(number: int) -> str:
    """What the n-th is called."""
    return f"noop_{number:03}"


def reads(number: int) -> tuple[int, ...]:
    """Whose results the n-th reads: the last four of each twenty read four others each."""
    return tuple(number - back for back in (4, 8, 12, 16)) if number % 20 >= 16 else ()


class NoOp(Analyzer):
    """Finds nothing, at once."""

    def analyze(self, clip, upstream):
        return []


for _number in range(MOST):
    _own = {
        "name": name_of(_number),
        "upstream": tuple(map(name_of, reads(_number))),
        "__module__": __name__,
    }
    globals()[f"NoOp{_number:03}"] = type(f"NoOp{_number:03}", (NoOp,), _own)
