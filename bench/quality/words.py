"""Words as they are compared: lower case, without punctuation, numbers as they are spoken."""

from __future__ import annotations

import re

_SMALL = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"]
_SMALL += ["twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def words_of(text: str) -> str:
    """The words of `text` in lower case, without punctuation, separated by single spaces.

    Whole numbers below 1000 are spelled out: who transcribes "4" has heard "four".
    """
    kept = (c if c.isalnum() or c == "'" else " " for c in text.lower())
    return " ".join(spelled(word) for word in "".join(kept).split())


def spelled(word: str) -> str:
    """A number below 1000 as it is spoken, such as "one hundred five"; other words as they are."""
    if not re.fullmatch(r"[1-9][0-9]{0,2}|0", word):
        return word
    hundreds, rest = divmod(int(word), 100)
    spoken = [_SMALL[hundreds], "hundred"] if hundreds else []
    if rest >= 20:
        spoken.append(_TENS[rest // 10 - 2])
        rest %= 10
    if rest or not spoken:
        spoken.append(_SMALL[rest])
    return " ".join(spoken)
