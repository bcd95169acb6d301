"""Differences between predictions: they have no noise, but the error of the costs that they rest on."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from statistics import median

from clipbench.bench.comparing.by_run import Sides
from clipbench.bench.comparing.calibration import NoiseFloor
from clipbench.bench.comparing.candidates import Candidate
from clipbench.bench.comparing.statistics import MARGIN, MIN_NOISE, OPPOSITE, Call, Difference
from clipbench.bench.runs.results import Result


def are_predictions(*candidates: Candidate) -> bool:
    """Whether all of these were simulated."""
    return all(one.first.run.simulated is not None for one in candidates)


def error_of(result: Result) -> float | None:
    """How far the costs of a simulated run were from measured times, as a fraction; None if unknown."""
    found = result.run.simulated
    if found is None:
        return None
    return found.residual if found.holdout is None else found.holdout


def floor_of(result: Result) -> NoiseFloor:
    """What stands for the noise floor of a prediction: the error of its costs."""
    error = error_of(result)
    if error is None:
        return NoiseFloor(MARGIN, "predicted by costs whose error is not known")
    return NoiseFloor(max(error, MIN_NOISE), "predicted: the error of its costs, at the median")


def compare_family(family: Mapping[str, Sides], floor: float) -> dict[str, Difference]:
    """The differences of predicted figures, by name: beyond the error of the costs, or not."""
    return {name: compare(sides, floor) for name, sides in family.items()}


def compare(sides: Sides, floor: float) -> Difference:
    """The difference of one predicted figure; its interval is as wide as the error of the costs."""
    first, second = (list(itertools.chain(*runs)) for runs in (sides.reference, sides.other))
    before, now = median(first), median(second)
    ratio = now / before if before else (1.0 if not now else math.inf)
    call: Call
    if not 1 / (1 + floor) <= ratio <= 1 + floor:
        call = "slower" if ratio > 1 else "faster"
        call = OPPOSITE.get(call, call) if sides.better == "higher" else call
        reason = ""
    elif math.isclose(ratio, 1.0, rel_tol=MIN_NOISE):
        call, reason = "same", ""
    else:
        call, reason = "undecided", f"within the error of the costs, {100 * floor:.2g} %"
    ends = ratio / (1 + floor), ratio * (1 + floor)
    return Difference(
        ratio,
        *ends,
        math.nan,
        call,
        (len(first), len(second)),
        floor,
        sides.paired,
        reason,
        sides.runs(),
        predicted=True,
    )
