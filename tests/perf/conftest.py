"""What the benchmarks in bench_*.py share: `measure`, which divides each time by that of a fixed work.

A time in seconds says as much of the machine, and of who else is using it, as of the code. So a unit of work
that never changes (`unit_of_work`) is timed before and after every round, and what pytest-benchmark keeps,
shows and compares is round / unit: "1.5" takes as long as one and a half units. docs/ci.md shows what that is
good for. The seconds are in the JSON's `extra_info`.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from itertools import pairwise
from statistics import mean
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import numpy as np

#: Changes whenever `unit_of_work` does: what was divided by another unit cannot be compared.
UNIT = 1


@functools.cache
def materials() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the unit works on: a matrix, and two blocks of 16 MB."""
    import numpy as np

    blocks = np.ones((2, 16_000_000), np.uint8)
    return np.full((320, 320), 0.5, np.float32), blocks[0], blocks[1]


def unit_of_work() -> float:
    """Seconds that a fixed mix takes, in about equal parts: matrix products, copying memory, pure Python."""
    matrix, source, target = materials()
    begun = time.perf_counter()
    for _ in range(4):
        matrix @ matrix
    for _ in range(5):
        target[:] = source
    total = 0
    for number in range(60_000):
        total += number & 7
    return time.perf_counter() - begun


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("clipbench")
    group.addoption("--quick", action="store_true", help="few rounds: for a look, not for a comparison")
    group.addoption(
        "--slow",
        metavar="ANALYZER=SECONDS",
        help="let this analyzer take so much longer, to see a comparison fail",
    )


@pytest.fixture(scope="session")
def quick(request) -> bool:
    """Whether only a look is asked for."""
    return request.config.getoption("--quick")


@pytest.fixture
def measure(benchmark, quick) -> Callable[..., None]:
    """`measure(work, prepare=, rounds=)`: benchmarks `work(*prepare())`, in units; `prepare` is not timed."""

    def run(work: Callable[..., Any], prepare: Callable[[], tuple] = tuple, rounds: int = 9) -> None:
        from threadpoolctl import threadpool_limits

        units: list[float] = []

        def setup() -> tuple[tuple, dict]:
            arguments = prepare()
            units.append(unit_of_work())
            return arguments, {}

        with threadpool_limits(1):  # whose turn it is on which core is not what is measured
            benchmark.pedantic(work, setup=setup, rounds=2 if quick else rounds, warmup_rounds=1)
            units.append(unit_of_work())
        if not benchmark.enabled:
            return
        around, kept = units[1:], benchmark.stats.stats  # the first was before the warm-up
        benchmark.extra_info |= {"unit": UNIT, "unit_s": around, "seconds": list(kept.data)}
        kept.data = [
            seconds / mean(units) for seconds, units in zip(kept.data, pairwise(around), strict=True)
        ]

    return run


@pytest.hookimpl
def pytest_benchmark_scale_unit(unit: str) -> tuple[str, float]:
    """Shown as they are: the times are no seconds any more."""
    return ("work unit", 1.0) if unit == "seconds" else ("per work unit; ", 1.0)


def pytest_benchmark_compare_machine_info(benchmarksession, compared_benchmark) -> None:
    """Refuse what was divided by another unit; another machine is what the unit is for."""
    for saved in compared_benchmark["benchmarks"]:
        if saved["extra_info"].get("unit") != UNIT:
            raise pytest.UsageError(f"{saved['fullname']} was measured in another unit of work: save it anew")
