"""The runs of a folder over time: an index of them, which are alike, where a figure took a step.

The folders are the truth. The index, a SQLite file in the folder, only saves reading them again: where it is
missing, it is made anew, and a run that is newer than its entry is read again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fnmatch
import json
import logging
import os
import shutil
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from clipbench.bench.comparing import by_run
from clipbench.bench.comparing.statistics import MIN_NOISE, Difference
from clipbench.bench.errors import InputError, nearest
from clipbench.bench.runs import storage, sweep_state
from clipbench.bench.runs.baseline_outcome import Saved
from clipbench.bench.runs.facts import digest
from clipbench.bench.runs.results import Better, Result

SCHEMA = 1
INDEX = ".history.sqlite"
#: An empty file in a run's folder that keeps the run from being cleaned away.
PIN = ".pinned"

log = logging.getLogger(__name__)

Track = Callable[[Sequence[Path]], Iterable[Path]]


@dataclass
class Figure:
    """A metric of a run, with its samples where it has any."""

    value: float
    unit: str
    better: Better
    samples: list[float] = field(default_factory=list)


@dataclass
class Entry:
    """A run as the index has it. `path` is its folder, relative to the one that is indexed.

    `key` names what runs must have in common to be compared over time (ComparabilityKey.baseline). `size` and
    `changed_ns` are those of result.json when it was read.
    """

    path: str
    size: int
    changed_ns: int
    key: str
    started_at: str
    grouping: str
    executor: str
    models: str
    scenario: str
    clip: str
    commit: str
    verdict: str
    simulated: bool
    in_baseline: bool
    figures: dict[str, Figure]

    @property
    def counts(self) -> bool:
        """Whether its figures were measured, enough of them for a verdict."""
        return not self.simulated and self.verdict != "invalid"


#: The columns of the index: what an entry has beside its figures.
COLUMNS = tuple(each.name for each in dataclasses.fields(Entry) if each.name != "figures")
#: Some are words of SQL.
QUOTED = tuple(f'"{name}"' for name in COLUMNS)
TABLES = f"""
DROP TABLE IF EXISTS runs;
DROP TABLE IF EXISTS figures;
CREATE TABLE runs ({", ".join(QUOTED)}, PRIMARY KEY (path));
CREATE TABLE figures (path, name, value, unit, better, samples);
CREATE INDEX figures_by_name ON figures (name);
CREATE INDEX figures_by_path ON figures (path);
PRAGMA user_version = {SCHEMA};
"""


@dataclass(frozen=True)
class Step:
    """A place in a series from which on a figure is another: before the run at `position`."""

    position: int
    difference: Difference


def runs(folder: Path, track: Track = iter, metrics: Collection[str] | None = None) -> list[Entry]:
    """The runs below a folder, oldest first, with these figures (None: all).

    Those that the index lacks are read, which is shown by `track`. Raises InputError where there is no such
    folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder of runs")
    found = {each.relative_to(folder).as_posix(): each for each in run_folders(folder)}
    with contextlib.closing(opened(folder)) as index:
        known = {
            name: tuple(state) for name, *state in index.execute("SELECT path, size, changed_ns FROM runs")
        }
        gone = [(name,) for name in known.keys() - found.keys()]
        index.executemany("DELETE FROM runs WHERE path = ?", gone)
        index.executemany("DELETE FROM figures WHERE path = ?", gone)
        unknown = [path for name, path in found.items() if known.get(name) != state_of(path)]
        for path in track(unknown) if unknown else ():
            if (entry := read_entry(folder, path)) is not None:
                put(index, entry)
        index.commit()
        return sorted(entries(index, metrics), key=lambda entry: (entry.started_at, entry.path))


def metric_names(folder: Path) -> set[str]:
    """All metrics that any indexed run has measured."""
    with contextlib.closing(opened(folder)) as index:
        return {name for (name,) in index.execute("SELECT DISTINCT name FROM figures")}


def run_folders(folder: Path) -> Iterator[Path]:
    """The folders with a result.json, without those that are only linked to, or that confirm another run."""
    with os.scandir(folder) as found:
        inner = [each for each in found if each.name == "result.json" or each.is_dir(follow_symlinks=False)]
    if any(each.name == "result.json" for each in inner):
        yield folder
        return
    for each in inner:
        if not each.name.startswith("."):
            yield from run_folders(Path(each.path))


