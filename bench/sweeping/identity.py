"""What a sweep is: the jobs, the machine and the code that must be unchanged for it to be resumed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from clipbench import plugins
from clipbench.bench.locations import PACKAGE
from clipbench.bench.runs.facts import differences
from clipbench.bench.runs.sweep_state import Identity

#: Differences that a message names before it says how many more there are.
NAMED = 6


def code() -> dict[str, str]:
    """The beginning of the SHA-256 of every file of code that measures, committed or not, by its path."""
    folders = [PACKAGE / room for room in ("commands", "bench", "executors", "analyzers")]
    files = [*(path for folder in folders for path in sorted(folder.rglob("*.py"))), *plugins.files()]
    return {
        str(path.relative_to(PACKAGE) if path.is_relative_to(PACKAGE) else path): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()[:12]
        for path in files
    }


def changes(before: Identity, now: Identity) -> list[str]:
    """What of a sweep's identity has changed, "name: before → now" each.

    The rest of the jobs' settings is compared only if all that bears on the times is the same, since one
    change of a setting would be listed twice.
    """
    keys = changes_by_job(before.jobs, now.jobs) + code_changes(before.code, now.code)
    return keys or changes_by_job(flat_settings(before.settings), flat_settings(now.settings))


def changes_by_job(
    before: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """What has changed in the jobs; a change that all of them share is listed once, without their names."""
    found: dict[str, list[str]] = {}
    for job in {**before, **now}:
        if job not in now or job not in before:
            found[f"{job} is {'only in the sweep in that folder' if job in before else 'new'}"] = [""]
            continue
        for line in differences(before[job], now[job]):
            found.setdefault(line, []).append(job)
    return [
        line if len(jobs) == len(now) or jobs == [""] else f"{', '.join(jobs)}: {line}"
        for line, jobs in found.items()
    ]


def code_changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The files of code that have changed."""
    return [f"code.{line}" for line in differences(before, now)]


def flat_settings(jobs: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The nested settings of each job, by dotted names."""
    return {job: dict(flattened(settings)) for job, settings in jobs.items()}


def flattened(settings: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """The values in nested dictionaries, by dotted names."""
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from flattened(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def first_few(lines: list[str]) -> str:
    """The first of some differences, and how many more there are."""
    more = f" and {len(lines) - NAMED} more" if len(lines) > NAMED else ""
    return f"{'; '.join(lines[:NAMED])}{more}"
