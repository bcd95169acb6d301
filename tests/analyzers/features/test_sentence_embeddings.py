"""Sentence embeddings: the numbers of the original implementation, and one model per process."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from clipbench.analyzers import weights
from clipbench.analyzers.features import torch_runtime
from clipbench.analyzers.features.text import sentence_embeddings
from clipbench.analyzers.production import torchvision_cpu

TEXTS = [
    "A kitten sleeps.",
    "The cat is asleep on the sofa, as it always is at noon.",
    "Interest rates rose.",
    "",
]


@pytest.fixture(scope="module")
def embedder():
    embedder = sentence_embeddings.open_embedder("minilm-l6-v2")
    yield embedder
    sentence_embeddings.close(embedder)


def test_like_meaning_is_near(embedder):
    vectors = embedder(TEXTS)
    assert vectors.shape == (4, 384) and vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    alike = vectors @ vectors.T
    assert alike[0, 1] > 0.5 > 0.1 > alike[0, 2]
    assert embedder([]).shape == (0, 384)


def test_it_keeps_its_precision_where_another_thread_builds_in_half(embedder):
    """Libraries change PyTorch's default type for all threads while they build."""
    torch = pytest.importorskip("torch")
    opened = []
    opening = threading.Thread(
        target=lambda: opened.append(sentence_embeddings.Embedder("minilm-l6-v2", "cpu"))
    )
    with torch_runtime.building:
        torch.set_default_dtype(torch.bfloat16)
        try:
            opening.start()
            opening.join(1.0)
            assert not opened
        finally:
            torch.set_default_dtype(torch.float32)
    opening.join()
    assert np.array_equal(opened[0](TEXTS), embedder(TEXTS))


def test_same_numbers_as_transformers(embedder):
    torch = pytest.importorskip("torch")
    torchvision_cpu.prepare()  # transformers imports torchvision where there is one
    bert = pytest.importorskip("transformers.models.bert.modeling_bert")
    tokenizers = pytest.importorskip("tokenizers")
    folder = weights.resolve("minilm-l6-v2").parent
    net = bert.BertModel.from_pretrained(folder, local_files_only=True).eval()
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    for text, ours in zip(TEXTS, embedder(TEXTS), strict=True):
        with torch.inference_mode():
            tokens = net(torch.tensor([tokenizer.encode(text).ids])).last_hidden_state[0]
        theirs = torch.nn.functional.normalize(tokens.mean(0), dim=0).numpy()
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_one_model_per_process():
    first, second = (
        sentence_embeddings.open_embedder("minilm-l6-v2"),
        sentence_embeddings.open_embedder("minilm-l6-v2"),
    )
    assert first is second
    sentence_embeddings.close(first)
    assert sentence_embeddings.open_embedder("minilm-l6-v2") is second
    sentence_embeddings.close(second)
    sentence_embeddings.close(second)


def test_another_file_is_refused(tmp_path):
    other = tmp_path / "model.safetensors"
    other.write_bytes(b"not weights")
    with pytest.raises(weights.ModelError):
        sentence_embeddings.open_embedder(str(other))
