"""The cores and the thread budget of this process: one number for every library that starts threads.

ONNX Runtime, PyTorch and OpenCV follow the budget, so that the workers of a run do not start more threads
together than there are cores.
"""

from __future__ import annotations

import os

_budget: int | None = None


def core_numbers() -> tuple[int, ...]:
    """The numbers of the cores that this process may use; empty where the system cannot tell."""
    return tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()


def cores_allowed() -> int:
    """How many cores this process may use, which can be fewer than the machine has."""
    return len(core_numbers()) or os.cpu_count() or 1


def budget() -> int:
    """How many threads a network may use: what `limit` set, or CLIPBENCH_THREADS, or one for each core."""
    if _budget is not None:
        return _budget
    if wanted := os.environ.get("CLIPBENCH_THREADS"):
        return max(1, int(wanted))
    return cores_allowed()


def limit(count: int | None) -> None:
    """Set the thread budget of this process; None restores the defaults.

    Networks that are already open keep the number that they were opened with. Raises ValueError below 1.
    """
    import cv2

    global _budget
    if count is not None and count < 1:
        raise ValueError(f"a thread budget is at least 1, not {count}")
    _budget = count
    cv2.setNumThreads(-1 if count is None else count)
