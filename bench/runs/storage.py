"""Where results are kept: written whole or not at all, read back, and linked to."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from clipbench.analyzers.base import Segment
from clipbench.bench.errors import InputError
from clipbench.bench.file_names import readable
from clipbench.bench.runs.results import SCHEMA, Result
from clipbench.bench.runs.serialization import WrongShape, from_json, to_json

#: Verdicts by an earlier name → what they are called now.
OLD_VERDICTS = {"partial": "incomplete"}

log = logging.getLogger(__name__)

T = TypeVar("T")


def write_result(result: Result, segments: Mapping[str, Sequence[Segment]], folder: Path) -> Path:
    """Write result.json and segments/*.json into `folder`; returns the path of result.json.

    Each file is there whole or not at all, and all text in it is `readable`. Raises InputError where the
    folder cannot take them.
    """
    try:
        (folder / "segments").mkdir(parents=True, exist_ok=True)
        for name, found in segments.items():
            path = folder / "segments" / f"{name}.json"
            path.parent.mkdir(exist_ok=True)
            write_json(path, to_json(list(found), readable), durable=False)
        path = folder / "result.json"
        write_json(path, to_json(result, readable))
    except OSError as error:
        raise InputError(f"the output folder {folder} cannot take the results: {error.strerror}") from error
    return path


def write_json(path: Path, value: Any, durable: bool = True) -> None:
    """Write `value` to a temporary file beside `path`, then move it there.

    A file that is `durable` is on the disk afterwards, which may take tens of milliseconds. One that is not
    outlives the process all the same, but not a loss of power in the seconds after.
    """
    partial = path.with_name(f".{os.getpid()}.partial")  # a name of 255 bytes could not be longer
    try:
        # What is read back here alone may have bytes that are not UTF-8: they become JSON's escapes.
        partial.unlink(missing_ok=True)  # a link of that name would be followed
        with partial.open("x", encoding="utf-8", errors="backslashreplace") as file:
            json.dump(value, file, indent=1, allow_nan=False, ensure_ascii=False)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def check_schema(raw: Mapping[str, Any], schema: int) -> None:
    """Raise ValueError for a file of another schema than the one that is read, KeyError for one without."""
    if raw["schema"] != schema:
        raise ValueError(f"it is of schema {raw['schema']}, this version of clipbench reads {schema}")


def read_kept(kind: type[T], path: Path, schema: int) -> T:
    """The object of the dataclass `kind` in a file; raises ValueError, which says why there is none."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        check_schema(raw, schema)
        return from_json(kind, raw)
    except (OSError, KeyError, TypeError) as error:
        raise ValueError(error) from error


def read_result(path: Path) -> Result:
    """The result in `path` (result.json, or its folder); raises InputError where it is not one."""
    path = path / "result.json" if path.is_dir() else path
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not the result of a run: {error}") from error
    if not isinstance(raw, dict) or raw.get("schema") != SCHEMA:
        raise InputError(f"{path} is not of schema {SCHEMA}, which this version of clipbench reads")
    raw["verdict"] = OLD_VERDICTS.get(str(raw.get("verdict")), raw.get("verdict"))
    try:
        return from_json(Result, raw)
    except WrongShape as error:
        raise InputError(f"{path} is not the result of a run: {error}") from error


def link_latest(folder: Path, outputs: Path) -> None:
    """Point `outputs/latest` at `folder`, where `folder` is one of the project's own output folders."""
    folder = folder.resolve()
    if outputs.resolve() not in folder.parents:
        return
    link = outputs / f".latest-{os.getpid()}"
    try:
        link.unlink(missing_ok=True)
        link.symlink_to(folder.relative_to(outputs.resolve()), target_is_directory=True)
        link.replace(outputs / "latest")
    except OSError as error:  # it is a convenience, and no run fails because of it
        log.info("%s does not point at this run: %s", outputs / "latest", error)
