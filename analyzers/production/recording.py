"""Recording work as a CUDA graph, and giving memory back, which must not happen at the same time.

PyTorch's allocator refuses to give memory back while any thread records, and until 2.11 believes for ever
that a recording which failed is still under way (its pull request 180395). So all of this process's
recordings and releases of cached memory take turns here, and what a failed one leaves open is closed.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

#: Hold this while work is recorded or cached memory is given back.
turn = threading.RLock()
#: Objects that have recorded CUDA graphs and may replay them.
recorders: weakref.WeakSet[Any] = weakref.WeakSet()
#: Graphs whose recording failed: PyTorch's allocators may still look at them when they look for a pool.
_failed: list[torch.cuda.CUDAGraph] = []


@cache
def recording_stream(device: str) -> torch.cuda.Stream:
    """The one stream that work is recorded in: each has a workspace of cuBLAS, and PyTorch has only 32."""
    import torch

    cuda: Any = torch.cuda  # its streams have no types
    stream: torch.cuda.Stream = cuda.Stream(device)
    return stream


def attempt(work: Callable[[], None], device: str, owner: object) -> tuple[torch.cuda.CUDAGraph | None, str]:
    """What `work` queues on `device`, as a graph that `owner` may replay, or None and why there is none.

    It is run twice before it is recorded, and all that it reads and writes must stay where it is. Raises
    torch.OutOfMemoryError; after a failure the process can go on as if nothing had been tried.
    """
    import torch

    with turn:
        try:
            graph = _record(work, device)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            return None, str(error).splitlines()[0]
        recorders.add(owner)
        return graph, ""


def _record(work: Callable[[], None], device: str) -> torch.cuda.CUDAGraph:
    import torch

    current, side = torch.cuda.current_stream(device), recording_stream(device)
    graph, pool = torch.cuda.CUDAGraph(), torch.cuda.graph_pool_handle()
    try:
        side.wait_stream(current)
        with torch.cuda.stream(side):
            for _ in range(2):  # libraries allocate and choose kernels at their first calls
                work()
        current.wait_stream(side)
        # Other threads of this process may allocate meanwhile.
        with torch.cuda.graph(graph, pool=pool, stream=side, capture_error_mode="thread_local"):
            work()
    except RuntimeError:  # also that of memory which does not suffice
        _close(graph, pool, device)
        raise
    finally:
        torch.cuda.set_stream(current)  # a recording that fails leaves its own one set
    return graph


def _close(graph: torch.cuda.CUDAGraph, pool: Any, device: str) -> None:
    """End what a recording that failed has begun, as far as PyTorch has not done so itself."""
    import torch

    _failed.append(graph)
    try:
        graph.pool()
    except RuntimeError:  # it did not come to its end, so that the pool is still its own
        index = torch.device(device).index
        index = torch.cuda.current_device() if index is None else index
        for close in ("_cuda_endAllocateToPool", "_cuda_releasePool"):
            try:
                getattr(torch._C, close)(index, pool)
            except (AttributeError, RuntimeError) as error:  # another version, or it has not begun
                log.debug("%s after a recording that failed: %s", close, error)
    graph.reset()


def empty_cache() -> None:
    """Give the GPU memory that PyTorch keeps for later back, when no recording is under way.

    Should the allocator believe that one is, memory stays in use, and the worker goes on.
    """
    import torch

    with turn:
        try:
            torch.cuda.empty_cache()
        except RuntimeError as error:
            if "captures_underway" not in str(error):
                raise
            log.warning("PyTorch gives no memory back after a recording that failed: %s", error)
