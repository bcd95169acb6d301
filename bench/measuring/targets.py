"""Targets: limits on metrics, and the verdict that follows from them."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

from clipbench.bench.errors import InputError, nearest
from clipbench.bench.runs.results import MetricValue, TargetResult

OPERATORS: dict[str, Callable[[float, Any], bool]] = {
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
    "between": lambda value, limit: limit[0] <= value <= limit[1],
}

NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"


def parse(limits: Mapping[str, Any], where: str, prefix: str = "") -> dict[str, tuple[str, Any]]:
    """Metric name → (operator, limit), of nested limits such as {"quality": {"x": {"f1": ">= 0.9"}}}."""
    parsed: dict[str, tuple[str, Any]] = {}
    for key, value in limits.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            parsed |= parse(value, where, f"{name}.")
        elif value is not None:  # null takes a limit away
            parsed[name] = parse_limit(str(value), f"{where}: limits.{name}")
    return parsed


def parse_limit(text: str, key: str) -> tuple[str, Any]:
    """The operator and limit in `text`; `key` is named in the error."""
    if match := re.fullmatch(rf"\s*(<=|>=|<|>)\s*({NUMBER})\s*", text):
        return match[1], float(match[2])
    if match := re.fullmatch(rf"\s*({NUMBER})\s*\.\.\s*({NUMBER})\s*", text):
        low, high = float(match[1]), float(match[2])
        if low > high:
            raise InputError(f'{key}: "{text}" is met by nothing: the lower end comes first')
        return "between", [low, high]
    raise InputError(f'{key}: "{text}" is no limit; write "< 3", "<= 3", "> 3", ">= 3" or "85..95"')


def check_names(limits: Mapping[str, Any], required: list[str], known: list[str], where: str) -> None:
    """Raise InputError for a limit or requirement on a metric that does not exist."""
    for name in limits:
        if name not in known:
            raise InputError(f"{where}: limits.{name}: there is no such metric{nearest(name, known)}")
    for name in required:
        if name not in known:
            raise InputError(f"gate.require: there is no metric {name}{nearest(name, known)}")


def applicable(
    limits: Mapping[str, tuple[str, Any]], about: Mapping[str, str], analyzers: Container[str]
) -> dict[str, tuple[str, Any]]:
    """The limits without those on analyzers that are not part of the run; `about` has metric → analyzer."""
    return {name: limit for name, limit in limits.items() if name not in about or about[name] in analyzers}


def not_covered(
    limits: Mapping[str, tuple[str, Any]],
    about: Mapping[str, str],
    grouped: Iterable[str],
    analyzers: Iterable[str],
) -> list[str]:
    """The analyzers that the limits or the grouping name and that are not part of the run."""
    return sorted({*grouped, *(about[name] for name in limits if name in about)}.difference(analyzers))


def judge(
    limits: Mapping[str, tuple[str, Any]], metrics: list[MetricValue], stand_ins: Container[str] = ()
) -> list[TargetResult]:
    """Each limit against the metric it is on. What was not measured is never a pass.

    The quality of an analyzer in `stand_ins` says nothing of the model that the target is meant for.
    """
    by_name = {metric.name: metric for metric in metrics}
    judged = []
    for name, (op, limit) in limits.items():
        value, reason = by_name[name].value, by_name[name].reason
        if name.startswith("quality.") and (analyzer := name.split(".")[1]) in stand_ins:
            value, reason = None, f"{analyzer} is a stand-in"
        status = "not_measured" if value is None else "pass" if OPERATORS[op](value, limit) else "fail"
        judged.append(TargetResult(name, op, limit, value, by_name[name].unit, status, reason))
    return judged


def not_measured(
    required: Iterable[str], metrics: list[MetricValue], judged: list[TargetResult]
) -> list[str]:
    """Those of the `required` metrics that have no value, or only that of a stand-in."""
    absent = {m.name for m in metrics if m.value is None}
    absent |= {t.metric for t in judged if t.status == "not_measured"}
    return sorted(absent.intersection(required))
