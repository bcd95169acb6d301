"""Targets: limits on metrics, and which of them a run meets."""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from clipbench.bench.errors import InputError, nearest
from clipbench.bench.runs.results import MetricValue, TargetResult, quality_of

OPERATORS: dict[str, Callable[[float, Any], bool]] = {
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
    "between": lambda value, limit: limit[0] <= value <= limit[1],
}


class Limit(NamedTuple):
    """What a metric is to be: `op` is one of OPERATORS, `limit` a number, or [low, high] for "between"."""

    op: str
    limit: float | list[float]


NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"


def parse(limits: Mapping[str, Any], where: str, prefix: str = "") -> dict[str, Limit]:
    """Metric name → (operator, limit), of nested limits such as {"quality": {"x": {"f1": ">= 0.9"}}}."""
    parsed: dict[str, Limit] = {}
    for key, value in limits.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            parsed |= parse(value, where, f"{name}.")
        elif value is not None:  # null takes a limit away
            parsed[name] = parse_limit(str(value), f"{where}: limits.{name}")
    return parsed


def parse_limit(text: str, key: str) -> Limit:
    """The limit in `text`; `key` is named in the error."""
    if match := re.fullmatch(rf"\s*(<=|>=|<|>)\s*({NUMBER})\s*", text):
        return Limit(match[1], finite(match[2], text, key))
    if match := re.fullmatch(rf"\s*({NUMBER})\s*\.\.\s*({NUMBER})\s*", text):
        low, high = finite(match[1], text, key), finite(match[2], text, key)
        if low > high:
            raise InputError(f'{key}: "{text}" can never be met: write the lower end first')
        return Limit("between", [low, high])
    raise InputError(f'{key}: "{text}" is not a limit; write "< 3", "<= 3", "> 3", ">= 3" or "85..95"')


def finite(number: str, text: str, key: str) -> float:
    """The number of a limit; raises InputError for one that is too large to be compared with."""
    value = float(number)
    if not math.isfinite(value):
        raise InputError(f'{key}: "{text}" is beyond every number; write a smaller one, or null for no limit')
    return value


def spread(
    limits: Mapping[str, Limit], known: Sequence[str], without: Container[str] = ()
) -> dict[str, Limit]:
    """The limits, with one for each metric that a name with "*" fits: "quality.*.coverage" is on many.

    A limit on the metric itself comes first, and so does that it was taken away: `without` has such names. A
    name that fits no metric is left as it is, for `check_names` to refuse.
    """
    found = {name: limit for name, limit in limits.items() if "*" not in name}
    for pattern, limit in limits.items():
        if "*" in pattern:
            fits = fnmatch.filter(known, pattern)
            found |= {name: limit for name in fits if name not in limits and name not in without}
            found |= {} if fits else {pattern: limit}
    return found


def taken_away(limits: Mapping[str, Any], prefix: str = "") -> set[str]:
    """The names of the metrics whose limit is null."""
    found = {f"{prefix}{key}" for key, value in limits.items() if value is None}
    for key, value in limits.items():
        if isinstance(value, Mapping):
            found |= taken_away(value, f"{prefix}{key}.")
    return found


def check_names(
    limits: Mapping[str, Any],
    required: Iterable[str],
    known: Collection[str],
    where: str,
    allowed: Iterable[str] = (),
) -> None:
    """Raise InputError for a limit, a requirement or an allowance on a metric that does not exist."""
    for name in limits:
        if name not in known:
            raise InputError(f"{where}: limits.{name}: there is no such metric{nearest(name, known)}")
    for name in required:
        if name not in known:
            raise InputError(f"gate.require: there is no metric {name}{nearest(name, known)}")
    for name in allowed:
        if not fnmatch.filter(known, name):
            raise InputError(f"gate.allow_unmeasured: there is no metric {name}{nearest(name, known)}")


def applicable(
    limits: Mapping[str, Limit], about: Mapping[str, str], analyzers: Container[str]
) -> dict[str, Limit]:
    """The limits without those on analyzers that are not part of the run; `about` has metric → analyzer."""
    return {name: limit for name, limit in limits.items() if name not in about or about[name] in analyzers}


def not_covered(
    limits: Mapping[str, Limit],
    about: Mapping[str, str],
    grouped: Iterable[str],
    analyzers: Iterable[str],
) -> list[str]:
    """The analyzers that the limits or the grouping name and that are not part of the run."""
    return sorted({*grouped, *(about[name] for name in limits if name in about)}.difference(analyzers))


def evaluate(
    limits: Mapping[str, Limit], metrics: list[MetricValue], stand_ins: Container[str] = ()
) -> list[TargetResult]:
    """Whether each limit is met by the metric it is on. What was not measured never meets one.

    A limit on what failed is missed: an analyzer that is lost takes no promise with it.

    The quality of an analyzer in `stand_ins` says nothing of the model that the target is meant for.
    """
    by_name = {metric.name: metric for metric in metrics}
    results = []
    for name, (op, limit) in limits.items():
        value, reason, failed = by_name[name].value, by_name[name].reason, by_name[name].failed
        if (analyzer := quality_of(name)) and analyzer in stand_ins:
            value, reason, failed = None, f"{analyzer} is a stand-in", False
        status: Literal["pass", "fail", "not_measured"] = "fail" if failed else "not_measured"
        if value is not None:
            status = "pass" if OPERATORS[op](value, limit) else "fail"
        results.append(TargetResult(name, op, limit, value, by_name[name].unit, status, reason))
    return results


def unmeasured(targets: Iterable[TargetResult]) -> list[str]:
    """The metrics of the targets that were not measured."""
    return [t.metric for t in targets if t.status == "not_measured"]


def not_allowed(targets: Iterable[TargetResult], allowed: Iterable[str]) -> list[str]:
    """The metrics of the targets that were not measured and that no name in `allowed` fits."""
    allowed = list(allowed)
    return [name for name in unmeasured(targets) if not any(fnmatch.fnmatchcase(name, a) for a in allowed)]


def not_measured(
    required: Iterable[str], metrics: list[MetricValue], results: list[TargetResult]
) -> list[str]:
    """Those of the `required` metrics that have no value, or only that of a stand-in."""
    absent = {m.name for m in metrics if m.value is None}
    absent |= {t.metric for t in results if t.status == "not_measured"}
    return sorted(absent.intersection(required))
