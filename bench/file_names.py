"""File names as text: in results, in reports, in messages and in the log."""

from __future__ import annotations

import os
from pathlib import Path


def readable(name: str | Path) -> str:
    r"""`name` as text that UTF-8 can encode: a byte that is not UTF-8 is written as `\xe9`.

    Python keeps such a byte as half of a surrogate pair, which is no character in JSON or XML. Under a locale
    that is not UTF-8, it keeps all bytes of "é" like that, and these become "é" again.
    """
    text = os.fspath(name)
    if text.isascii():
        return text
    try:
        encoded = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # the half of a pair that is no byte
        encoded = text.encode("utf-8", "backslashreplace")
    return encoded.decode("utf-8", "backslashreplace")
