"""Whisper weights in CTranslate2's format, converted to openai-whisper's.

A CTranslate2 `model.bin` (version 6 of its format) is little-endian and contains no code: u32 format version,
spec name, u32 spec revision, u32 count of variables; per variable its name, u8 rank, u32 for each dimension,
u8 type, u32 bytes, the bytes; at the end u32 count of aliases, each two names. A name is a u16 length and
that many bytes, the last of them zero.
The format is that of `ctranslate2/specs/model_spec.py` (`Model.save`) and `converters/transformers.py`
(`WhisperLoader`), which joins query, key and value, or key and value, in one matrix.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from whisper.model import Whisper

_TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
_FORMAT = 6


class FormatError(ValueError):
    """The file is not a CTranslate2 Whisper model of the format that this module reads."""


class _Reader:
    """Reads fields from the content of a file, one after another."""

    def __init__(self, content: bytearray) -> None:
        self.content, self.at = content, 0

    def number(self, form: str) -> int:
        value: int
        (value,) = struct.unpack_from("<" + form, self.content, self.at)
        self.at += struct.calcsize("<" + form)
        return value

    def name(self) -> str:
        size = self.number("H")
        self.at += size
        return self.content[self.at - size : self.at].rstrip(b"\0").decode()

    def array(self) -> np.ndarray:
        shape = [self.number("I") for _ in range(self.number("B"))]
        kind = np.dtype(_TYPES[self.number("B")])
        size = self.number("I")
        values = np.frombuffer(self.content, kind, size // kind.itemsize, self.at).reshape(shape)
        self.at += size
        return values


def read(path: Path, *rest: Path) -> dict[str, np.ndarray]:
    """All variables of the model file by name; raises FormatError if it is another kind of file.

    A file that was divided goes on in `rest`.
    """
    reader = _Reader(bytearray().join(part.read_bytes() for part in (path, *rest)))
    try:
        version, spec = reader.number("I"), reader.name()
        if version != _FORMAT or spec != "WhisperSpec":
            raise FormatError(f"{path}: format {version} of {spec!r}, not format {_FORMAT} of a WhisperSpec")
        reader.number("I")
        variables = {reader.name(): reader.array() for _ in range(reader.number("I"))}
    except (struct.error, KeyError, UnicodeDecodeError, ValueError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"{path}: not a CTranslate2 model, or cut short ({error})") from error
    for name, values in variables.items():
        # Such numbers mean little without their scales, which are not read here.
        if name.endswith("/weight") and values.dtype.kind == "i":
            raise FormatError(
                f"{path}: quantized to {values.dtype}; convert it with float16 or float32 weights"
            )
    return variables


def rename(variables: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The variables under the names, and in the shapes, of an openai-whisper checkpoint."""
    width = variables["encoder/layer_norm/gamma"].shape[0]
    state: dict[str, np.ndarray] = {
        "encoder.positional_embedding": variables["encoder/position_encodings/encodings"],
        "decoder.positional_embedding": variables["decoder/position_encodings/encodings"],
        "decoder.token_embedding.weight": variables["decoder/embeddings/weight"],
    }

    def linear(to: str, source: str, parts: tuple[str, ...] = ("",)) -> None:
        """Copy a matrix, or several stacked ones; whisper's keys have no bias, CTranslate2's a zero one."""
        for index, part in enumerate(parts):
            rows = slice(index * width, (index + 1) * width) if len(parts) > 1 else slice(None)
            state[f"{to}{part}.weight"] = variables[f"{source}/weight"][rows]
            if part != "key":
                state[f"{to}{part}.bias"] = variables[f"{source}/bias"][rows]

    def norm(to: str, source: str) -> None:
        state[f"{to}.weight"] = variables[f"{source}/gamma"]
        state[f"{to}.bias"] = variables[f"{source}/beta"]

    linear("encoder.conv1", "encoder/conv1")
    linear("encoder.conv2", "encoder/conv2")
    norm("encoder.ln_post", "encoder/layer_norm")
    norm("decoder.ln", "decoder/layer_norm")
    for side in ("encoder", "decoder"):
        for layer in range(_layers(variables, side)):
            to, source = f"{side}.blocks.{layer}", f"{side}/layer_{layer}"
            linear(f"{to}.attn.", f"{source}/self_attention/linear_0", ("query", "key", "value"))
            linear(f"{to}.attn.out", f"{source}/self_attention/linear_1")
            norm(f"{to}.attn_ln", f"{source}/self_attention/layer_norm")
            if side == "decoder":
                linear(f"{to}.cross_attn.query", f"{source}/attention/linear_0")
                linear(f"{to}.cross_attn.", f"{source}/attention/linear_1", ("key", "value"))
                linear(f"{to}.cross_attn.out", f"{source}/attention/linear_2")
                norm(f"{to}.cross_attn_ln", f"{source}/attention/layer_norm")
            linear(f"{to}.mlp.0", f"{source}/ffn/linear_0")
            linear(f"{to}.mlp.2", f"{source}/ffn/linear_1")
            norm(f"{to}.mlp_ln", f"{source}/ffn/layer_norm")
    return state


def _layers(variables: dict[str, np.ndarray], side: str) -> int:
    parts = {name.split("/")[1] for name in variables if name.startswith(f"{side}/")}
    return sum(part.removeprefix("layer_").isdigit() for part in parts)


def load(path: Path, *rest: Path) -> Whisper:
    """The openai-whisper model, in float32 on the CPU; `config.json` beside it names the alignment heads.

    A file that was divided goes on in `rest`.

    Raises RuntimeError if a parameter is missing or has another shape.
    """
    import torch
    from whisper.model import ModelDimensions, Whisper

    variables = read(path, *rest)
    encodings = variables["encoder/position_encodings/encodings"]
    embeddings = variables["decoder/embeddings/weight"]
    heads = int(variables["encoder/num_heads"].reshape(-1)[0])
    model = Whisper(
        ModelDimensions(
            n_mels=variables["encoder/conv1/weight"].shape[1],
            n_audio_ctx=encodings.shape[0],
            n_audio_state=encodings.shape[1],
            n_audio_head=heads,
            n_audio_layer=_layers(variables, "encoder"),
            n_vocab=embeddings.shape[0],
            n_text_ctx=variables["decoder/position_encodings/encodings"].shape[0],
            n_text_state=embeddings.shape[1],
            n_text_head=heads,
            n_text_layer=_layers(variables, "decoder"),
        )
    )
    state = {name: torch.from_numpy(values) for name, values in rename(variables).items()}
    model.load_state_dict(state, strict=True)  # converted to the model's float32
    config = json.loads(path.with_name("config.json").read_text(encoding="utf-8"))
    mask = torch.zeros(model.dims.n_text_layer, model.dims.n_text_head, dtype=torch.bool)
    for layer, head in config["alignment_heads"]:
        mask[layer, head] = True
    model.register_buffer("alignment_heads", mask.to_sparse(), persistent=False)
    return model.eval()
