"""What the PyTorch networks of a worker share: its thread budget, and a lock for building them."""

from __future__ import annotations

import threading

from clipbench.analyzers import threads

#: Hold this while a network is built: libraries change PyTorch's default type meanwhile, for all threads.
building = threading.RLock()


def use_thread_budget() -> None:
    """Let PyTorch start no more threads than the worker's thread budget allows."""
    import torch

    torch.set_num_threads(threads.budget())
