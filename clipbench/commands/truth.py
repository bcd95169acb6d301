"""The command `clipbench-truth`: write a clip's ground truth file, for its labels to be filled in.

It writes the checksum and the size of the clip, which nobody should have to type, and null for each key: not
labelled yet. An empty list or text is a label: it says that there is nothing. Of a file that exists it keeps
the labels, checks them, and renews what it says of the clip.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hydra.errors import HydraException

from clipbench.bench import quality
from clipbench.bench.clips.clip_path import check_clip
from clipbench.bench.clips.decoding import probe
from clipbench.bench.errors import Exit, InputError, nearest
from clipbench.bench.file_names import readable
from clipbench.bench.planning import user_config
from clipbench.bench.quality import truth_schema
from clipbench.bench.quality.truth import SCHEMA
from clipbench.bench.runs.storage import write_json
from clipbench.plugins import PluginError
from clipbench.reports.formatting import one_line

EPILOG = """Without a KEY the file gets those that the figures of your plugins read, or, without such figures,
all that clipbench knows. docs/reference-clip.md describes them. Each is null until you label it; an empty
list or text says that the clip has nothing of the kind, and what is found against that counts.

Your plugins are those of installed packages and of clipbench.yaml in this directory."""


def main() -> int:
    """Write what `sys.argv` asks for; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="clipbench-truth",
        description="Write CLIP's ground truth file beside it, or renew the one that is there.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("clip", type=Path, metavar="CLIP")
    parser.add_argument("keys", nargs="*", metavar="KEY", help="what you want to label")
    asked = parser.parse_args()
    try:
        user_config.with_user_config([])
        path, labelled, missing = write(asked.clip, asked.keys)
    except (InputError, PluginError, HydraException) as error:
        print(f"clipbench-truth: {one_line(str(error))}", file=sys.stderr)
        return Exit.BAD_INPUT
    filled, null = ", ".join(labelled) or "nothing yet", ", ".join(missing) or "nothing"
    print(f"{one_line(str(path))}: labelled {filled}; not labelled (null) {null}")
    return Exit.OK


def write(clip: Path, keys: Iterable[str]) -> tuple[Path, list[str], list[str]]:
    """Write the truth file of `clip`; returns its path, the keys with labels and those without.

    Raises InputError for a clip that cannot be read, and for labels that are not as they must be.
    """
    path, of_plugins = clip.with_suffix(".json"), quality.keys_of_plugins()
    known = (*truth_schema.OWN, *of_plugins)
    keys = list(keys)
    for key in keys:
        if key not in known:
            raise InputError(f"no key {key} in a truth file{nearest(key, known)}")
    content = {"schema": SCHEMA, "clip": describe(clip), **labels_in(path)}
    if not keys and not any(key in content for key in known):
        keys = list(of_plugins or truth_schema.OWN)
    content |= {key: None for key in keys if key not in content}
    try:
        truth_schema.check(content, of_plugins)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error
    write_json(path, content)
    used = [key for key in content if key not in truth_schema.ABOUT]
    labelled = [key for key in used if content[key] is not None]
    return path, labelled, [key for key in used if key not in labelled]


def labels_in(path: Path) -> dict[str, Any]:
    """The labels in a truth file that exists; raises InputError for another kind of file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no truth file: {error}; move it away") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise InputError(f"{path} is no truth file of schema {SCHEMA}; move it away")
    return {key: value for key, value in content.items() if key not in ("schema", "clip")}


def describe(clip: Path) -> dict[str, Any]:
    """What a truth file says of its clip; raises InputError for a clip that cannot be read."""
    check_clip(clip)
    info = probe(clip)
    return {
        "file": readable(clip.name),
        "sha256": info.sha256,
        "duration_s": round(info.duration_s, 3),
        "width": info.width,
        "height": info.height,
        "fps": round(info.fps, 3),
        "frames": info.frames,
    }


if __name__ == "__main__":
    sys.exit(main())
