"""Greedy decoding of a batch of equally long prompts with a static cache, without waiting for the device.

Every sequence is decoded for the whole budget of tokens and cut at its end afterwards: looking for ends
would make the host wait at every token. On a GPU the step is recorded as a CUDA graph, because starting its
kernels one by one takes longer than running them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from clipbench.analyzers.production import recording, torch_device

if TYPE_CHECKING:
    import torch


class StaticKeys:
    """Keys and values of all layers, [rows, groups, places, D] each, in memory that stays where it is.

    transformers asks a cache for no more than `update`. A prompt fills the first places and is given back as
    it came; a token is written at `place`, a tensor that all layers share, and all places are given back.
    """

    def __init__(self, model: Any, rows: int, places: int, place: torch.Tensor) -> None:
        import torch

        config = model.config.text_config
        groups, size = config.num_key_value_heads, config.hidden_size // config.num_attention_heads
        shape = (2, config.num_hidden_layers, rows, groups, places, size)
        self._kept = torch.zeros(shape, dtype=model.dtype, device=place.device)
        self._place = place

    def update(
        self, keys: torch.Tensor, values: torch.Tensor, layer: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Keep a layer's further keys and values; returns those that it attends to."""
        kept_keys, kept_values = self._kept[:, layer].unbind(0)
        if keys.shape[2] > 1:
            kept_keys[:, :, : keys.shape[2]] = keys
            kept_values[:, :, : keys.shape[2]] = values
            return keys, values
        kept_keys.index_copy_(2, self._place, keys)
        kept_values.index_copy_(2, self._place, values)
        return kept_keys, kept_values


class Decoder:
    """Decodes `rows` prompts of `length` tokens for `budget` tokens each, with the language half of `model`.

    All memory is allocated once. A CUDA graph holds addresses: after the model has moved, make a new decoder.
    """

    def __init__(self, model: Any, rows: int, length: int, budget: int, device: str, graph: bool) -> None:
        import torch

        self.shape = (rows, length, budget)
        self.device, self.length, self.budget = device, length, budget
        self.language, self.head = model.model.language_model, model.lm_head
        places = -(-(length + budget) // 8) * 8  # kernels want masks of such lengths
        with torch.device(device):
            self.tokens = torch.zeros(rows, budget, dtype=torch.long)
            self.last = torch.zeros(rows, 1, dtype=torch.long)
            self.position = torch.zeros(3, rows, 1, dtype=torch.long)
            self.place = torch.zeros(1, dtype=torch.long)  # in the cache, of the token that is read next
            self.written = torch.zeros(1, dtype=torch.long)
            # Added to how much a token attends to a place: a mask of truth values every layer would convert.
            self.mask = torch.full((1, 1, 1, places), -math.inf, dtype=model.dtype)
        self.cache = StaticKeys(model, rows, places, self.place)
        self.graph: torch.cuda.CUDAGraph | None = None
        self.why_no_graph = "" if graph else "not asked for"
        if not torch_device.on_gpu(device):
            self.why_no_graph = "there is no GPU"

    def prefill(self, embeddings: torch.Tensor, positions: torch.Tensor) -> None:
        """Read the prompts, `embeddings` [rows, length, D] at `positions` [3, rows, length]."""
        first = self._next(embeddings, positions, None)
        self.restart(first, positions)
        if torch_device.on_gpu(self.device) and self.graph is None and not self.why_no_graph:
            self.graph, self.why_no_graph = recording.attempt(self.step, self.device, self)
            self.restart(first, positions)

    def decode(self) -> torch.Tensor:
        """The tokens [rows, budget], which the next prefill overwrites."""
        for _ in range(self.budget - 1):
            if self.graph is not None:
                self.graph.replay()
            else:
                self.step()
        return self.tokens

    def restart(self, first: torch.Tensor, positions: torch.Tensor) -> None:
        """Set the state to that after the prompt and its `first` token, whatever was decoded since."""
        self.last.copy_(first)
        self.tokens[:, :1] = first
        self.written.fill_(1)
        self.place.fill_(self.length)
        self.position.copy_(positions.amax((0, 2), keepdim=True).expand(3, -1, 1) + 1)
        self.mask.fill_(-math.inf)
        self.mask[..., : self.length] = 0

    def step(self) -> None:
        """Read the last token and write the next one, with all state on the device."""
        self.mask.index_fill_(3, self.place, 0)
        embeddings = self.language.get_input_embeddings()(self.last)
        self.last.copy_(self._next(embeddings, self.position, self.mask))
        self.tokens.index_copy_(1, self.written, self.last)
        for counter in (self.position, self.place, self.written):
            counter.add_(1)

    def _next(
        self, embeddings: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor | None
    ) -> torch.Tensor:
        """The most likely next tokens [rows, 1]; without a `mask`, `embeddings` are whole prompts."""
        states = self.language(
            inputs_embeds=embeddings,
            position_ids=positions,
            attention_mask={"full_attention": mask},
            past_key_values=self.cache,
            use_cache=True,
        ).last_hidden_state
        tokens: torch.Tensor = self.head(states[:, -1]).argmax(-1, keepdim=True)
        return tokens


class Run(NamedTuple):
    """How a chunk's seconds were described."""

    batch: int
    prompt_tokens: int
    visual_tokens: int
    prefill_s: float
    decode_s: float
    decoded_tokens: int
    cuda_graph: bool
    why_no_cuda_graph: str


def facts_of(runs: list[Run]) -> dict[str, Any]:
    """The facts about all runs of a clip together; of the last one, where they cannot differ."""
    if not runs:
        return {}
    prefill_s, decode_s = (sum(getattr(run, part) for run in runs) for part in ("prefill_s", "decode_s"))
    decoded = sum(run.decoded_tokens for run in runs)
    return {
        "batch": max(run.batch for run in runs),
        "prompt_tokens": runs[-1].prompt_tokens,
        "visual_tokens": runs[-1].visual_tokens,
        "prefill_s": round(prefill_s, 4),
        "decode_s": round(decode_s, 4),
        "decoded_tokens_per_s": round(decoded / max(decode_s, 1e-9), 1),
        "cuda_graph": all(run.cuda_graph for run in runs),
        "why_no_cuda_graph": next((run.why_no_cuda_graph for run in runs if run.why_no_cuda_graph), ""),
    }
