"""Why candidates cannot be compared, and what readers should know of those that can."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clipbench.bench.comparing import comparability
from clipbench.bench.comparing.candidates import Candidate
from clipbench.bench.runs.facts import Facts, equal
from clipbench.bench.runs.results import Result

#: A value, and the labels of the runs that have it.
Values = list[tuple[Any, list[str]]]
#: Characters of a value that a line shows.
SHOWN = 80


@dataclass(frozen=True)
class LabelledFacts:
    """Facts about each run of a candidate, with the run's label, which need not be unique."""

    candidate: str
    runs: Sequence[tuple[str, Facts]]


def refusals(candidates: Sequence[Candidate]) -> list[str]:
    """Why these candidates are not to be compared: runs that measured nothing, and facts that differ."""
    lines = []
    for candidate in candidates:
        for number, run in enumerate(candidate.runs):
            if reason := unusable(run.result):
                name = candidate.name if len(candidate.runs) == 1 else label(candidate, number)
                lines.append(f"{name} is not a measurement: {reason} ({run.path})")
    return lines + mismatches(candidates)


def unusable(result: Result) -> str:
    """Why this run's times measure nothing, or "". That it ran a subset of the analyzers is no reason."""
    if result.run.interrupted:
        return "it was interrupted"
    if result.run.profile:
        return f"it was made with profile={result.run.profile}, and a profiler changes the times"
    if not any(not p.warmup for p in result.run.passes):
        return "no repeat was measured"
    if not any(analyzer.status == "ok" for analyzer in result.analyzers.values()):
        return "no analyzer succeeded"
    return ""


def mismatches(candidates: Sequence[Candidate]) -> list[str]:
    """What differs and must not, a line each: between candidates, or between the runs of one."""
    keys = [[comparability.of_result(run.result) for run in one.runs] for one in candidates]
    compared = [
        labelled(candidate, [key.comparison() for key in own])
        for candidate, own in zip(candidates, keys, strict=True)
    ]
    lines = differences(compared)
    for candidate, own in zip(candidates, keys, strict=True):
        lines += differences([labelled(candidate, [key.arrangement for key in own])])
    return lines


def warnings(candidates: Sequence[Candidate]) -> list[str]:
    """What differs without making a comparison impossible, and what each run warned of."""
    facts = [labelled(one, [notable_facts(run.result) for run in one.runs]) for one in candidates]
    lines = [f"different between the candidates: {line}" for line in differences(facts)]
    if unknown := [one.name for one in candidates if any(r.result.run.settings is None for r in one.runs)]:
        lines.append(
            f"the results of {', '.join(unknown)} do not have the analyzers' settings: they were not checked"
        )
    if unfinished := [f"{one.name} ({one.missing})" for one in candidates if one.missing]:
        lines.append(f"the sweep is not complete; missing rounds: {', '.join(unfinished)}")
    for candidate in candidates:
        lines += [f"{candidate.name}: {line}" for line in own_warnings(candidate)]
    return lines


def notable_facts(result: Result) -> Facts:
    """What a reader should be told if it differs, though comparing it can be the point."""
    there = result.environment
    found: Facts = {
        "version of clipbench": there.clipbench,
        "git commit": there.git_commit[:9] if there.git_commit else None,
        "uncommitted changes": there.git_dirty,
        "operating system": there.os,
    }
    found |= {f"plugin {name}": digest for name, digest in result.run.plugins.items()}
    limits = {t.metric: f"{t.op} {t.limit}" for t in result.targets}
    return found | {f"target on {metric}": limit for metric, limit in limits.items()}


def own_warnings(candidate: Candidate) -> list[str]:
    """What the runs of a candidate warned of; lines that differ in numbers only are given once."""
    found: dict[str, list[str]] = {}
    for run in candidate.runs:
        for line in run.result.warnings:
            found.setdefault(re.sub(r"\d+(\.\d+)?", "#", line), []).append(line)
    return [
        lines[0] + (f" (and alike in {len(lines) - 1} more runs)" if len(lines) > 1 else "")
        for lines in found.values()
    ]


def labelled(candidate: Candidate, facts: Sequence[Facts]) -> LabelledFacts:
    """The facts of a candidate's runs, with a label for each run."""
    return LabelledFacts(candidate.name, [(label(candidate, n), each) for n, each in enumerate(facts)])


def label(candidate: Candidate, number: int) -> str:
    """How a run of a candidate is called in a list of differences."""
    run = candidate.runs[number]
    return f"{candidate.name}, {f'round {run.round}' if run.round else run.path.parent.name}"


def differences(candidates: Sequence[LabelledFacts]) -> list[str]:
    """A line for each fact that is not the same in all runs: "clip: a in X, Y; b in Z"."""
    runs = [run for candidate in candidates for run in candidate.runs]
    lines = []
    for name in dict.fromkeys(name for _, facts in runs for name in facts):
        values: Values = []
        for who, value in ((who, facts[name]) for who, facts in runs if name in facts):
            for known, labels in values:
                if equal(name, known, value):
                    labels.append(who)
                    break
            else:
                values.append((value, [who]))
        if len(values) > 1:
            short = without_common(values)
            more = ", beside what all have" if short is not values else ""
            listed = "; ".join(value_in(value, labels, candidates) for value, labels in short)
            lines.append(f"{name}{more}: {listed}")
    return lines


def without_common(values: Values) -> Values:
    """The values; if they are lists that have something in common, what each has beside that."""
    if not all(isinstance(value, list) for value, _ in values):
        return values
    common = [x for x in values[0][0] if all(x in value for value, _ in values)]
    if not common:
        return values
    return [([x for x in value if x not in common], labels) for value, labels in values]


def value_in(value: Any, labels: list[str], candidates: Sequence[LabelledFacts]) -> str:
    """A value and the runs that have it; a candidate is named as a whole if all of its runs have it."""
    who: list[str] = []
    for candidate in candidates:
        own = [run for run, _ in candidate.runs if run in labels]
        whole = own and len(own) == len(candidate.runs) and len(candidates) > 1
        who += [candidate.candidate] if whole else own
    plain = value
    if isinstance(value, list):
        plain = ", ".join(x if isinstance(x, str) else json.dumps(x) for x in value) or "none"
    text = plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
    return f"{text if len(text) <= SHOWN else text[: SHOWN - 1] + '…'} in {' and '.join(who)}"
