"""An index of the runs in a folder, so that not each of thousands has to be read to list them.

The folders are the truth. The index, a SQLite file in the folder, only saves reading them again: where it is
missing, it is made anew, and a run that is newer than its entry is read again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from clipbench.bench.errors import InputError
from clipbench.bench.runs import storage
from clipbench.bench.runs.baseline_outcome import Saved
from clipbench.bench.runs.facts import digest
from clipbench.bench.runs.results import Better, Result

SCHEMA = 1
INDEX = ".history.sqlite"
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
