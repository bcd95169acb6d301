"""Words as they are compared: lower case, without punctuation."""

from __future__ import annotations


def words_of(text: str) -> str:
    """The words of `text` in lower case, without punctuation, separated by single spaces."""
    kept = (c if c.isalnum() or c == "'" else " " for c in text.lower())
    return " ".join("".join(kept).split())
