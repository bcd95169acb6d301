"""Qwen2-VL's layers as they are rewritten, against the library's own, in float32 on the CPU."""

from __future__ import annotations

import copy

import pytest
import torch
from torch.overrides import TorchFunctionMode

from clipbench.analyzers import threads
from clipbench.analyzers.production import qwen_layers
from clipbench.analyzers.production.hub import configuration, library_class
from clipbench.analyzers.production.parking import ParkedWeights
from clipbench.analyzers.production.qwen2_vl_temporal import Qwen2VL7B, Qwen2VLSettings
from clipbench.analyzers.production.qwen_decoder import Decoder
from clipbench.analyzers.production.random_weights import random_network

ROWS, LENGTH, BUDGET = 3, 11, 5
GROUPS, HEADS = 2, 4
SDPA = torch.nn.functional.scaled_dot_product_attention


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads.limit(1)
    yield
    threads.limit(None)


@pytest.fixture(scope="module")
def plain():
    """The network as the library computes it; scales of its norms are not all one."""
    cls = library_class("Qwen2VLForConditionalGeneration")
    config = cls.config_class(**configuration("qwen2_vl", "tiny"))
    net = random_network(lambda: cls(config), "cpu", torch.float32).eval().requires_grad_(False)
    for name, parameter in net.named_parameters():
        if name.endswith("norm.weight"):
            parameter.uniform_(0.5, 1.5, generator=torch.Generator().manual_seed(len(name)))
    return net


@pytest.fixture(scope="module")
def rewritten(plain):
    net = copy.deepcopy(plain)
    qwen_layers.rewrite(net)
    return net


