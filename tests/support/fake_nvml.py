"""A pynvml with recorded answers, so that what is done with them can be tested where there is no GPU.

Constants, error classes and structs are those of the real package: what it does not have, this does not have.
A function that no answer was given to is not there on this "driver".
"""

from __future__ import annotations

import ctypes
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pynvml

from clipbench.bench.probes.gpm import SHORTEST_S
from clipbench.bench.probes.gpu_sampler import GpuSampler
from clipbench.bench.runs.serialization import to_json

GB = 10**9


def samples(*pairs: tuple[float, int]) -> list[Any]:
    """Buffered samples: (seconds on the wall clock, percent)."""
    made = []
    for wall_s, percent in pairs:
        sample = pynvml.c_nvmlSample_t()
        sample.timeStamp = int(wall_s * 1e6)
        sample.sampleValue.uiVal = percent
        made.append(sample)
    return made


def process(pid: int, memory: int | None) -> Any:
    """A process as nvmlDeviceGetComputeRunningProcesses lists it."""
    return pynvml.nvmlFriendlyObject({"pid": pid, "usedGpuMemory": memory})


@dataclass
class Gpu:
    """One card. `refused` maps a function's name to the error code that it fails with on this card."""

    uuid: str = "GPU-11111111-aaaa"
    name: str = "NVIDIA H100 80GB HBM3"
    used: int = 1 * GB
    buffer: Callable[[], Iterable[Any]] = tuple
    rate: int = 40
    processes: list[Any] = field(default_factory=list)
    energy_mj: int = 5_000_000
    gpm: dict[str, float | int] | None = None
    instances: list[Gpu] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)


