"""NVML, NVIDIA's management library: loading it, and calling it safely.

A thin layer over `pynvml` (distribution nvidia-ml-py), which is imported when it is first needed. Every
function takes the module as an argument, so that tests can pass in recorded answers.
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

log = logging.getLogger(__name__)


class Unavailable(Exception):
    """NVML, or every device of it, cannot be used here. The message is the reason, in one line."""


def load() -> Any:
    """The module pynvml. Raises Unavailable if it, or the driver's library, is not installed."""
    try:
        ctypes.CDLL("libnvidia-ml.so.1")  # as pynvml does, but without importing its 7000 lines
    except OSError:
        raise Unavailable("no NVIDIA driver: the library libnvidia-ml.so.1 does not exist") from None
    try:
        import pynvml
    except ImportError:
        raise Unavailable("the package nvidia-ml-py is not installed") from None
    return pynvml


@contextmanager
def session(nvml: Any) -> Iterator[None]:
    """A context in which NVML is initialised. Raises Unavailable if it refuses."""
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
    """What `call` returns, or None if NVML refuses."""
    try:
        return call(*arguments)
    except errors(nvml) as error:
        log.debug("NVML refused %s: %s", getattr(call, "__name__", call), error)
        return None
