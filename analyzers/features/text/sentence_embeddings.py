"""Sentence embeddings: all-MiniLM-L6-v2 on PyTorch.

Source: sentence-transformers' all-MiniLM-L6-v2 (Reimers and Gurevych, "Sentence-BERT", EMNLP 2019; MiniLM:
Wang et al., 2020), a BERT of six layers whose token vectors are averaged. A BERT layer is PyTorch's own
post-norm TransformerEncoderLayer, so the weights are loaded into that: transformers would give the same
numbers (a test compares them) but takes seconds to import.

Where its package is not installed, models=random computes with the same network of random weights, RANDOM.
"""

from __future__ import annotations

import re
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from clipbench.analyzers import weights
from clipbench.analyzers.base import Analyzer, Settings, setting
from clipbench.analyzers.features import random_parameters, torch_runtime
from clipbench.analyzers.weights import ModelError, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import torch

#: Sentences → the ids of each one's tokens, from the first token of a text to its last.
Tokenize: TypeAlias = Callable[["Sequence[str]"], "list[list[int]]"]

#: The embeddings' model card, and what stands in its place for the same network of random weights.
CARD, RANDOM = "minilm-l6-v2", "minilm-l6-v2-random"
WIDTH, HEADS, LAYERS, INNER, VOCABULARY, POSITIONS = 384, 12, 6, 1536, 30522, 512
MAX_TOKENS = 256  # the longest sentences that it was trained on
BATCH = 64
#: BERT's tokens before and after a text, the one that fills a batch up, and the first that means a word.
FIRST, LAST, PADDING, WORDS = 101, 102, 0, 999
#: What is one token without a vocabulary: up to so many letters or digits, or one other character.
WORD = re.compile(r"\w{1,12}|[^\w\s]")

_lock = threading.Lock()


@dataclass
class _Shared:
    """A loaded embedder, and how many analyzers use it."""

    embedder: Embedder
    users: int = 0


_shared: dict[tuple[str, str], _Shared] = {}


@dataclass
class SentenceSettings(Settings):
    """Settings of an analyzer that compares sentences."""

    model: str = setting(CARD, "model card of the sentence embeddings")

    def at_random(self) -> SentenceSettings:
        absent = self.model == CARD and not weights.is_installed(CARD)
        return replace(self, model=RANDOM) if absent else self


class UsesSentences(Analyzer):
    """An analyzer that compares sentences with the one embedder of its process."""

    settings: SentenceSettings
    settings_type = SentenceSettings
    _embedder: Embedder | None = None

    @property
    def random(self) -> bool:
        """Whether its embeddings mean nothing."""
        return self.settings.model == RANDOM

    def load(self, device: str = "cpu") -> None:
        self._embedder = open_embedder(self.settings.model, device)

    def unload(self) -> None:
        if self._embedder is not None:
            close(self._embedder)
            self._embedder = None


class Embedder:
    """Turns sentences into unit vectors; `open_embedder` makes it, and `close` gives it back."""

    def __init__(self, model: str, device: str) -> None:
        self._device = device
        self._network, self._tokens = _random() if model == RANDOM else _pretrained(model)
        self._network.to(device).eval()

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

        rows = self._tokens(sentences)
        longest = max(map(len, rows))
        ids = torch.tensor([row + [PADDING] * (longest - len(row)) for row in rows], device=self._device)
        counts = torch.tensor(list(map(len, rows)), device=self._device)
        mask = (torch.arange(longest, device=self._device) < counts[:, None]).long()
        with torch.inference_mode():
            tokens = self._network(ids, mask)
            weights = mask[..., None].to(tokens.dtype)
            mean = (tokens * weights).sum(1) / weights.sum(1)
            return torch.nn.functional.normalize(mean, dim=1).float().cpu().numpy()


def open_embedder(model: str, device: str = "cpu") -> Embedder:
    """The one embedder of this process for `model` (a card's name, or RANDOM) on `device`.

    `close` it when done.

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


def _pretrained(model: str) -> tuple[torch.nn.Module, Tokenize]:
    """The network and the tokenizer of a card, or of a file with a tokenizer.json beside it."""
    from safetensors.torch import load_file
    from tokenizers import Tokenizer

    path = resolve(model)
    try:
        network = _network()
        network.load_state_dict(_renamed(load_file(path)))
        tokenizer = Tokenizer.from_file(str(path.with_name("tokenizer.json")))
    except Exception as error:
        raise ModelError(f"{path} is not a MiniLM with its tokenizer beside it: {error}") from error
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    return network, lambda sentences: [each.ids for each in tokenizer.encode_batch(list(sentences))]


def _random() -> tuple[torch.nn.Module, Tokenize]:
    """The network with random weights, and `_hashed`."""
    return random_parameters.initialise(_network()), lambda sentences: [_hashed(s) for s in sentences]


def _hashed(sentence: str) -> list[int]:
    """A token for each word, always the same one: about as many as with the vocabulary, which is not here."""
    words = WORD.findall(sentence.lower())[: MAX_TOKENS - 2]
    ids = [WORDS + zlib.crc32(word.encode()) % (VOCABULARY - WORDS) for word in words]
    return [FIRST, *ids, LAST]


def _network() -> torch.nn.Module:
    """The untrained network: it turns token ids and mask, both `[N, T]`, into vectors `[N, T, 384]`."""
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
