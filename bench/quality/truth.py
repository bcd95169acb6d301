"""A clip's ground truth: its labels, read from a JSON file beside the clip or named by clip.truth."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipbench.bench.errors import InputError
from clipbench.bench.quality import truth_schema

#: The schema that this version reads.
SCHEMA = 1
#: Reasons for having no truth that are nothing to warn about.
NO_PASS, NO_FILE = "no pass was completed", "no ground truth beside the clip"
EXPECTED = (NO_PASS, NO_FILE)


@dataclass(frozen=True)
class Truth:
    """The labels of one clip, by key, as docs/reference-clip.md describes them.

    `sha256` is that of the clip; `width` and `height` are its size in pixels, None if the file does not say.
    """

    sha256: str
    width: int | None
    height: int | None
    labels: Mapping[str, Any]


def load_truth(
    clip: Path, truth: Path | None, sha256: str, of_plugins: Collection[str] = ()
) -> tuple[Truth | None, str]:
    """The ground truth of the clip with this SHA-256, or None and the reason.

    `truth` is the file to read; None looks for a .json file with the clip's name beside it. `of_plugins` are
    the keys that figures of plugins read. Raises InputError if a file that was named cannot be used; one that
    was only found is skipped with the reason.
    """
    path = truth or clip.with_suffix(".json")
    if truth is None and not os.path.exists(path):  # a name may also be too long to exist
        return None, NO_FILE
    try:
        return read_truth(path, sha256, of_plugins), ""
    except (OSError, ValueError, RecursionError) as error:
        reason = f"{path} is no ground truth for this clip: {error}"
        if truth is not None:
            raise InputError(f"clip.truth: {reason}") from error
        return None, reason


def labels_beside(clip: Path) -> tuple[Truth, float] | None:
    """The labels beside a clip that cannot be read itself, and its length by them; None without any.

    Whether they are of this clip cannot be told.
    """
    try:
        content = json.loads(clip.with_suffix(".json").read_text(encoding="utf-8"))
        return of_labels(content), float(content["clip"]["duration_s"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def read_truth(path: Path, sha256: str, of_plugins: Collection[str] = ()) -> Truth:
    """The truth file at `path`. Raises OSError, ValueError or RecursionError if it is none for this clip."""
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise ValueError(f"it is not of schema {SCHEMA}; clipbench-truth CLIP writes one that is")
    if not isinstance(content.get("clip"), dict) or not isinstance(content["clip"].get("sha256"), str):
        raise ValueError(
            "it does not say which clip it is for (clip.sha256); clipbench-truth CLIP writes that"
        )
    made = of_labels(content)
    if made.sha256 != sha256:
        raise ValueError("it was made for another clip (by SHA-256); clipbench-truth CLIP renews it")
    truth_schema.check(content, of_plugins)
    return made


def is_odd(path: Path, of_plugins: Collection[str] = ()) -> bool:
    """Whether `path` is a truth file, for whichever clip, with labels that are not as they must be."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    if not isinstance(content, dict) or content.get("schema") != SCHEMA or "clip" not in content:
        return False
    try:
        truth_schema.check(content, of_plugins)
    except ValueError:
        return True
    return False


def of_labels(content: Mapping[str, Any]) -> Truth:
    """The content of a truth file, typed where every file has it."""
    clip = content["clip"]
    return Truth(clip["sha256"], clip.get("width"), clip.get("height"), content)
