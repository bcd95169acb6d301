"""Qwen2-VL's layers with the library's values and parameters, in fewer and larger kernels.

What the library does is right and general. Here all blocks of frames are equally long, all prompts too, and
nothing is padded, so that attention needs no mask but in decoding. `rewrite` replaces how layers compute, not
what they hold: parameters are read when a layer runs, wherever they are then.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

#: The names under which transformers knows the attention of the two halves.
VISION_ATTENTION, TEXT_ATTENTION = "equal_blocks", "grouped_queries"


def rewrite(model: Any) -> None:
    """Let the layers of a Qwen2VLForConditionalGeneration compute as the functions below do."""
    from transformers import AttentionInterface
    from transformers.models.qwen2_vl.modeling_qwen2_vl import Qwen2VLRMSNorm

    visual, language = model.model.visual, model.model.language_model
    projection = visual.patch_embed.proj
    if projection.stride == projection.kernel_size and projection.bias is None:
        visual.patch_embed.forward = partial(embed_patches, projection)
    norms: list[Any] = [module for module in language.modules() if isinstance(module, Qwen2VLRMSNorm)]
    for norm in norms:
        norm.forward = partial(rms_norm, norm)
    AttentionInterface.register(VISION_ATTENTION, block_attention)
    AttentionInterface.register(TEXT_ATTENTION, grouped_attention)
    visual.set_attn_implementation(VISION_ATTENTION)
    language.set_attn_implementation(TEXT_ATTENTION)


def embed_patches(projection: torch.nn.Conv3d, patches: torch.Tensor) -> torch.Tensor:
    """The embeddings [N, D] of patches [N, channels * frames * side²], which do not overlap.

    Such a convolution is a matrix product, and cuDNN's for three dimensions can be far slower than one
    (transformers' pull request 45041).
    """
    from torch.nn.functional import linear

    weight = projection.weight.flatten(1)
    return linear(patches.view(-1, weight.shape[1]).to(weight.dtype), weight)


def rms_norm(layer: Any, states: torch.Tensor) -> torch.Tensor:
    """`states` [..., D] over the root of their mean square, in one kernel on a GPU."""
    from torch.nn import functional

    return functional.rms_norm(states, layer.weight.shape, layer.weight, layer.variance_epsilon)


def block_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    scaling: float,
    block_length: int | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Attention within blocks of `block_length` of a sequence [1, heads, length, D], all blocks at once.

    Without a length the sequence is one block. Returns [1, length, heads, D], as transformers expects it.
    """
    from torch.nn.functional import scaled_dot_product_attention

    heads, length, size = query.shape[1:]

    def in_blocks(states: torch.Tensor) -> torch.Tensor:
        return states.transpose(1, 2).view(-1, block_length or length, heads, size).transpose(1, 2)

    seen = scaled_dot_product_attention(in_blocks(query), in_blocks(key), in_blocks(value), scale=scaling)
    return seen.transpose(1, 2).reshape(1, length, heads, size), None


def grouped_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    scaling: float,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of queries [N, heads, length, D] to keys that groups of heads share, without copying them.

    Without a mask it is that of a prompt to itself. With one, which is added, it is that of one token to
    `key` [N, groups, places, D]: the queries of a group are then rows of one attention, since PyTorch's
    kernels do not combine a mask with shared keys. Returns [N, length, heads, D].
    """
    from torch.nn.functional import scaled_dot_product_attention

    count, heads, length, size = query.shape
    if attention_mask is None:
        seen = scaled_dot_product_attention(
            query, key, value, is_causal=True, scale=scaling, enable_gqa=heads != key.shape[1]
        )
        return seen.transpose(1, 2), None
    if length != 1:
        raise ValueError(f"with a mask there is one query a sequence, not {length}")
    grouped = query.reshape(count, key.shape[1], -1, size)
    seen = scaled_dot_product_attention(grouped, key, value, attn_mask=attention_mask, scale=scaling)
    return seen.reshape(count, 1, heads, size), None
