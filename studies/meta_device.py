"""Production back ends on the device "meta", doing what they would do on a GPU: for studies/floors.py."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from unittest import mock

import torch

from clipbench.analyzers.production import random_weights, speech_transcription, torch_device, transfers
from studies.operation_meter import Meter


@contextlib.contextmanager
def on_meta_device() -> Iterator[Meter]:
    """A context in which back ends work on the device "meta" as they would on a GPU, counted by a Meter."""
    meter = Meter()

    def random_network(build: Any, device: str, dtype: torch.dtype) -> torch.nn.Module:
        try:
            with torch.device(device):
                return random_weights.converted(build(), None, dtype)
        except ValueError:  # YOLO's constructor runs the network, to see how it scales
            return random_weights.converted(build(), device, dtype)

    def upload(array: Any, device: str) -> torch.Tensor:
        kind = torch.from_numpy(array[:0].copy()).dtype
        return torch.empty(array.shape, dtype=kind, device=device)

    def options(self: Any, packed: Any) -> Any:
        return replace(asked(self, packed), fp16=True)

    asked = speech_transcription.WhisperLargeV3.decoding_options
    changes = {
        random_weights: {"random_network": random_network, "settle_batch_norm": lambda network, shape: None},
        transfers: {"upload": upload},
        torch_device: {
            "precision": lambda device, half="float16": getattr(torch, half),
            "phase": lambda device, text: meter.phase(text),
        },
    }
    with contextlib.ExitStack() as stack:
        for module, functions in changes.items():
            stack.enter_context(mock.patch.multiple(module, **functions))
        stack.enter_context(
            mock.patch.object(speech_transcription.WhisperLargeV3, "decoding_options", options)
        )
        stack.enter_context(whispers_heads())
        stack.enter_context(meter.on())
        yield meter


@contextlib.contextmanager
def whispers_heads() -> Iterator[None]:
    """A context in which Whisper's list of heads that align words has values: its upper half."""

    def to_sparse(mask: torch.Tensor) -> torch.Tensor:
        heads = torch.zeros(mask.shape, dtype=torch.bool, device="cpu")
        heads[len(heads) // 2 :] = True
        return made(heads)

    made = torch.Tensor.to_sparse
    with mock.patch.object(torch.Tensor, "to_sparse", to_sparse):
        yield
