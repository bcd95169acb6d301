"""How many items a back end runs at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator

from clipbench.analyzers.production import torch_device

#: The share of the free memory that one batch may use: other workers may need some of it at the same time.
SHARE = 0.5


def fitting_batch(wanted: int, item_mb: float, device: str) -> int:
    """`wanted`, or as many items of `item_mb` megabytes of activations as fit into memory, at least one.

    What fits is SHARE of the memory that the driver says is free, or that executor.memory_fraction leaves to
    this process, and of the memory that PyTorch keeps without using it.
    """
    if not torch_device.on_gpu(device):
        return wanted
    import torch

    free, total = torch.cuda.mem_get_info(device)
    reserved = torch.cuda.memory_reserved(device)
    fraction = torch.cuda.get_per_process_memory_fraction(torch.device(device).index)
    available = max(0, min(free, fraction * total - reserved))
    kept = reserved - torch.cuda.memory_allocated(device)
    return max(1, min(wanted, int(SHARE * (available + kept) / (item_mb * 1e6))))


def batches(count: int, size: int) -> Iterator[slice]:
    """Slices of at most `size` that cover `count` items."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def equal_batch(count: int, most: int) -> int:
    """The size of nearly equal batches that cover `count` items in as few runs as `most` per run allows."""
    return math.ceil(count / math.ceil(count / most))
