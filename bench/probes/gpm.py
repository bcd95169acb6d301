"""How busy a GPU's SMs were, through NVML's GPU Performance Monitoring (Hopper and later).

Unlike NVML's utilisation, which reads 100 % as soon as one small kernel runs all the time, these figures say
how much of the chip worked. Verified against recorded answers of NVML only.
"""

from __future__ import annotations

import math
from typing import Any

from clipbench.bench.probes.gpu_devices import Device
from clipbench.bench.probes.nvml import Unavailable, attempt, errors
from clipbench.bench.runs.measurement import NotMeasured

#: Figure → NVML's metric: averages over the time between two samples of the counters, in percent.
METRICS = {
    "sm_activity_percent": "NVML_GPM_METRIC_SM_UTIL",
    "sm_occupancy_percent": "NVML_GPM_METRIC_SM_OCCUPANCY",
    "tensor_activity_percent": "NVML_GPM_METRIC_ANY_TENSOR_UTIL",
    "dram_activity_percent": "NVML_GPM_METRIC_DRAM_BW_UTIL",
}
#: NVML requires at least this much time between the two samples.
SHORTEST_S = 0.1


class Gpm:
    """The activity of one device between one call of `read` and the next."""

    def __init__(self, nvml: Any, device: Device) -> None:
        """Take the first sample. Raises Unavailable if the device has no GPM, and NVML's errors."""
        self.nvml, self.device = nvml, device
        if not nvml.nvmlGpmQueryDeviceSupport(device.card).isSupportedDevice:
            raise Unavailable("this GPU has no GPM: it came with Hopper")
        self.before, self.after = nvml.nvmlGpmSampleAlloc(), nvml.nvmlGpmSampleAlloc()
        try:
            self._take(self.before)
        except errors(nvml):
            self.close()
            raise

    def _take(self, into: Any) -> None:
        if self.device.instance is None:
            self.nvml.nvmlGpmSampleGet(self.device.card, into)
        else:
            self.nvml.nvmlGpmMigSampleGet(self.device.card, self.device.instance, into)

    def read(self) -> dict[str, float | NotMeasured]:
        """Each figure since the last call, in percent. Raises NVML's error if there is none at all."""
        nvml = self.nvml
        self._take(self.after)
        query = nvml.c_nvmlGpmMetricsGet_t()
        query.version, query.numMetrics = nvml.NVML_GPM_METRICS_GET_VERSION, len(METRICS)
        query.sample1, query.sample2 = self.before, self.after
        for number, constant in enumerate(METRICS.values()):
            query.metrics[number].metricId = getattr(nvml, constant)
        nvml.nvmlGpmMetricsGet(query)
        self.before, self.after = self.after, self.before
        answers = dict(zip(METRICS, query.metrics, strict=False))
        return {figure: self._value(answer) for figure, answer in answers.items()}

    def _value(self, answer: Any) -> float | NotMeasured:
        if answer.nvmlReturn != self.nvml.NVML_SUCCESS:
            return NotMeasured(f"NVML: {self.nvml.NVMLError(answer.nvmlReturn)}")
        if math.isnan(answer.value):
            return NotMeasured("NVML: GPM's counters gave no number")
        return round(float(answer.value), 2)

    def close(self) -> None:
        """Free the two samples."""
        for sample in (self.before, self.after):
            attempt(self.nvml, self.nvml.nvmlGpmSampleFree, sample)
