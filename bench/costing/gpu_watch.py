"""How busy a GPU is while a step is taken again and again: NVML's utilisation, and the activity of its SMs.

Verified against recorded answers of NVML only.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from clipbench.bench.probes import nvml
from clipbench.bench.probes.gpm import Gpm
from clipbench.bench.probes.gpu_devices import devices
from clipbench.bench.runs.measurement import NotMeasured

#: Seconds for which a step is repeated: NVML's utilisation is that of up to a second before it is read.
WATCH_S = 1.5


@dataclass(frozen=True)
class GpuUse:
    """Fractions of the time: in which a kernel was executing, and, as a mean, of SMs with work."""

    busy: float
    sm_activity: float

    @property
    def share(self) -> float:
        """The share of the GPU that is filled while it is used."""
        return min(1.0, self.sm_activity / self.busy) if self.busy else 0.0


def watch(work: Callable[[], None], api: Any = None, seconds: float = WATCH_S) -> GpuUse | NotMeasured:
    """What the only GPU of this process does while `work` is done again and again for so many seconds."""
    try:
        api = api or nvml.load()
        with nvml.session(api):
            device = devices(api)[0][0]
            gpm = Gpm(api, device)
            with contextlib.closing(gpm):
                end_s = time.monotonic() + seconds
                while time.monotonic() < end_s:
                    work()
                busy = api.nvmlDeviceGetUtilizationRates(device.handle).gpu / 100
                active = gpm.read()["sm_activity_percent"]
    except nvml.Unavailable as error:
        return NotMeasured(str(error))
    except Exception as error:
        if api is None or not isinstance(error, nvml.errors(api)):
            raise
        return NotMeasured(f"NVML: {error}")
    if isinstance(active, NotMeasured):
        return active
    return GpuUse(busy, active / 100)