def state_of(path: Path) -> tuple[int, int]:
    """Size and time of change of a run's result, in bytes and nanoseconds."""
    found = (path / "result.json").stat()
    return found.st_size, found.st_mtime_ns


def read_entry(folder: Path, path: Path) -> Entry | None:
    """The entry of the run in `path`; None where it cannot be read, which is logged."""
    from clipbench.bench.comparing import comparability  # it imports much, and a list needs none of it

    size, changed_ns = state_of(path)
    try:
        result = storage.read_result(path)
    except InputError as error:
        log.warning("%s", error)
        return None
    run = result.run
    return Entry(
        path=path.relative_to(folder).as_posix(),
        size=size,
        changed_ns=changed_ns,
        key=digest(comparability.of_result(result).baseline())[:8],
        started_at=run.started_at,
        grouping=run.grouping,
        executor=run.executor if run.simulated is None else run.simulated.like,
        models=run.models,
        scenario=run.scenario.name,
        clip=Path(run.clip.path).name,
        commit=(result.environment.git_commit or "")[:12],
        verdict=result.verdict,
        simulated=run.simulated is not None,
        in_baseline=isinstance(run.baseline, Saved) and run.baseline.saved,
        figures=figures_of(result),
    )


def figures_of(result: Result) -> dict[str, Figure]:
    """The metrics of a run that were measured, and what each analyzer took, as analyze_s.NAME."""
    found = {
        each.name: Figure(each.value, each.unit, each.better, each.samples)
        for each in result.metrics
        if each.value is not None
    }
    for name, analyzer in result.analyzers.items():
        if analyzer.analyze_s:
            taken = analyzer.analyze_s
            found[f"analyze_s.{name}"] = Figure(median(taken), "s", "lower", taken)
    return found


def opened(folder: Path) -> sqlite3.Connection:
    """The index of a folder: made anew where there is none that can be read, in memory where none can be
    written."""
    for path in (folder / INDEX, Path(":memory:")):
        try:
            index = sqlite3.connect(path)
            if index.execute("PRAGMA user_version").fetchone() != (SCHEMA,):
                index.executescript(TABLES)
            return index
        except sqlite3.OperationalError as error:
            log.info("%s is not used: %s", path, error)
        except sqlite3.DatabaseError:  # it is no index
            path.unlink()
            return opened(folder)
    raise AssertionError("there is always room in memory")


def put(index: sqlite3.Connection, entry: Entry) -> None:
    """Write an entry into the index, in the place of an older one."""
    values = [getattr(entry, name) for name in COLUMNS]
    index.execute(f"INSERT OR REPLACE INTO runs VALUES ({', '.join('?' * len(values))})", values)
    index.execute("DELETE FROM figures WHERE path = ?", (entry.path,))
    rows = [
        (entry.path, name, each.value, each.unit, each.better, json.dumps(each.samples))
        for name, each in entry.figures.items()
    ]
    index.executemany("INSERT INTO figures VALUES (?, ?, ?, ?, ?, ?)", rows)


def entries(index: sqlite3.Connection, metrics: Collection[str] | None) -> Iterator[Entry]:
    """What is in the index, with these figures."""
    named = "" if metrics is None else f" WHERE name IN ({', '.join('?' * len(metrics))})"
    figures: dict[str, dict[str, Figure]] = {}
    for path, name, value, unit, better, samples in index.execute(
        f"SELECT * FROM figures{named}", tuple(metrics or ())
    ):
        figures.setdefault(path, {})[name] = Figure(value, unit, better, json.loads(samples))
    for row in index.execute(f"SELECT {', '.join(QUOTED)} FROM runs"):
        values = dict(zip(COLUMNS, row, strict=True))
        for name in ("simulated", "in_baseline"):
            values[name] = bool(values[name])
        yield Entry(**values, figures=figures.get(values["path"], {}))


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
            if around == folder or any(around.iterdir()):
                break
            around.rmdir()
