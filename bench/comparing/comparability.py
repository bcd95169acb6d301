"""Whether runs can be compared: what must be the same, and what is not.

Grouping, executor, threads and workers are what a comparison is about, and may differ between sides. Another
machine, clip, model, version or setting makes other work, or the same work on something else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from clipbench.bench.comparing.candidates import Side
from clipbench.bench.runs.results import Result
from clipbench.bench.runs.serialization import to_json

#: Memory that differs by less than this factor is of the same class: a kernel keeps more or less of it.
SAME_MEMORY = 1.1
#: What the runs of one side must have in common in addition.
CONFIGURATION = ("grouping", "executor", "threads", "workers")

#: A value, and the names of those that have it.
Values = list[tuple[Any, list[str]]]


def facts(result: Result) -> dict[str, Any]:
    """What must be the same in runs that are compared, by the words that a refusal uses for it."""
    run, there = result.run, result.environment
    found: dict[str, Any] = {
        "processor": f"{there.cpu} ({there.machine})",
        "cores allowed": there.cores_allowed,
        "memory, GB": there.memory_gb,
        "GPUs": [gpu.name for gpu in there.gpu_list()],
        "GPU driver": sorted({gpu.driver or "unknown" for gpu in there.gpu_list()}),
        "Python": there.python,
        "clip (SHA-256)": [clip.sha256 for clip in run.clips],
        "models": run.models,
        "seed": run.seed,
        "faults": to_json(run.faults),
        "profile": run.profile,
        "analyzers": sorted(result.analyzers),
    }
    found |= {f"scenario.{key}": getattr(run.scenario, key) for key in ("name", "warmup", "in_flight")}
    found |= {f"version of {name}": version for name, version in there.packages.items()}
    for name, analyzer in result.analyzers.items():
        found[f"model of {name}"] = analyzer.model
        found[f"weights of {name}"] = analyzer.weights
    for name, settings in (run.settings or {}).items():
        found |= {f"models.{name}.{key}": value for key, value in settings.items()}
    return found


def hints(result: Result) -> dict[str, Any]:
    """What a reader should be told of where it differs, though comparing it can be the point."""
    there = result.environment
    found = {
        "version of clipbench": there.clipbench,
        "git commit": there.git_commit[:9] if there.git_commit else None,
        "changes that are not committed": there.git_dirty,
        "operating system": there.os,
    }
    limits = {t.metric: f"{t.op} {t.limit}" for t in result.targets}
    return found | {f"target on {metric}": limit for metric, limit in limits.items()}


def mismatches(sides: Sequence[Side]) -> list[str]:
    """Why these sides cannot be compared, a line for each difference; none where they can."""
    tables = [(side, [(label(side, n), facts(r.result)) for n, r in enumerate(side.runs)]) for side in sides]
    lines = differences(tables)
    for side, rows in tables:
        own = [
            (name, {key: getattr(run.result.run, key) for key in CONFIGURATION})
            for (name, _), run in zip(rows, side.runs, strict=True)
        ]
        lines += differences([(side, own)])
    return lines


def warnings(sides: Sequence[Side]) -> list[str]:
    """What differs without making a comparison impossible, and what each run warned of itself."""
    tables = [(side, [(label(side, n), hints(r.result)) for n, r in enumerate(side.runs)]) for side in sides]
    lines = [f"different between the sides: {line}" for line in differences(tables)]
    if unknown := [side.name for side in sides if any(r.result.run.settings is None for r in side.runs)]:
        lines.append(f"the analyzers' settings are not in the results of {', '.join(unknown)}: not checked")
    if unfinished := [f"{side.name} ({side.missing})" for side in sides if side.missing]:
        lines.append(f"the sweep is not complete; rounds that are missing: {', '.join(unfinished)}")
    for side in sides:
        lines += [f"{side.name}: {line}" for line in said_by(side)]
    return lines


def said_by(side: Side) -> list[str]:
    """What the runs of a side warned of themselves; what differs by its numbers alone is said once."""
    found: dict[str, list[str]] = {}
    for run in side.runs:
        for line in run.result.warnings:
            found.setdefault(re.sub(r"\d+(\.\d+)?", "#", line), []).append(line)
    return [
        lines[0] + (f" (and alike in {len(lines) - 1} more runs)" if len(lines) > 1 else "")
        for lines in found.values()
    ]


def unusable(result: Result) -> str:
    """Why this run's times are no measurement, or "". That it ran a subset of the analyzers is no reason."""
    if result.run.interrupted:
        return "it was interrupted"
    if result.run.profile:
        return f"it was made with profile={result.run.profile}, whose times are no measurement"
    if not any(not p.warmup for p in result.run.passes):
        return "no repeat was measured"
    if not any(analyzer.status == "ok" for analyzer in result.analyzers.values()):
        return "no analyzer succeeded"
    return ""


def label(side: Side, number: int) -> str:
    """How a run of a side is called in a list of differences."""
    run = side.runs[number]
    return f"{side.name}, {f'round {run.round}' if run.round else run.path.parent.name}"


def differences(tables: Sequence[tuple[Side, Sequence[tuple[str, dict[str, Any]]]]]) -> list[str]:
    """A line for each key whose value is not the same in all: "clip: a in X, Y; b in Z"."""
    rows = [(side, name, found) for side, runs in tables for name, found in runs]
    lines = []
    for key in dict.fromkeys(key for _, _, found in rows for key in found):
        have = [(side, name, found[key]) for side, name, found in rows if key in found]
        values: Values = []
        for _, name, value in have:
            for known, names in values:
                if same(key, known, value):
                    names.append(name)
                    break
            else:
                values.append((value, [name]))
        if len(values) > 1:
            short = without_common(values)
            key += ", beside what all have" if short is not values else ""
            lines.append(f"{key}: {'; '.join(said(value, names, tables) for value, names in short)}")
    return lines


def without_common(values: Values) -> Values:
    """The values, or where they are lists that have something in common, what each has beside that."""
    if not all(isinstance(value, list) for value, _ in values):
        return values
    common = [x for x in values[0][0] if all(x in value for value, _ in values)]
    return [([x for x in value if x not in common], names) for value, names in values] if common else values


def same(key: str, one: Any, other: Any) -> bool:
    """Whether two values of a fact count as equal."""
    if key.startswith("memory") and one and other:
        return max(one, other) / min(one, other) < SAME_MEMORY
    return one == other


def said(value: Any, names: list[str], tables: Sequence[tuple[Side, Sequence[tuple[str, Any]]]]) -> str:
    """A value and who has it; a side by its name where all of its runs have it."""
    who: list[str] = []
    for side, runs in tables:
        own = [name for name, _ in runs if name in names]
        who += [side.name] if own and len(own) == len(runs) and len(tables) > 1 else own
    plain = value
    if isinstance(value, list):
        plain = ", ".join(x if isinstance(x, str) else json.dumps(x) for x in value) or "none"
    text = plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
    return f"{text if len(text) <= 80 else text[:79] + '…'} in {' and '.join(who)}"
