"""The GPUs that this run may use, as NVML describes them. Verified against recorded answers of NVML only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipbench.bench.probes.nvml import Unavailable, attempt, errors
from clipbench.bench.probes.visible_devices import VARIABLE, Card, restriction, visible


@dataclass(frozen=True)
class Device:
    """One GPU, or one MIG instance of it, that CUDA shows to this run as device `ordinal`.

    NVML is asked about `handle` for what an instance has of its own (memory, processes), and about `card` for
    what only the whole card has (power, clocks); without MIG they are the same. `instance` is the id of the
    MIG instance. What NVML does not tell is None.
    """

    ordinal: int
    index: int
    uuid: str
    handle: Any
    card: Any
    instance: int | None
    name: str | None
    memory_total_bytes: int | None
    compute_capability: str | None
    mig: bool | None


def devices(nvml: Any, environ: Mapping[str, str] = os.environ) -> tuple[list[Device], list[str]]:
    """The devices that CUDA_VISIBLE_DEVICES leaves to this run, in its order, and warnings about them.

    NVML must be initialised. Raises Unavailable if no device is left.
    """
    handles, warnings = card_handles(nvml)
    if not handles:
        raise Unavailable("; ".join(["NVML sees no GPU", *warnings]))
    instances = {index: instance_handles(nvml, card) for index, card in handles.items()}
    cards = [
        Card(index, uuid_of(nvml, card), tuple(uuid_of(nvml, handle) for handle in instances[index]))
        for index, card in handles.items()
    ]
    value = restriction(environ)
    found = visible(cards, value)
    if found.ignored not in (None, "", "-1"):
        warnings.append(f"{found.ignored} in {VARIABLE} names no further device; CUDA ignores the rest")
    if not found.choices:
        raise Unavailable("; ".join([f"{VARIABLE}={value} leaves no GPU to this run", *warnings]))
    warnings += numbering_warning(nvml, list(handles.values()), environ)
    return [
        describe(
            nvml,
            ordinal,
            choice.index,
            handles[choice.index],
            None if choice.instance is None else instances[choice.index][choice.instance],
        )
        for ordinal, choice in enumerate(found.choices)
    ], warnings


def card_handles(nvml: Any) -> tuple[dict[int, Any], list[str]]:
    """NVML's index → handle of every card that can be opened, and a warning for each that cannot."""
    handles: dict[int, Any] = {}
    warnings: list[str] = []
    try:
        count = nvml.nvmlDeviceGetCount()
    except errors(nvml) as error:
        raise Unavailable(f"NVML: {error}") from None
    for index in range(count):
        try:
            handles[index] = nvml.nvmlDeviceGetHandleByIndex(index)
        except errors(nvml) as error:
            warnings.append(f"GPU {index} cannot be used: {error}")
    return handles, warnings


def describe(nvml: Any, ordinal: int, index: int, card: Any, instance: Any) -> Device:
    """The device that CUDA numbers `ordinal`; `instance` is the handle of a MIG instance, or None."""
    handle = card if instance is None else instance
    memory = attempt(nvml, nvml.nvmlDeviceGetMemoryInfo, handle)
    capability = attempt(nvml, nvml.nvmlDeviceGetCudaComputeCapability, card)
    return Device(
        ordinal=ordinal,
        index=index,
        uuid=uuid_of(nvml, handle),
        handle=handle,
        card=card,
        instance=None if instance is None else attempt(nvml, nvml.nvmlDeviceGetGpuInstanceId, instance),
        name=attempt(nvml, nvml.nvmlDeviceGetName, card),
        memory_total_bytes=memory.total if memory else None,
        compute_capability=".".join(map(str, capability)) if capability else None,
        mig=mig_mode(nvml, card),
    )


def numbering_warning(nvml: Any, cards: list[Any], environ: Mapping[str, str]) -> list[str]:
    """A warning, in a list, if CUDA may number the cards in another order than NVML does."""
    names = {attempt(nvml, nvml.nvmlDeviceGetName, card) for card in cards}
    value = restriction(environ)
    by_uuid = value is not None and not any(entry.strip().isdigit() for entry in value.split(","))
    if len(names) < 2 or by_uuid or environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID":
        return []
    return [
        "the GPUs are of different kinds, and CUDA may number them in another order than NVML:"
        " set CUDA_DEVICE_ORDER=PCI_BUS_ID, or name them by UUID"
    ]


def instance_handles(nvml: Any, card: Any) -> list[Any]:
    """The handles of a card's MIG instances; none if MIG is off."""
    if not mig_mode(nvml, card):
        return []
    count = attempt(nvml, nvml.nvmlDeviceGetMaxMigDeviceCount, card) or 0
    found = (attempt(nvml, nvml.nvmlDeviceGetMigDeviceHandleByIndex, card, number) for number in range(count))
    return [handle for handle in found if handle is not None]


def uuid_of(nvml: Any, handle: Any) -> str:
    """The UUID of a device; "" if NVML does not tell."""
    return attempt(nvml, nvml.nvmlDeviceGetUUID, handle) or ""


def mig_mode(nvml: Any, card: Any) -> bool | None:
    """Whether a card is in MIG mode; None if it does not know MIG."""
    modes = attempt(nvml, nvml.nvmlDeviceGetMigMode, card)
    return bool(modes[0] == nvml.NVML_DEVICE_MIG_ENABLE) if modes else None


def mps_runs(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether CUDA's Multi-Process Service runs, judged by its control pipe or its daemon's name."""
    folder = Path(environ.get("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps"))  # CUDA's default
    if (folder / "control").exists():
        return True
    for name in Path("/proc").glob("[0-9]*/comm"):
        try:
            if name.read_text().startswith("nvidia-cuda-mps"):  # the kernel cuts names at 15 characters
                return True
        except OSError:  # the process has ended
            continue
    return False
