"""Names of files on the command line, in which Hydra's grammar gives a meaning to many characters."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence

from clipbench.bench.file_names import readable
from clipbench.bench.invocation import literal

#: The keys whose value is a file that exists before the run.
FILE_KEYS = ("clip.path", "clip.truth", "costs.file")
#: Characters that a POSIX shell replaces within double quotes; "!" is one at a prompt.
REPLACED = re.compile(r'[$`"\\!]')
#: What has a meaning in $'…', which is how bash and zsh take any character.
BASH = {"\\": r"\\", "'": r"\'"}
#: The keys whose value is the name of a file or a folder.
PATH_KEYS = (*FILE_KEYS, "hydra.run.dir", "hydra.sweep.dir", "baseline_store", "costs.store")


def with_quoted_files(arguments: Sequence[str]) -> list[str]:
    """The arguments, with the value of `clip.path=…` quoted for Hydra where it is the name of a file.

    So `clip.path=a=b.mp4` is the file a=b.mp4. What names no file is left to Hydra: a pattern, values to
    sweep over, a value with quotes of its own.
    """
    return [quoted(word) for word in arguments]


def quoted(word: str) -> str:
    """One argument, quoted for Hydra where its value is the name of a file."""
    key, equals, value = word.partition("=")
    if not equals or key.lstrip("+") not in FILE_KEYS or not os.path.lexists(value):
        return word
    return f"{key}={literal(value)}"


def how_to_quote(word: str, several: bool) -> str:
    """`word` as it is typed at a shell for Hydra to take its value as it is; with `several`, values a,b."""
    key, _, value = word.partition("=")
    values = value.split(",") if several else [value]
    text = f"{key}={','.join(literal(unquoted(each)) for each in values)}"
    if (
        not text.isprintable()
    ):  # bytes that are not UTF-8, and line ends, which sh does not know and bash does
        plain = readable("".join(BASH.get(c, c) for c in text))
        return (
            "$'" + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in plain) + "'"
        )
    if REPLACED.search(text):
        return shlex.quote(text)
    return f'{key}="{text[len(key) + 1 :]}"'


def unquoted(value: str) -> str:
    """A value without the quotes around it, in which Hydra did not recognize it."""
    whole = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if whole else value
