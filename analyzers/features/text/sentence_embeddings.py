"""Sentence embeddings: all-MiniLM-L6-v2 on PyTorch.

Source: sentence-transformers' all-MiniLM-L6-v2 (Reimers and Gurevych, "Sentence-BERT", EMNLP 2019; MiniLM:
Wang et al., 2020), a BERT of six layers whose token vectors are averaged. A BERT layer is PyTorch's own
post-norm TransformerEncoderLayer, so the weights are loaded into that: transformers would give the same
numbers (a test compares them) but takes seconds to import.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clipbench.analyzers.features import torch_runtime
from clipbench.analyzers.weights import ModelError, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import torch

WIDTH, HEADS, LAYERS, INNER, VOCABULARY, POSITIONS = 384, 12, 6, 1536, 30522, 512
MAX_TOKENS = 256  # the longest sentences that it was trained on
BATCH = 64

_lock = threading.Lock()


@dataclass
class _Shared:
    """A loaded embedder, and how many analyzers use it."""

    embedder: Embedder
    users: int = 0


_shared: dict[tuple[str, str], _Shared] = {}


class Embedder:
    """Turns sentences into unit vectors; `open_embedder` makes it, and `close` gives it back."""

    def __init__(self, model: str, device: str) -> None:
        from safetensors.torch import load_file
        from tokenizers import Tokenizer

        path = resolve(model)
        self._device = device
        try:
            self._network = _network(load_file(path)).to(device).eval()
            self._tokenizer = Tokenizer.from_file(str(path.with_name("tokenizer.json")))
        except Exception as error:
            raise ModelError(f"{path} is not a MiniLM with its tokenizer beside it: {error}") from error
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.enable_padding()

    def __call__(self, sentences: Sequence[str]) -> np.ndarray:
        """Vectors float32 `[N, 384]` of length 1: the dot product of two is their cosine similarity."""
        import numpy as np

        vectors = np.empty((len(sentences), WIDTH), np.float32)
        # Sentences of similar length go together, so that little is padded.
        order = sorted(range(len(sentences)), key=lambda index: len(sentences[index]))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            vectors[batch] = self._embed([sentences[index] for index in batch])
        return vectors

    def _embed(self, sentences: list[str]) -> np.ndarray:
        import torch

        encoded = self._tokenizer.encode_batch(sentences)
        ids = torch.tensor([e.ids for e in encoded], device=self._device)
        mask = torch.tensor([e.attention_mask for e in encoded], device=self._device)
        with torch.inference_mode():
            tokens = self._network(ids, mask)
            weights = mask[..., None].to(tokens.dtype)
            mean = (tokens * weights).sum(1) / weights.sum(1)
            return torch.nn.functional.normalize(mean, dim=1).float().cpu().numpy()


def open_embedder(model: str, device: str = "cpu") -> Embedder:
    """The one embedder of this process for `model` (a card's name) on `device`; `close` it when done.

    Raises weights.ModelError if the weights are missing or not those of the card.
    """
    with _lock:
        shared = _shared.get((model, device))
        if shared is None:
            shared = _shared[model, device] = _Shared(Embedder(model, device))
        shared.users += 1
        return shared.embedder


def close(embedder: Embedder) -> None:
    """Stop using the embedder; its memory is freed when its last user has closed it."""
    with _lock:
        for key, shared in list(_shared.items()):
            if shared.embedder is embedder:
                shared.users -= 1
                if shared.users == 0:
                    del _shared[key]


def _network(weights: Mapping[str, torch.Tensor]) -> torch.nn.Module:
    """The network that turns token ids and mask, both `[N, T]`, into token vectors `[N, T, 384]`."""
    from torch import nn

    class Bert(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.word = nn.Embedding(VOCABULARY, WIDTH)
            self.position = nn.Embedding(POSITIONS, WIDTH)
            self.kind = nn.Embedding(2, WIDTH)
            self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
            layer = nn.TransformerEncoderLayer(
                WIDTH, HEADS, INNER, dropout=0, activation="gelu", layer_norm_eps=1e-12, batch_first=True
            )
            self.encoder = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)

        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            x = self.word(ids) + self.position.weight[: ids.shape[1]] + self.kind.weight[0]
            tokens: torch.Tensor = self.encoder(self.norm(x), src_key_padding_mask=mask == 0)
            return tokens

    torch_runtime.use_thread_budget()
    with torch_runtime.building:
        network = Bert()
    network.load_state_dict(_renamed(weights))
    return network


def _renamed(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """BERT's weights under the names that PyTorch's encoder gives them."""
    import torch

    parts = {
        "attention.output.dense": "self_attn.out_proj",
        "attention.output.LayerNorm": "norm1",
        "intermediate.dense": "linear1",
        "output.dense": "linear2",
        "output.LayerNorm": "norm2",
    }
    named = {
        "word.weight": weights["embeddings.word_embeddings.weight"],
        "position.weight": weights["embeddings.position_embeddings.weight"],
        "kind.weight": weights["embeddings.token_type_embeddings.weight"],
        "norm.weight": weights["embeddings.LayerNorm.weight"],
        "norm.bias": weights["embeddings.LayerNorm.bias"],
    }
    for index in range(LAYERS):
        source, target = f"encoder.layer.{index}.", f"encoder.layers.{index}."
        for end in ("weight", "bias"):
            attention = f"{source}attention.self."
            projections = [weights[f"{attention}{part}.{end}"] for part in ("query", "key", "value")]
            named[f"{target}self_attn.in_proj_{end}"] = torch.cat(projections)
            for theirs, ours in parts.items():
                named[f"{target}{ours}.{end}"] = weights[f"{source}{theirs}.{end}"]
    return named
