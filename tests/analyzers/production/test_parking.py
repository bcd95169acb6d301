"""Weights are parked in host memory and come back unchanged."""

from __future__ import annotations

import gc

import numpy as np
import pytest
import torch

from clipbench.analyzers.production.parking import OnDevice, ParkedWeights, pin
from clipbench.analyzers.production.random_weights import random_network
from clipbench.analyzers.production.transfers import download


def network() -> torch.nn.Module:
    layers = [
        torch.nn.Conv2d(3, 8, 3),
        torch.nn.BatchNorm2d(8),
        torch.nn.Flatten(),
        torch.nn.Linear(8 * 36, 5),
        torch.nn.LayerNorm(5),
    ]
    return torch.nn.Sequential(*layers)


def test_parked_weights_come_back_as_they_were():
    net = random_network(network, "cpu", torch.float32).to(memory_format=torch.channels_last)
    net.register_buffer("every_other", torch.arange(10.0)[::2])
    net.register_buffer("repeated", torch.arange(3.0).expand(4, 3))
    net.register_buffer("empty", torch.empty(0))
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    parked = ParkedWeights(net)
    for _ in range(2):
        parked.park()
        held = {tensor.untyped_storage().data_ptr() for tensor in net.state_dict().values() if tensor.numel()}
        assert len(held) == 1
        parked.wake("cpu")
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert net[0].weight.is_contiguous(memory_format=torch.channels_last)


def test_a_back_end_gives_its_networks_up():
    back_end = OnDevice()
    back_end.place("cpu", net=network())
    assert not back_end.networks["net"].training
    assert not any(parameter.requires_grad for parameter in back_end.networks["net"].parameters())
    back_end.offload()
    back_end.wake()
    back_end.unload()
    assert back_end.networks == {}


class Runtime:
    """Stands for CUDA's runtime: registers memory, or answers with an error."""

    def __init__(self, answer: int) -> None:
        self.answer, self.held = answer, []

    def cudaHostRegister(self, address: int, size: int, flags: int) -> int:
        self.held.append(address)
        return self.answer

    def cudaHostUnregister(self, address: int) -> None:
        self.held.remove(address)


def test_pinned_memory_is_unpinned_with_its_owner_and_before_it_is_freed(monkeypatch):
    runtime = Runtime(0)
    monkeypatch.setattr(torch.cuda, "cudart", lambda: runtime)
    memory, owner = torch.empty(8), network()
    pin(memory, owner, "cpu")
    assert runtime.held == [memory.data_ptr()]
    del owner
    gc.collect()
    assert runtime.held == []


def test_a_refusal_to_pin_is_not_left_for_the_next_kernel(monkeypatch):
    runtime, asked = Runtime(712), []

    def fail(*shape, device):
        asked.append(device)
        raise RuntimeError("part or all of the requested memory range is already mapped")

    monkeypatch.setattr(torch.cuda, "cudart", lambda: runtime)
    memory, owner = torch.empty(8), network()
    monkeypatch.setattr(torch, "empty", fail)
    pin(memory, owner, "cuda:1")
    del owner
    gc.collect()
    assert asked == ["cuda:1"] and runtime.held  # nothing that was refused is undone


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_on_a_gpu_weights_come_back_as_they_were():
    net = random_network(network, "cuda", torch.float16)
    before = download(*net.parameters())
    parked = ParkedWeights(net)
    parked.park()
    assert not any(parameter.is_cuda for parameter in net.parameters())
    parked.wake("cuda")
    after = download(*net.parameters())
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
