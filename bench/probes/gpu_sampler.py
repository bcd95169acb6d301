"""Sampling of GPUs through NVML: memory, utilisation, power, clocks, and activity of the SMs.

It runs inside the sampler's process (probes.sampler). Every call is guarded: a figure that cannot be had
gets a reason, and the others go on.

Untested on hardware: written against NVML's documentation and nvidia-ml-py 13, tested with recorded answers
only. What a call costs on a real driver is not known; `telemetry.sampler.gpu_cpu_s` of a run says it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from clipbench.bench.probes import gpm, nvml
from clipbench.bench.probes.nvml import Device, Unavailable

#: Figure → what it is. A sample of one marked "since" speaks for the time since the sample before it.
FIGURES = {
    "memory_used_bytes": "memory in use on the device, by anyone",
    "process_memory_bytes": "process id (as the driver numbers them) → its memory, null where it is hidden",
    "utilization_percent": "since: time with a kernel running, from the samples that the driver buffers",
    "utilization_rate_percent": "the same by nvmlDeviceGetUtilizationRates: over its last 1/6 to 1 s",
    "power_w": "power of the card",
    "energy_j": "energy used by the card since the driver was loaded",
    "sm_clock_mhz": "clock of the SMs",
    "memory_clock_mhz": "clock of the memory",
    "throttle_reasons": "why the clocks are not at their highest",
    "sm_activity_percent": "since: SMs with a warp resident (GPM)",
    "sm_occupancy_percent": "since: resident warps of those that would fit (GPM)",
    "tensor_activity_percent": "since: time in tensor operations of any kind (GPM)",
    "dram_activity_percent": "since: memory bandwidth of that which there is (GPM)",
}
THROTTLES = (
    "GpuIdle", "ApplicationsClocksSetting", "SwPowerCap", "HwSlowdown", "SyncBoost", "SwThermalSlowdown",
    "HwThermalSlowdown", "HwPowerBrakeSlowdown", "DisplayClockSetting",
)  # fmt: skip
#: Field of NVML's value union, by NVML_VALUE_TYPE.
VALUE_FIELDS = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")
#: A buffered sample further than this from the wall clock was not timed by it.
CLOCK_TOLERANCE_S = 60


class DeviceSampler:
    """The samples of one device; `api` is pynvml."""

    def __init__(self, api: Any, device: Device) -> None:
        self.api, self.device = api, device
        self.figures: dict[str, dict[str, list[Any]]] = {}
        self.reasons: dict[str, str] = {}
        #: No permission, no such function, not on this chip: asking again costs and gives nothing.
        self.permanent = {
            api.NVML_ERROR_NOT_SUPPORTED,
            api.NVML_ERROR_NO_PERMISSION,
            api.NVML_ERROR_FUNCTION_NOT_FOUND,
            api.NVML_ERROR_INVALID_ARGUMENT,
        }
        self.hopeless: set[str] = set()
        self.newest_us = int(time.time() * 1e6)
        self.keep("utilization_percent", None)  # from here on the first sample speaks
        self.gpm = None
        self.gpm_s = time.monotonic()
        try:
            self.gpm = gpm.Gpm(api, device)
        except Unavailable as unavailable:
            self.reasons.update(dict.fromkeys(gpm.METRICS, str(unavailable)))
        except nvml.errors(api) as error:
            self.reasons.update(dict.fromkeys(gpm.METRICS, f"NVML: {error}"))
        else:
            for figure in gpm.METRICS:
                self.keep(figure, None, self.gpm_s)

    def keep(self, figure: str, value: Any, t: float | None = None) -> None:
        """Add one sample, of now or of `t`. A null only says from when on the next one speaks."""
        kept = self.figures.setdefault(figure, {"times_s": [], "values": []})
        kept["times_s"].append(time.monotonic() if t is None else t)
        kept["values"].append(value)

    def ask(self, figure: str, call: Callable[..., Any], *arguments: Any) -> Any:
        """What a call of NVML returns; where it refuses None, and the reason is kept."""
        if figure in self.hopeless:
            return None
        try:
            return call(*arguments)
        except nvml.errors(self.api) as error:
            self.reasons[figure] = f"NVML: {error}"
            if getattr(error, "value", None) in self.permanent or not isinstance(error, self.api.NVMLError):
                self.hopeless.add(figure)
            return None

    def sample(self, slow: bool) -> None:
        """Memory and energy now, and, if `slow`, everything else."""
        if memory := self.ask("memory_used_bytes", self.api.nvmlDeviceGetMemoryInfo, self.device.handle):
            self.keep("memory_used_bytes", memory.used)
        # A window of analysis begins and ends between two readings of the counter.
        energy = self.ask("energy_j", self.api.nvmlDeviceGetTotalEnergyConsumption, self.device.card)
        if energy is not None:
            self.keep("energy_j", energy / 1e3)
        if slow:
            self.sample_utilization()
            self.sample_processes()
            self.sample_card()
            self.sample_activity()

    def sample_utilization(self) -> None:
        """What the driver buffered since the last time, and its own summary of the moment."""
        figure = "utilization_percent"
        kind, samples = self.ask(figure, self.buffered) or (0, [])
        wall, now = time.time(), time.monotonic()
        for sample in samples:
            if abs(sample.timeStamp / 1e6 - wall) > CLOCK_TOLERANCE_S:
                self.reasons[figure] = "the times of the driver's samples are not on the wall clock"
            elif sample.timeStamp > self.newest_us:
                self.newest_us = sample.timeStamp
                value = getattr(sample.sampleValue, VALUE_FIELDS[kind])
                self.keep(figure, float(value), now + sample.timeStamp / 1e6 - wall)
        figure, rates = "utilization_rate_percent", self.api.nvmlDeviceGetUtilizationRates
        if (rate := self.ask(figure, rates, self.device.handle)) is not None:
            self.keep(figure, float(rate.gpu))

    def buffered(self) -> tuple[int, list[Any]]:
        """Type of the values, and the samples that are newer than the newest we have."""
        kind = self.api.NVML_GPU_UTILIZATION_SAMPLES
        try:
            return self.api.nvmlDeviceGetSamples(self.device.handle, kind, self.newest_us)
        except self.api.NVMLError_NotFound:  # nothing new
            return self.api.NVML_VALUE_TYPE_UNSIGNED_INT, []

    def sample_processes(self) -> None:
        """Memory by process: what a container hides stays unknown."""
        figure = "process_memory_bytes"
        running = self.ask(figure, self.api.nvmlDeviceGetComputeRunningProcesses, self.device.handle)
        if running is None:
            return
        memory = {process.pid: process.usedGpuMemory for process in running}
        if None in memory.values():
            self.reasons[figure] = "NVML does not tell the memory of each process here, as in many containers"
        self.keep(figure, memory)

    def sample_card(self) -> None:
        """Power and clocks: in MIG mode those of the whole card."""
        api, card = self.api, self.device.card
        readings: tuple[tuple[str, Callable[[], Any]], ...] = (
            ("power_w", lambda: api.nvmlDeviceGetPowerUsage(card) / 1e3),
            ("sm_clock_mhz", lambda: api.nvmlDeviceGetClockInfo(card, api.NVML_CLOCK_SM)),
            ("memory_clock_mhz", lambda: api.nvmlDeviceGetClockInfo(card, api.NVML_CLOCK_MEM)),
            ("throttle_reasons", lambda: self.throttles(api.nvmlDeviceGetCurrentClocksEventReasons(card))),
        )
        for figure, call in readings:
            if (value := self.ask(figure, call)) is not None:
                self.keep(figure, value)

    def throttles(self, mask: int) -> list[str]:
        """The names of the bits that are set."""
        return [name for name in THROTTLES if mask & getattr(self.api, f"nvmlClocksEventReason{name}")]

    def sample_activity(self) -> None:
        """What GPM counted since the last reading."""
        now = time.monotonic()
        if self.gpm is None or now - self.gpm_s < gpm.SHORTEST_S:
            return
        for figure, value in (self.ask("sm_activity_percent", self.gpm.read) or {}).items():
            if isinstance(value, float):
                self.keep(figure, value, now)
                self.gpm_s = now
            else:
                self.reasons[figure] = f"NVML: {value}"

    def series(self) -> dict[str, Any]:
        """This device, its samples, and for every figure that has none the reason."""
        for figure in FIGURES:
            if all(value is None for value in self.figures.get(figure, {"values": []})["values"]):
                self.figures.pop(figure, None)
                shared = self.reasons.get("sm_activity_percent") if figure in gpm.METRICS else None
                self.reasons.setdefault(figure, shared or "NVML had no sample of it during the run")
        return {**self.device.describe(self.api), "figures": self.figures, "reasons": self.reasons}


class GpuSampler:
    """The samples of all devices of this run. Nothing here raises: what fails leaves a reason."""

    def __init__(self, api: Any = None, environ: Mapping[str, str] = os.environ) -> None:
        self.api, self.environ = api, environ
        self.devices: list[DeviceSampler] = []
        self.series: dict[str, Any] = {}
        #: CPU seconds that NVML took, loading it included.
        self.cpu_s = 0.0
        self.until_closed = ExitStack()
        self._guard(self._open)

    def _guard(self, work: Callable[[], None]) -> None:
        """Do `work`; if it fails, GPUs are not sampled any more, and all else goes on."""
        if "reason" in self.series:
            return
        began = time.process_time()
        try:
            work()
        except Unavailable as unavailable:
            self.series = {"reason": str(unavailable)}
        except Exception as error:
            self.series = {"reason": f"the sampling of GPUs failed: {type(error).__name__}: {error}"}
        if "reason" in self.series:
            self.until_closed.close()
        self.cpu_s += time.process_time() - began

    def _open(self) -> None:
        self.api = self.api or nvml.load()
        self.until_closed.enter_context(nvml.session(self.api))
        found, warnings = nvml.visible(self.api, self.environ)
        self.series = nvml.system(self.api, self.environ, warnings)
        for device in found:
            self.devices.append(sampler := DeviceSampler(self.api, device))
            if sampler.gpm is not None:
                self.until_closed.callback(sampler.gpm.close)

    def sample(self, slow: bool) -> None:
        """Sample every device: memory and energy, and, if `slow`, everything else."""

        def work() -> None:
            for device in self.devices:
                device.sample(slow)

        self._guard(work)

    def close(self) -> dict[str, Any]:
        """End. Returns {driver, mps, warnings, devices}, or {reason}.

        A device has what nvml.Device.describe gives, `figures`: name → {times_s, values} with times on
        CLOCK_MONOTONIC, and `reasons`: name → why it was not, or not always, to be had. FIGURES lists them.
        """

        def work() -> None:
            self.series["devices"] = [device.series() for device in self.devices]
            self.until_closed.close()

        self._guard(work)
        return self.series