class FakeNvml:
    """The functions of pynvml that clipbench calls, answered for `gpus`."""

    def __init__(self, *gpus: Gpu, init_error: int | None = None) -> None:
        self.gpus, self.init_error = gpus, init_error
        self.open = 0  # initialised, not yet shut down
        self.allocated = 0  # GPM samples not yet freed
        self.calls: list[str] = []
        self.taken: dict[int, float] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("NVML", "c_nvml", "nvmlClocksEventReason")):
            return getattr(pynvml, name)
        if name.startswith("nvml") and hasattr(pynvml, name):
            return self._missing
        raise AttributeError(name)

    @staticmethod
    def _missing(*_: Any) -> Any:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)

    def _ask(self, function: str, gpu: Gpu) -> Gpu:
        self.calls.append(function)
        if code := gpu.refused.get(function):
            raise pynvml.NVMLError(code)
        return gpu

    def nvmlInit(self) -> None:
        if self.init_error:
            raise pynvml.NVMLError(self.init_error)
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlSystemGetDriverVersion(self) -> str:
        return "570.00"

    def nvmlDeviceGetCount(self) -> int:
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Gpu:
        return self._ask("nvmlDeviceGetHandleByIndex", self.gpus[index])

    def nvmlDeviceGetUUID(self, gpu: Gpu) -> str:
        return self._ask("nvmlDeviceGetUUID", gpu).uuid

    def nvmlDeviceGetName(self, gpu: Gpu) -> str:
        return self._ask("nvmlDeviceGetName", gpu).name

    def nvmlDeviceGetCudaComputeCapability(self, gpu: Gpu) -> tuple[int, int]:
        self._ask("nvmlDeviceGetCudaComputeCapability", gpu)
        return 9, 0

    def nvmlDeviceGetMigMode(self, gpu: Gpu) -> list[int]:
        on = bool(self._ask("nvmlDeviceGetMigMode", gpu).instances)
        return [int(on), int(on)]

    def nvmlDeviceGetMaxMigDeviceCount(self, gpu: Gpu) -> int:
        return 7 if self._ask("nvmlDeviceGetMaxMigDeviceCount", gpu).instances else 0

    def nvmlDeviceGetMigDeviceHandleByIndex(self, gpu: Gpu, index: int) -> Gpu:
        if index >= len(gpu.instances):
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return gpu.instances[index]

    def nvmlDeviceGetGpuInstanceId(self, instance: Gpu) -> int:
        return next(i for gpu in self.gpus for i, own in enumerate(gpu.instances) if own is instance) + 1

    def nvmlDeviceGetMemoryInfo(self, gpu: Gpu) -> Any:
        used = self._ask("nvmlDeviceGetMemoryInfo", gpu).used
        return pynvml.c_nvmlMemory_t(total=80 * GB, free=80 * GB - used, used=used)

    def nvmlDeviceGetSamples(self, gpu: Gpu, kind: int, since_us: int) -> tuple[int, list[Any]]:
        assert kind == pynvml.NVML_GPU_UTILIZATION_SAMPLES
        newer = [
            s for s in self._ask("nvmlDeviceGetSamples", gpu).buffer() if s.timeStamp >= since_us
        ]  # a driver at its least strict
        if not newer:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return pynvml.NVML_VALUE_TYPE_UNSIGNED_INT, newer

    def nvmlDeviceGetUtilizationRates(self, gpu: Gpu) -> Any:
        return pynvml.c_nvmlUtilization_t(gpu=self._ask("nvmlDeviceGetUtilizationRates", gpu).rate, memory=1)

    def nvmlDeviceGetComputeRunningProcesses(self, gpu: Gpu) -> list[Any]:
        return self._ask("nvmlDeviceGetComputeRunningProcesses", gpu).processes

    def nvmlDeviceGetPowerUsage(self, gpu: Gpu) -> int:
        self._ask("nvmlDeviceGetPowerUsage", gpu)
        return 123_400

    def nvmlDeviceGetTotalEnergyConsumption(self, gpu: Gpu) -> int:
        return self._ask("nvmlDeviceGetTotalEnergyConsumption", gpu).energy_mj

    def nvmlDeviceGetClockInfo(self, gpu: Gpu, kind: int) -> int:
        self._ask("nvmlDeviceGetClockInfo", gpu)
        return {pynvml.NVML_CLOCK_SM: 1980, pynvml.NVML_CLOCK_MEM: 2619}[kind]

    def nvmlDeviceGetCurrentClocksEventReasons(self, gpu: Gpu) -> int:
        self._ask("nvmlDeviceGetCurrentClocksEventReasons", gpu)
        return pynvml.nvmlClocksEventReasonSwPowerCap | pynvml.nvmlClocksEventReasonHwThermalSlowdown

    def nvmlGpmQueryDeviceSupport(self, gpu: Gpu) -> Any:
        supported = self._ask("nvmlGpmQueryDeviceSupport", gpu).gpm is not None
        return pynvml.c_nvmlGpmSupport_t(isSupportedDevice=supported)

    def nvmlGpmSampleAlloc(self) -> Any:
        self.allocated += 1
        return ctypes.pointer(pynvml.struct_c_nvmlGpmSample_t())

    def nvmlGpmSampleFree(self, sample: Any) -> None:
        self.allocated -= 1

    def nvmlGpmSampleGet(self, gpu: Gpu, sample: Any) -> Any:
        self._ask("nvmlGpmSampleGet", gpu)
        self.gpm_answers = gpu.gpm
        self.taken[ctypes.addressof(sample.contents)] = time.monotonic()
        return sample

    def nvmlGpmMigSampleGet(self, gpu: Gpu, instance: int, sample: Any) -> Any:
        assert self.nvmlDeviceGetGpuInstanceId(gpu.instances[instance - 1]) == instance
        return self.nvmlGpmSampleGet(gpu, sample)

    def nvmlGpmMetricsGet(self, query: Any) -> Any:
        self.calls.append("nvmlGpmMetricsGet")
        assert query.version == pynvml.NVML_GPM_METRICS_GET_VERSION
        earlier, later = (
            self.taken[ctypes.addressof(sample.contents)] for sample in (query.sample1, query.sample2)
        )
        assert earlier < later, "the samples of the counters are the wrong way round"
        by_id = {getattr(pynvml, f"NVML_GPM_METRIC_{name}"): v for name, v in self.gpm_answers.items()}
        for number in range(query.numMetrics):
            metric = query.metrics[number]
            if metric.metricId in by_id:
                metric.value, metric.nvmlReturn = by_id[metric.metricId], pynvml.NVML_SUCCESS
            else:
                metric.nvmlReturn = pynvml.NVML_ERROR_NOT_SUPPORTED
        return query


#: What GPM counts on a card that counts all of it.
GPM = {"SM_UTIL": 61.5, "SM_OCCUPANCY": 22.25, "ANY_TENSOR_UTIL": 9.5, "DRAM_BW_UTIL": 31.0}
SECOND = Gpu(uuid="GPU-22222222-bbbb", used=2 * GB)


def sample(fake: FakeNvml, environ: dict[str, str] | None = None, times: int = 2) -> dict:
    """The series of `times` samples, as result.json would hold it."""
    sampler = GpuSampler(fake, environ or {})
    for _ in range(times):
        time.sleep(SHORTEST_S)
        sampler.sample(slow=True)
    series = sampler.close()
    assert fake.open == 0 and fake.allocated == 0, "NVML was left open"
    return json.loads(json.dumps(to_json(series), allow_nan=False))
