"""NVIDIA's devices through NVML: which ones this run may use, and what they are.

A thin layer over `pynvml` (distribution nvidia-ml-py), which is imported when it is first needed. Every
function takes the module as an argument, so that the tests can hand in recorded answers.

Untested on hardware: this was written against NVML's documentation and the functions, constants and structs
of nvidia-ml-py 13, and tested with recorded answers only.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple


class Unavailable(Exception):
    """NVML, or any device of it, cannot be used here; the message is the reason, in one line."""


class Device(NamedTuple):
    """One GPU, or one MIG instance of it, that CUDA shows to this run as device `ordinal`.

    `handle` is asked for what the instance has of its own (memory, processes), `card` for what only the
    whole card has (power, clocks); without MIG they are the same. What NVML does not tell is None.
    """

    ordinal: int
    index: int
    uuid: str
    handle: Any
    card: Any
    instance: int | None = None

    def describe(self, nvml: Any) -> dict[str, Any]:
        """What this device is, in JSON values."""
        memory = attempt(nvml, nvml.nvmlDeviceGetMemoryInfo, self.handle)
        capability = attempt(nvml, nvml.nvmlDeviceGetCudaComputeCapability, self.card)
        return {
            "ordinal": self.ordinal,
            "index": self.index,
            "uuid": self.uuid,
            "name": attempt(nvml, nvml.nvmlDeviceGetName, self.card),
            "memory_total_bytes": memory.total if memory else None,
            "compute_capability": ".".join(map(str, capability)) if capability else None,
            "mig": mig_mode(nvml, self.card),
        }


def load() -> Any:
    """The module pynvml; Unavailable where it is not installed or the driver's library is not there."""
    try:
        ctypes.CDLL("libnvidia-ml.so.1")  # as pynvml does, but without importing its 7000 lines
    except OSError:
        raise Unavailable("no NVIDIA driver: the library libnvidia-ml.so.1 is not there") from None
    try:
        import pynvml
    except ImportError:
        raise Unavailable("the package nvidia-ml-py is not installed") from None
    return pynvml


@contextmanager
def session(nvml: Any) -> Iterator[None]:
    """NVML initialised inside; Unavailable where it refuses."""
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        raise Unavailable(f"NVML: {error}") from None
    try:
        yield
    finally:
        attempt(nvml, nvml.nvmlShutdown)


def errors(nvml: Any) -> tuple[type[Exception], ...]:
    """What a call of NVML may raise: its error codes, and functions that the driver is too old for."""
    return nvml.NVMLError, nvml.NVMLLibraryMismatchError


def attempt(nvml: Any, call: Callable[..., Any], *arguments: Any) -> Any:
    """What `call` returns, or None where NVML refuses."""
    try:
        return call(*arguments)
    except errors(nvml):
        return None


