"""Random weights keep the scale of numbers, and are the same every time."""

from __future__ import annotations

import copy

import pytest
import torch

from clipbench.analyzers.production.hub import configuration, library_class
from clipbench.analyzers.production.random_weights import initialise, random_network, settle_batch_norm

KINDS = torch.float32, torch.bfloat16


def network() -> torch.nn.Module:
    layers = [
        torch.nn.Conv2d(3, 8, 3),
        torch.nn.BatchNorm2d(8),
        torch.nn.Flatten(),
        torch.nn.Linear(8 * 36, 5),
        torch.nn.LayerNorm(5),
    ]
    return torch.nn.Sequential(*layers)


def test_random_weights_are_the_same_whatever_others_draw():
    one = random_network(network, "cpu", torch.float32).state_dict()
    torch.rand(7)
    other = random_network(network, "cpu", torch.float32).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_random_weights_keep_numbers_at_their_scale():
    wide = [torch.nn.Sequential(torch.nn.Linear(512, 512), torch.nn.BatchNorm1d(512)) for _ in range(20)]
    net = random_network(lambda: torch.nn.Sequential(*wide), "cpu", torch.float32).eval()
    out = net(torch.randn(64, 512, generator=torch.Generator().manual_seed(1)))
    assert 0.3 < out.std() < 3


def test_normalisation_is_the_identity_and_no_bias_is_left_to_chance():
    net = random_network(network, "cpu", torch.bfloat16)
    assert (net[1].weight == 1).all()
    assert (net[4].weight == 1).all()
    assert not any(net[index].bias.any() for index in (0, 1, 3, 4))
    assert net[3].weight.dtype == torch.bfloat16
    assert net[3].weight.detach().float().std() == pytest.approx((8 * 36) ** -0.5, rel=0.1)


def test_frequencies_of_positions_stay_in_full_precision():
    cls = library_class("Qwen2VLForConditionalGeneration")
    config = cls.config_class(**configuration("qwen2_vl", "tiny"))
    whole, half = (random_network(lambda: cls(config), "cpu", dtype) for dtype in KINDS)
    found = 0
    for (name, one), (_, other) in zip(whole.named_buffers(), half.named_buffers(), strict=True):
        assert other.dtype == torch.float32 and torch.equal(one, other), name
        found += name.endswith(".inv_freq")
    assert found == 2  # of the pictures' half and of the text's
    assert {parameter.dtype for parameter in half.parameters()} == {torch.bfloat16}


def test_what_is_learnt_but_no_parameter_is_converted():
    net = random_network(network, "cpu", torch.bfloat16)
    assert net[1].running_mean.dtype == net[1].running_var.dtype == torch.bfloat16


def test_constants_stay_what_they_are():
    net = torch.nn.Linear(3, 3)
    net.weight.requires_grad_(False).fill_(7)
    assert (initialise(net).weight == 7).all()


def test_batch_normalisation_settles_on_what_it_sees():
    layer = [torch.nn.Conv2d(4, 4, 3, padding=1), torch.nn.BatchNorm2d(4), torch.nn.SiLU()]
    deep = [torch.nn.Conv2d(3, 4, 3), *(copy.deepcopy(one) for _ in range(20) for one in layer)]
    net = random_network(lambda: torch.nn.Sequential(*deep), "cpu", torch.float32).eval()
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    assert net(picture).std() < 0.01
    settle_batch_norm(net, (2, 3, 32, 32))
    assert not net.training
    assert net(picture).std() > 0.1
