"""How much memory this process holds, and how much it held at most since it was last asked."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from clipbench.bench.probes import procfs

#: Writing 5 into the first sets the mark that the second one has (proc(5)).
CLEAR, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


def resident_gb() -> float | None:
    """GB (10⁹ bytes) of this process that are resident, or None where the system does not tell."""
    usage = procfs.usage(os.getpid())
    return usage.rss_bytes / 1e9 if usage else None


class Peak:
    """The most that this process holds from now on, above what it holds now."""

    def __init__(self) -> None:
        self.before_gb: float | None = None
        with contextlib.suppress(OSError):
            CLEAR.write_text("5")
            self.before_gb = resident_gb()

    def gb(self) -> float | None:
        """GB on top at the peak; None where the kernel does not let the mark be set."""
        if self.before_gb is None or not (found := re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text())):
            return None
        return max(0.0, int(found[1]) * 1024 / 1e9 - self.before_gb)


def gpu_gb(device: str) -> float | None:
    """GB of the GPU that PyTorch has given to this process; None without a GPU."""
    if not device.startswith("cuda"):
        return None
    import torch

    return torch.cuda.memory_allocated() / 1e9
