"""Runs over time: which are alike, which is the best, where a figure took a step, which may go."""

from __future__ import annotations

import dataclasses
import fnmatch
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from clipbench.bench.comparing import by_run
from clipbench.bench.comparing.run_index import Entry, metric_names
from clipbench.bench.comparing.statistics import MIN_NOISE, Difference
from clipbench.bench.errors import InputError, nearest
from clipbench.bench.runs import sweep_state

#: An empty file in a run's folder that keeps the run from being cleaned away.
PIN = ".pinned"


@dataclass(frozen=True)
class Step:
    """A place in a series from which on a figure is another: before the run at `position`."""

    position: int
    difference: Difference


def chosen(entries: Iterable[Entry], **wanted: str | None) -> list[Entry]:
    """The entries whose fields are what is wanted: names with * and ?, commits by their beginning, and
    `since` and `until`, which are dates or times as 2026-01-31 or 2026-01-31T12:00."""
    since, until, commit = (wanted.pop(name, None) or "" for name in ("since", "until", "commit"))
    patterns = {name: pattern for name, pattern in wanted.items() if pattern}
    return [
        entry
        for entry in entries
        if all(fnmatch.fnmatchcase(getattr(entry, name), pattern) for name, pattern in patterns.items())
        and entry.commit.startswith(commit)
        and since <= entry.started_at
        and (not until or entry.started_at[: len(until)] <= until)
    ]


def check_metric(folder: Path, metric: str) -> None:
    """Raise InputError for a metric that no run has, with the nearest one."""
    if metric not in (known := metric_names(folder)):
        raise InputError(f"no run has measured {metric}{nearest(metric, known)}")


def by_key(entries: Iterable[Entry], metric: str) -> dict[str, list[Entry]]:
    """The runs that count and have measured a metric, those that are alike together, oldest first."""
    alike: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.counts and metric in entry.figures:
            alike.setdefault(entry.key, []).append(entry)
    return alike


def best(entries: Iterable[Entry], metric: str) -> list[Entry]:
    """Of each kind of run the one with the best figure."""
    found = []
    for alike in by_key(entries, metric).values():
        higher = alike[-1].figures[metric].better == "higher"
        found.append((max if higher else min)(alike, key=lambda entry: entry.figures[metric].value))
    return found


def steps(series: Sequence[Entry], metric: str, first: int = 0) -> list[Step]:
    """Where a figure took a step, in a series of runs that are alike, oldest first.

    As asv does, the series is cut where two levels fit it best, by the sum of distances to their medians
    (airspeed velocity, step_detection); each part again. A cut is a step where the rule of every comparison
    (docs/statistics.md) calls a difference, with the rank test's p multiplied by the number of places that
    were looked at. `first` is the position of the series in a longer one.
    """
    values = [entry.figures[metric].value for entry in series]
    places = range(1, len(series))
    if not places:
        return []
    cut = min(places, key=lambda place: apart(values[:place]) + apart(values[place:]))
    before, after = ([samples(entry, metric) for entry in part] for part in (series[:cut], series[cut:]))
    sides = by_run.Sides(before, after, paired=False, better=series[-1].figures[metric].better)
    measured = by_run.measure(sides, MIN_NOISE, [by_run.UNKNOWN], len(places))
    adjusted = dataclasses.replace(measured, p=min(1.0, measured.p * len(places)))
    found = by_run.decided(adjusted, sides, MIN_NOISE)
    if found.call not in ("faster", "slower"):
        return []
    return [
        *steps(series[:cut], metric, first),
        Step(first + cut, found),
        *steps(series[cut:], metric, first + cut),
    ]


def samples(entry: Entry, metric: str) -> list[float]:
    """The samples of a figure; the figure itself where it has none."""
    figure = entry.figures[metric]
    return figure.samples or [figure.value]


def apart(values: Sequence[float]) -> float:
    """The sum of distances to the median."""
    middle = median(values)
    return sum(abs(value - middle) for value in values)


def is_pinned(folder: Path, entry: Entry) -> bool:
    """Whether a run is kept whatever is cleaned."""
    return (folder / entry.path / PIN).exists()


def removable(folder: Path, entries: Sequence[Entry], keep: int) -> list[Entry]:
    """The runs that may go, so that of each kind the newest `keep` stay.

    A run that is pinned, in a baseline, a part of a sweep, or what `latest` leads to stays beside them.
    """
    latest = (folder / "latest").resolve()
    left: dict[str, int] = {}
    gone = []
    for entry in reversed(entries):
        path = folder / entry.path
        left[entry.key] = left.get(entry.key, 0) + 1
        in_sweep = any(
            sweep_state.exists(around) for around in path.parents if folder in (around, *around.parents)
        )
        kept = is_pinned(folder, entry) or entry.in_baseline or in_sweep or path.resolve() == latest
        if left[entry.key] > keep and not kept:
            gone.append(entry)
    return gone[::-1]


def size_bytes(folder: Path, entry: Entry) -> int:
    """The bytes in the folder of a run."""
    return sum(path.lstat().st_size for path in (folder / entry.path).rglob("*"))


def remove(folder: Path, entries: Iterable[Entry]) -> None:
    """Remove the folders of these runs, and those around them that are empty then."""
    for entry in entries:
        path = folder / entry.path
        shutil.rmtree(path)
        for around in path.parents:
            if folder not in around.parents or any(around.iterdir()):
                break
            around.rmdir()
