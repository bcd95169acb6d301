"""Whisper's weights from a CTranslate2 file: a written one, the real one, and broken ones."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from clipbench.analyzers import weights
from clipbench.analyzers.weights import whisper_ct2

TYPES = {np.dtype(np.float32): 0, np.dtype(np.int8): 1, np.dtype(np.int32): 3, np.dtype(np.float16): 4}


def named(text: str) -> bytes:
    return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"


def written(variables: dict[str, np.ndarray], version: int = 6, spec: str = "WhisperSpec") -> bytes:
    """A file of CTranslate2's format, from its description."""
    parts = [struct.pack("<I", version), named(spec), struct.pack("<II", 3, len(variables))]
    for name, values in variables.items():
        shape = struct.pack(f"<B{values.ndim}I", values.ndim, *values.shape)
        parts += [
            named(name),
            shape,
            struct.pack("<BI", TYPES[values.dtype], values.nbytes),
            values.tobytes(),
        ]
    return b"".join([*parts, struct.pack("<I", 0)])


@pytest.fixture
def file(tmp_path):
    return tmp_path / "model.bin"


def test_what_is_written_is_read(file):
    variables = {
        "a/weight": np.arange(6, dtype=np.float16).reshape(2, 3),
        "b": np.array(7, np.int8),
        "c/bias": np.linspace(0, 1, 4, dtype=np.float32),
    }
    file.write_bytes(written(variables))
    found = whisper_ct2.read(file)
    assert list(found) == list(variables)
    for name, values in variables.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize("size", [1, 30, 60])
def test_a_file_that_was_divided_anywhere_is_read(file, tmp_path, size):
    values = np.arange(6, dtype=np.float16).reshape(2, 3)
    whole = written({"a/weight": values})
    file.write_bytes(whole[:size])
    (tmp_path / "rest").write_bytes(whole[size:])
    np.testing.assert_array_equal(whisper_ct2.read(file, tmp_path / "rest")["a/weight"], values)


@pytest.mark.parametrize("content", [b"", b"\0\0", b"PK\3\4" + bytes(50), bytes(1000)])
def test_another_file_is_refused(file, content):
    file.write_bytes(content)
    with pytest.raises(whisper_ct2.FormatError, match=r"model\.bin"):
        whisper_ct2.read(file)


def test_another_model_or_version_is_refused(file):
    for change in ({"version": 5}, {"spec": "TransformerSpec"}):
        file.write_bytes(written({}, **change))
        with pytest.raises(whisper_ct2.FormatError, match="WhisperSpec"):
            whisper_ct2.read(file)


def test_quantized_weights_are_refused(file):
    scale = np.ones(2, np.float32)
    file.write_bytes(written({"a/weight": np.ones((2, 3), np.int8), "a/weight_scale": scale}))
    with pytest.raises(whisper_ct2.FormatError, match="quantized to int8"):
        whisper_ct2.read(file)


def test_a_file_that_is_cut_short_is_refused(file):
    whole = written({"a": np.arange(100, dtype=np.float32)})
    for size in (10, 40, len(whole) - 200):
        file.write_bytes(whole[:size])
        with pytest.raises(whisper_ct2.FormatError):
            whisper_ct2.read(file)


def real(name: str):
    """A real model; skips the test where its package, which an extra brings, is not installed."""
    if not weights.is_installed(name):
        pytest.skip(f"{name} is not installed")
    return whisper_ct2.load(*weights.resolve_parts(name))


# openai-whisper's own lists of the heads that follow the sound.
TINY_HEADS = [[1, 0], [2, 0], [2, 5], [3, 0], [3, 1], [3, 2], [3, 3], [3, 4]]
BASE_HEADS = [[3, 1], [4, 2], [4, 3], [4, 7], [5, 1], [5, 2], [5, 4], [5, 6]]


@pytest.mark.parametrize(
    ("name", "layers", "width", "vocabulary", "heads"),
    [("whisper-tiny.en", 4, 384, 51864, TINY_HEADS), ("whisper-base", 6, 512, 51865, BASE_HEADS)],
)
def test_the_real_ones_become_whisper(name, layers, width, vocabulary, heads):
    model = real(name)
    assert (model.dims.n_audio_layer, model.dims.n_text_layer, model.dims.n_vocab) == (
        layers, layers, vocabulary,
    )  # fmt: skip
    assert model.is_multilingual == (not name.endswith(".en"))
    assert model.alignment_heads.to_dense().nonzero().tolist() == heads
    # The encoder's positions are a formula, so they show that tensors are where they belong.
    from whisper.model import sinusoids

    np.testing.assert_allclose(
        model.encoder.positional_embedding.numpy(), sinusoids(1500, width).numpy(), atol=2e-3
    )