def describe(nvml: Any = None, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """{driver, mps, warnings, devices: [...]} of the devices this run may use, or {reason}."""
    try:
        nvml = nvml or load()
        with session(nvml):
            devices, warnings = visible(nvml, environ)
            described = [device.describe(nvml) for device in devices]
            return {**system(nvml, environ, warnings), "devices": described}
    except Unavailable as unavailable:
        return {"reason": str(unavailable)}


def system(nvml: Any, environ: Mapping[str, str], warnings: list[str]) -> dict[str, Any]:
    """What all devices have in common."""
    driver = attempt(nvml, nvml.nvmlSystemGetDriverVersion)
    return {"driver": driver, "mps": mps_runs(environ), "warnings": warnings}


def visible(nvml: Any, environ: Mapping[str, str] = os.environ) -> tuple[list[Device], list[str]]:
    """The devices that CUDA_VISIBLE_DEVICES leaves to this run, in its order, and what is doubtful of them.

    As CUDA reads it: entries are indices, or UUIDs that may be cut short as long as one device matches; the
    first entry that matches nothing hides all that follow; of a card in MIG mode that is not named by an
    instance's UUID, the first instance is used. Raises Unavailable where nothing is left.
    """
    warnings: list[str] = []
    cards: dict[int, Any] = {}
    try:
        for index in range(nvml.nvmlDeviceGetCount()):
            try:
                cards[index] = nvml.nvmlDeviceGetHandleByIndex(index)
            except errors(nvml) as error:
                warnings.append(f"GPU {index} cannot be used: {error}")
    except errors(nvml) as error:
        raise Unavailable(f"NVML: {error}") from None
    if not cards:
        raise Unavailable("; ".join(["NVML sees no GPU", *warnings]))
    wanted = environ.get("CUDA_VISIBLE_DEVICES")
    entries = list(map(str, cards)) if wanted is None else [entry.strip() for entry in wanted.split(",")]
    found: list[Device] = []
    for entry in entries:
        device = resolve(nvml, cards, entry, len(found))
        if device is None:
            if entry not in ("", "-1"):
                warnings.append(f"{entry} is no device; CUDA ignores it and what follows it")
            break
        found.append(device)
    if not found:
        raise Unavailable("; ".join([f"CUDA_VISIBLE_DEVICES={wanted} leaves no GPU to this run", *warnings]))
    names = {attempt(nvml, nvml.nvmlDeviceGetName, card) for card in cards.values()}
    by_uuid = wanted is not None and not any(entry.isdigit() for entry in entries)
    if len(names) > 1 and not by_uuid and environ.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID":
        warnings.append(
            "the GPUs are of different kinds and CUDA may number them in another order than NVML:"
            " set CUDA_DEVICE_ORDER=PCI_BUS_ID, or name them by UUID"
        )
    return found, warnings


def resolve(nvml: Any, cards: Mapping[int, Any], entry: str, ordinal: int) -> Device | None:
    """The device that one entry of CUDA_VISIBLE_DEVICES means, or None."""
    if entry.isdigit():
        index = int(entry)
        if index not in cards:
            return None
        own = instances(nvml, cards[index]) if mig_mode(nvml, cards[index]) else []
        handle, uuid, instance = own[0] if own else (cards[index], uuid_of(nvml, cards[index]), None)
        return Device(ordinal, index, uuid, handle, cards[index], instance)
    if not entry.startswith(("GPU-", "MIG-")):
        return None
    matches = [
        Device(ordinal, index, uuid, handle, card, instance)
        for index, card in cards.items()
        for handle, uuid, instance in [(card, uuid_of(nvml, card), None), *instances(nvml, card)]
        if uuid.startswith(entry)
    ]
    return matches[0] if len(matches) == 1 else None


def instances(nvml: Any, card: Any) -> list[tuple[Any, str, int | None]]:
    """(handle, UUID, GPU instance id) of each MIG instance of a card; none where MIG is off."""
    found = []
    for number in range(attempt(nvml, nvml.nvmlDeviceGetMaxMigDeviceCount, card) or 0):
        handle = attempt(nvml, nvml.nvmlDeviceGetMigDeviceHandleByIndex, card, number)
        if handle is not None:
            identity = attempt(nvml, nvml.nvmlDeviceGetGpuInstanceId, handle)
            found.append((handle, uuid_of(nvml, handle), identity))
    return found


def uuid_of(nvml: Any, handle: Any) -> str:
    """The UUID of a device; "" where NVML does not tell."""
    return attempt(nvml, nvml.nvmlDeviceGetUUID, handle) or ""


def mig_mode(nvml: Any, card: Any) -> bool | None:
    """Whether a card is split into MIG instances; None where it does not know MIG."""
    modes = attempt(nvml, nvml.nvmlDeviceGetMigMode, card)
    return modes[0] == nvml.NVML_DEVICE_MIG_ENABLE if modes else None


def mps_runs(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether CUDA's Multi-Process Service is there: by its control pipe, or by its daemon's name."""
    folder = Path(environ.get("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps"))  # CUDA's default
    if (folder / "control").exists():
        return True
    for name in Path("/proc").glob("[0-9]*/comm"):
        try:
            if name.read_text().startswith("nvidia-cuda-mps"):  # the kernel cuts names at 15 characters
                return True
        except OSError:
            continue
    return False