class Attentions(TorchFunctionMode):
    """Notes how attention is called: the keys' heads and the other arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is SDPA:
            self.calls.append((args[1].shape, kwargs))
        return func(*args, **(kwargs or {}))


def patches(count: int) -> torch.Tensor:
    return torch.randn(count, 3 * 2 * 14 * 14, generator=torch.Generator().manual_seed(count))


def prompts(net) -> tuple[torch.Tensor, torch.Tensor]:
    """Embeddings and positions of prompts that differ."""
    tokens = torch.randint(0, 250, (ROWS, LENGTH), generator=torch.Generator().manual_seed(0))
    return net.get_input_embeddings()(tokens), torch.arange(LENGTH).expand(3, ROWS, LENGTH)


def test_patches_times_weights_are_their_convolution(plain, rewritten):
    some = patches(24)
    with torch.inference_mode():
        theirs, ours = (net.model.visual.patch_embed(some) for net in (plain, rewritten))
    assert torch.allclose(ours, theirs, atol=1e-5) and ours.shape == (24, 32)


def test_patches_are_embedded_by_the_weights_that_are_there_when_it_runs(plain):
    net = copy.deepcopy(plain)
    qwen_layers.rewrite(net)
    embed, parked = net.model.visual.patch_embed, ParkedWeights(net)
    before = embed(patches(4))
    parked.park()
    embed.proj.weight.data = torch.zeros_like(embed.proj.weight)
    assert not embed(patches(4)).any()
    parked.wake("cpu")
    assert torch.equal(embed(patches(4)), before)


def test_a_convolution_that_overlaps_stays_one(plain):
    net = copy.deepcopy(plain)
    net.model.visual.patch_embed.proj.stride = (1, 7, 7)
    qwen_layers.rewrite(net)
    assert "forward" not in vars(net.model.visual.patch_embed)


def test_norms_are_the_librarys(plain, rewritten):
    states = 7 * torch.randn(2, 5, 32, generator=torch.Generator().manual_seed(3))
    for theirs, ours in zip(plain.modules(), rewritten.modules(), strict=True):
        if type(theirs).__name__ == "Qwen2VLRMSNorm":
            assert "forward" in vars(ours)
            assert torch.allclose(ours(states), theirs(states), atol=1e-6)


def test_blocks_of_frames_see_themselves_and_nothing_else(plain, rewritten):
    blocks, rows, columns = 3, 4, 2
    count = blocks * rows * columns
    sizes, some = torch.tensor([[blocks, rows, columns]]), patches(count)
    with torch.inference_mode(), Attentions() as noted:
        ours = rewritten.model.visual(
            some,
            grid_thw=sizes,
            cu_seqlens=torch.tensor([0, count]),
            max_seqlen=count,
            block_length=rows * columns,
        ).pooler_output
    assert len(noted.calls) == 2  # one a layer
    with torch.inference_mode():
        theirs = plain.model.visual(some, grid_thw=sizes).pooler_output
        by_itself = rewritten.model.visual(some, grid_thw=sizes).pooler_output  # the library splits it
    assert torch.allclose(ours, theirs, atol=1e-5) and torch.allclose(by_itself, theirs, atol=1e-5)


def test_tokens_are_those_of_the_library_with_a_mask_and_copied_keys(plain, rewritten):
    """Against the library without a cache, which reads all of the text for each token."""
    embeddings, positions = prompts(plain)
    table = plain.get_input_embeddings()
    expected = torch.empty(ROWS, 0, dtype=torch.long)
    with torch.inference_mode():
        for step in range(BUDGET):
            text = torch.cat([embeddings, table(expected)], 1)
            places = torch.arange(LENGTH + step).expand(3, ROWS, -1)
            mask = torch.ones(LENGTH + step, LENGTH + step, dtype=torch.bool).tril()[None, None]
            states = plain.model.language_model(
                inputs_embeds=text,
                position_ids=places,
                attention_mask={"full_attention": mask},
                use_cache=False,
            ).last_hidden_state
            token = plain.lm_head(states[:, -1]).argmax(-1, keepdim=True)
            expected = torch.cat([expected, token], 1)
        decoder = Decoder(rewritten, ROWS, LENGTH, BUDGET, "cpu", graph=False)
        for _ in range(2):  # the second time with what the first has left in the cache
            decoder.prefill(embeddings, positions)
            assert decoder.decode().tolist() == expected.tolist()
    assert len({tuple(row) for row in expected.tolist()}) > 1


def test_prompts_are_read_without_a_mask_and_no_keys_are_copied(rewritten):
    decoder = Decoder(rewritten, ROWS, LENGTH, BUDGET, "cpu", graph=False)
    embeddings, positions = prompts(rewritten)
    with torch.inference_mode(), Attentions() as noted:
        decoder.prefill(embeddings, positions)
        read = len(noted.calls)
        decoder.step()
    for shape, arguments in noted.calls[:read]:
        assert shape == (ROWS, GROUPS, LENGTH, 8)
        assert arguments["is_causal"] and arguments["enable_gqa"] and "attn_mask" not in arguments
    places = decoder.mask.shape[-1]
    for shape, arguments in noted.calls[read:]:
        assert shape == (ROWS, GROUPS, places, 8)
        assert arguments["attn_mask"] is decoder.mask and "enable_gqa" not in arguments
    assert read == len(noted.calls) - read == 2  # layers


def test_a_mask_is_for_single_tokens(rewritten):
    several = torch.zeros(1, HEADS, 3, 8)
    keys = torch.zeros(1, GROUPS, 3, 8)
    with pytest.raises(ValueError, match="one query a sequence, not 3"):
        qwen_layers.grouped_attention(rewritten, several, keys, keys, torch.zeros(1, 1, 1, 3), scaling=1.0)


def test_a_back_end_rewrites_its_network():
    analyzer = Qwen2VL7B(Qwen2VLSettings(profile="random", model_size="tiny"))
    analyzer.load("cpu")
    model = analyzer.networks["qwen"].model
    assert model.language_model.config._attn_implementation == qwen_layers.TEXT_ATTENTION
    assert model.visual.config._attn_implementation == qwen_layers.VISION_ATTENTION
    assert "forward" in vars(model.visual.patch_embed)
