"""Sentence embeddings: the numbers of the original implementation, and one model per process."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from clipbench.analyzers import weights
from clipbench.analyzers.features import torch_runtime
from clipbench.analyzers.features.text import sentence_embeddings
from clipbench.analyzers.features.text.sentence_embeddings import CARD, RANDOM, SentenceSettings
from clipbench.analyzers.production import torchvision_cpu
from clipbench.analyzers.registry import create
from clipbench.bench.planning.config import compose
from clipbench.bench.planning.plan import choose_models

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


def test_random_weights_need_no_file_and_are_the_same_every_time(monkeypatch):
    monkeypatch.setattr(sentence_embeddings, "resolve", lambda name: pytest.fail(f"looked for {name}"))
    torch = pytest.importorskip("torch")
    first = sentence_embeddings.Embedder(RANDOM, "cpu")(TEXTS)
    torch.rand(7)
    assert np.array_equal(sentence_embeddings.Embedder(RANDOM, "cpu")(TEXTS), first)
    assert first.shape == (4, 384) and np.linalg.norm(first, axis=1) == pytest.approx(1, abs=1e-5)
    assert len({vector.tobytes() for vector in first}) == 4


def test_without_a_vocabulary_a_text_has_about_as_many_tokens(embedder):
    known, guessed = embedder._tokens, sentence_embeddings.Embedder(RANDOM, "cpu")._tokens
    text = ["Two people ride motorcycles along a mountain road, and neither of them wears a helmet."]
    assert 0.8 * len(known(text)[0]) <= len(guessed(text)[0]) <= 1.2 * len(known(text)[0])
    assert len(guessed(["word " * 1000])[0]) == len(known(["word " * 1000])[0]) == 256
    assert guessed(["A cat."]) == guessed(["a CAT."]) != guessed(["a dog."])


@pytest.mark.parametrize(("installed", "profile", "model"), [
    (False, "random", RANDOM),
    (True, "random", CARD),
    (False, "embedded", CARD),
    (False, "full", CARD),
])  # fmt: skip
def test_weights_are_random_only_where_all_are_and_these_are_not_here(monkeypatch, installed, profile, model):
    monkeypatch.setattr(weights, "is_installed", lambda name: installed)
    chosen = choose_models(compose(f"models={profile}").models)
    for name in ("temporal_flow", "cross_analyzer_intelligence"):
        assert chosen[name].model == model
        assert create(name, chosen[name]).random == (model == RANDOM)


def test_a_file_of_ones_own_is_not_replaced(monkeypatch):
    monkeypatch.setattr(weights, "is_installed", lambda name: False)
    assert SentenceSettings("own/model.safetensors").at_random().model == "own/model.safetensors"
