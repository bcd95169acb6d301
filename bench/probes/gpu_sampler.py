"""Sampling of GPUs through NVML: memory, utilisation, power, clocks, and activity of the SMs.

It runs in the sampler's process (sampler_process.py). Every call is guarded: a figure that NVML refuses gets
a reason, and the others continue.

Verified against recorded answers of NVML only, written for its documentation and nvidia-ml-py 13. What the
calls cost on a real driver is in a run's `telemetry.sampler.gpu_cpu_s`.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from clipbench.bench.probes import gpm, nvml
from clipbench.bench.probes.gpu_devices import Device, devices, mps_runs
from clipbench.bench.probes.nvml import Unavailable
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.telemetry import GpuSeries, GpusTelemetry, GpuTelemetry

log = logging.getLogger(__name__)

#: Figure → what it is. A sample of one marked "since" covers the time since the sample before it.
FIGURES = {
    "memory_used_bytes": "memory in use on the device, by anyone",
    "process_memory_bytes": "process id (as the driver numbers them) → its memory, null if it is hidden",
    "utilization_percent": "since: time with a kernel running, from the samples that the driver buffers",
    "utilization_rate_percent": "the same by nvmlDeviceGetUtilizationRates: over its last 1/6 to 1 s",
    "power_w": "power of the card",
    "energy_j": "energy used by the card since the driver was loaded",
    "sm_clock_mhz": "clock of the SMs",
    "memory_clock_mhz": "clock of the memory",
    "throttle_reasons": "why the clocks are not at their highest",
    "sm_activity_percent": "since: share of SMs with a warp resident (GPM)",
    "sm_occupancy_percent": "since: resident warps as a share of those that would fit (GPM)",
    "tensor_activity_percent": "since: time in tensor operations of any kind (GPM)",
    "dram_activity_percent": "since: share of the memory bandwidth in use (GPM)",
}
THROTTLES = (
    "GpuIdle", "ApplicationsClocksSetting", "SwPowerCap", "HwSlowdown", "SyncBoost", "SwThermalSlowdown",
    "HwThermalSlowdown", "HwPowerBrakeSlowdown", "DisplayClockSetting",
)  # fmt: skip
#: Field of NVML's value union, by NVML_VALUE_TYPE.
VALUE_FIELDS = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")
#: A buffered sample further than this from the wall clock was timed by another clock.
CLOCK_TOLERANCE_S = 60


class DeviceSampler:
    """The samples of one device; `api` is pynvml."""

    def __init__(self, api: Any, device: Device) -> None:
        self.api, self.device = api, device
        self.figures: dict[str, GpuSeries] = {}
        self.reasons: dict[str, str] = {}
        #: No permission, no such function, not on this chip: asking again would cost time and give nothing.
        self.permanent = {
            api.NVML_ERROR_NOT_SUPPORTED,
            api.NVML_ERROR_NO_PERMISSION,
            api.NVML_ERROR_FUNCTION_NOT_FOUND,
            api.NVML_ERROR_INVALID_ARGUMENT,
        }
        self.hopeless: set[str] = set()
        self.newest_us = int(time.time() * 1e6)
        self.keep("utilization_percent", None)  # the first sample covers the time from here on
        self.gpm: gpm.Gpm | None = None
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
        """Add one sample, of now or of time `t`. None only marks where the time of the next one begins."""
        kept = self.figures.setdefault(figure, GpuSeries([], []))
        kept.times_s.append(time.monotonic() if t is None else t)
        kept.values.append(value)

    def ask(self, figure: str, call: Callable[..., Any], *arguments: Any) -> Any:
        """What a call of NVML returns; None if NVML refuses, and then the reason is kept."""
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
        # The counter is read often, because an analysis window begins and ends between two readings.
        energy = self.ask("energy_j", self.api.nvmlDeviceGetTotalEnergyConsumption, self.device.card)
        if energy is not None:
            self.keep("energy_j", energy / 1e3)
        if slow:
            self.sample_utilization()
            self.sample_processes()
            self.sample_card()
            self.sample_activity()

    def sample_utilization(self) -> None:
        """What the driver has buffered since the last call, and its own current average."""
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
        """The type of the values, and the samples that are newer than the last one kept."""
        kind = self.api.NVML_GPU_UTILIZATION_SAMPLES
        try:
            value_type, samples = self.api.nvmlDeviceGetSamples(self.device.handle, kind, self.newest_us)
        except self.api.NVMLError_NotFound:  # nothing new
            return int(self.api.NVML_VALUE_TYPE_UNSIGNED_INT), []
        return int(value_type), list(samples)

    def sample_processes(self) -> None:
        """Memory by process; None for those whose memory a container hides."""
        figure = "process_memory_bytes"
        running = self.ask(figure, self.api.nvmlDeviceGetComputeRunningProcesses, self.device.handle)
        if running is None:
            return
        memory = {process.pid: process.usedGpuMemory for process in running}
        if None in memory.values():
            self.reasons[figure] = "NVML does not tell the memory of each process here, as in many containers"
        self.keep(figure, memory)

    def sample_card(self) -> None:
        """Power and clocks; in MIG mode those of the whole card."""
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
        """What GPM has counted since the last call."""
        now = time.monotonic()
        if self.gpm is None or now - self.gpm_s < gpm.SHORTEST_S:
            return
        for figure, value in (self.ask("sm_activity_percent", self.gpm.read) or {}).items():
            if isinstance(value, NotMeasured):
                self.reasons[figure] = value.reason
            else:
                self.keep(figure, value, now)
                self.gpm_s = now

    def telemetry(self) -> GpuTelemetry:
        """This device with its samples, and the reason for every figure that has none."""
        for figure in FIGURES:
            if all(value is None for value in self.figures.get(figure, GpuSeries([], [])).values):
                self.figures.pop(figure, None)
                shared = self.reasons.get("sm_activity_percent") if figure in gpm.METRICS else None
                self.reasons.setdefault(figure, shared or "NVML had no sample of it during the run")
        device = self.device
        return GpuTelemetry(
            ordinal=device.ordinal,
            index=device.index,
            uuid=device.uuid,
            name=device.name,
            memory_total_bytes=device.memory_total_bytes,
            compute_capability=device.compute_capability,
            mig=device.mig,
            figures=self.figures,
            reasons=self.reasons,
        )


class GpuSampler:
    """The samples of all GPUs of this run. Nothing here raises: what fails leaves a reason."""

    def __init__(self, api: Any = None, environ: Mapping[str, str] = os.environ) -> None:
        self.api, self.environ = api, environ
        self.devices: list[DeviceSampler] = []
        self.outcome: GpusTelemetry | NotMeasured = GpusTelemetry(devices=[])
        #: CPU seconds that NVML took, loading it included.
        self.cpu_s = 0.0
        self.until_closed = ExitStack()
        self._guard(self._open)

    def _guard(self, work: Callable[[], None]) -> None:
        """Do `work`. If it fails, GPUs are no longer sampled, and everything else continues."""
        if isinstance(self.outcome, NotMeasured):
            return
        began = time.process_time()
        try:
            work()
        except Unavailable as unavailable:
            self._give_up(str(unavailable))
        except Exception as error:
            log.warning("the sampling of GPUs failed", exc_info=True)
            self._give_up(f"the sampling of GPUs failed: {type(error).__name__}: {error}")
        self.cpu_s += time.process_time() - began

    def _give_up(self, reason: str) -> None:
        self.outcome = NotMeasured(reason)
        self.until_closed.close()

    def _open(self) -> None:
        self.api = self.api or nvml.load()
        self.until_closed.enter_context(nvml.session(self.api))
        found, warnings = devices(self.api, self.environ)
        driver = nvml.attempt(self.api, self.api.nvmlSystemGetDriverVersion)
        mps = mps_runs(self.environ)
        self.outcome = GpusTelemetry(driver=driver, mps=mps, warnings=warnings, devices=[])
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

    def close(self) -> GpusTelemetry | NotMeasured:
        """End the sampling: the devices with their samples, or the reason. Times are of CLOCK_MONOTONIC."""

        def work() -> None:
            if isinstance(self.outcome, GpusTelemetry):
                self.outcome.devices += [device.telemetry() for device in self.devices]
            self.until_closed.close()

        self._guard(work)
        return self.outcome
