"""The sides of a comparison: all runs of one configuration, read from where runs and sweeps leave them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median

from clipbench.bench.errors import InputError
from clipbench.bench.runs import storage
from clipbench.bench.runs.results import MetricValue, Result

#: Metrics whose samples are averaged: the median would hide the one repeat in which an analyzer was lost.
AVERAGED = frozenset({"success_rate"})


@dataclass(frozen=True)
class Measured:
    """A result, the file that it is from, and its round where it is a turn of a sweep."""

    path: Path
    result: Result
    round: str = ""


@dataclass
class Side:
    """Runs of one configuration, oldest first; `failures` says what of it left no result, and why.

    `sweep` is the folder of the sweep that the runs took turns in with those of other sides, and `missing`
    how many of its rounds this side has not had yet.
    """

    name: str
    runs: list[Measured]
    failures: list[str] = field(default_factory=list)
    sweep: Path | None = None
    missing: int = 0

    @property
    def first(self) -> Result:
        """The oldest result, which stands for the configuration."""
        return self.runs[0].result

    def metric(self, name: str) -> MetricValue:
        """The metric `name` over all runs: its samples one after another, and their median.

        Where it was not measured in any run, the value is None, with the reason of the first.
        """
        found = [m for run in self.runs for m in run.result.metrics if m.name == name]
        measured = [m for m in found if m.value is not None]
        if not measured:
            reason = found[0].reason if found else "this run does not know it"
            return MetricValue(name, None, found[0].unit if found else "", "lower", [], reason)
        samples = [x for m in measured for x in samples_of(m)]
        if len(self.runs) == 1:
            value = measured[0].value
        else:
            value = fmean(samples) if name in AVERAGED else median(samples)
        return MetricValue(name, value, measured[0].unit, measured[0].better, samples)

    def lost(self) -> dict[str, str]:
        """Analyzer → how and why it gave no result in at least one pass."""
        lost: dict[str, str] = {}
        for name in dict.fromkeys(name for run in self.runs for name in run.result.analyzers):
            rows = [run.result.analyzers.get(name) for run in self.runs]
            bad = [row for row in rows if row is None or row.status != "ok"]
            if bad:
                known = next((row for row in bad if row is not None), None)
                why = f"{known.status}: {known.reason}" if known else "was not run"
                lost[name] = why if len(rows) == 1 else f"{why} (in {len(bad)} of {len(rows)} runs)"
        return lost


def samples_of(metric: MetricValue) -> list[float]:
    """The samples of one run's metric; where there is one figure for the whole run, that."""
    return metric.samples or ([] if metric.value is None else [metric.value])


def metric_samples(name: str) -> Callable[[Result], list[float]]:
    """What reads the samples of the metric `name` from a result."""
    return lambda result: [x for m in result.metrics if m.name == name for x in samples_of(m)]


def analyzer_samples(name: str) -> Callable[[Result], list[float]]:
    """What reads the seconds of the analyzer `name`, one a measured pass, from a result."""
    return lambda result: result.analyzers[name].analyze_s if name in result.analyzers else []


def aligned(
    reference: Side, other: Side, read: Callable[[Result], Sequence[float]]
) -> tuple[list[float], list[float], bool]:
    """The samples of two sides, and whether they are pairs.

    Samples are pairs where the same thing could have disturbed both: in the same round of the same sweep.
    Runs that were made one after the other have no pairs. A round that one of the sides has lost is left out.
    """
    if reference.sweep is not None and reference.sweep == other.sweep:
        theirs = {run.round: list(read(run.result)) for run in other.runs}
        rounds = [(list(read(run.result)), theirs.get(run.round, [])) for run in reference.runs]
        pairs = [pair for a, b in rounds if len(a) == len(b) for pair in zip(a, b, strict=True)]
        if pairs:
            return [a for a, _ in pairs], [b for _, b in pairs], True
    both = [[x for run in side.runs for x in read(run.result)] for side in (reference, other)]
    return both[0], both[1], False


def load(paths: Iterable[Path | str]) -> list[Side]:
    """The sides in `paths`, each a run's folder, a result.json, a folder of runs of one configuration (one
    side), a sweep's folder (a side for each job), or NAME=PATH to name the side; equal names are one side.

    Raises InputError for what is none of these, cannot be read, or is there twice.
    """
    sides: list[Side] = []
    for given in paths:
        name, path = named(given)
        found = of_sweep(path) if (path / "sweep.json").exists() else [of_path(path)]
        if name and len(found) > 1:
            raise InputError(f"{given}: a sweep has sides of its own, and takes no name")
        if name:
            found[0].name = name
            if same := next((side for side in sides if side.name == name), None):
                same.runs = sorted(same.runs + found[0].runs, key=started_at)
                same.failures += found[0].failures
                same.missing += found[0].missing
                same.sweep = None
                continue
        sides += found
    check_once(sides)
    tell_apart(sides)
    return sides


def named(given: Path | str) -> tuple[str, Path]:
    """The name and the path in NAME=PATH; the name is "" where there is none. A path may hold "=" itself."""
    if Path(given).exists():
        return "", Path(given)
    name, equals, path = str(given).partition("=")
    if equals and Path(path).exists():
        return name, Path(path)
    raise InputError(
        f"{given}: there is no such file or folder; name a run's folder, a result.json or a sweep"
    )


def of_path(path: Path) -> Side:
    """The side in a result.json, the folder of a run, or a folder of several runs."""
    if path.is_file() or (path / "result.json").exists():
        runs = [read(path)]
    else:
        files = results_below(path, "*/result.json") or results_below(path, "*/*/result.json")
        runs = sorted((read(file) for file in files), key=started_at)
    if not runs:
        raise InputError(f"{path} holds no result of a run: there is no result.json in it or in its folders")
    run = runs[0].result.run
    return Side(f"grouping={run.grouping},executor={run.executor}", runs)


def results_below(folder: Path, pattern: str) -> list[Path]:
    """The files of that pattern, but for those behind links: outputs/latest is a run that is there anyway."""
    return sorted(
        file
        for file in folder.glob(pattern)
        if not any(p.is_symlink() for p in itertools.takewhile(lambda p: p != folder, file.parents))
    )


def of_sweep(folder: Path) -> list[Side]:
    """A side for each job of the sweep in `folder`, in the sweep's order, with its turns that are done."""
    from clipbench.bench.sweeping.sweep import read as read_state

    state = read_state(folder / "sweep.json")
    sides = []
    for job in state["jobs"]:
        side = Side(job["name"], [], sweep=folder.resolve())
        turns = sorted((t for t in state["turns"] if t["job"] == job["name"]), key=lambda t: t["round"])
        for turn in turns:
            if turn["state"] != "done":
                side.failures.append(f"round {turn['round']}: {turn['reason']}")
                continue
            try:
                side.runs.append(read(folder / job["name"] / str(turn["round"]), str(turn["round"])))
            except InputError as error:
                side.failures.append(f"round {turn['round']}: {error}")
        if job["given_up"]:
            side.failures.append(f"it got no more turns: {job['given_up']}")
        else:
            side.missing = state["rounds"] - len(turns)
        if not turns:
            side.failures.append("none of its turns is finished")
        sides.append(side)
    return sides


def read(path: Path, round_: str = "") -> Measured:
    """One result; raises InputError, naming the file, where it is none."""
    path = path / "result.json" if path.is_dir() else path
    return Measured(path, storage.read_result(path), round_)


def started_at(run: Measured) -> str:
    return run.result.run.started_at


def check_once(sides: list[Side]) -> None:
    """Raise InputError where the same run was given twice: it would be equal to itself."""
    seen: dict[str, Path] = {}
    for run in (run for side in sides for run in side.runs):
        if (known := seen.setdefault(run.result.run.id, run.path)) != run.path:
            raise InputError(f"{run.path} and {known} are the same run; give each once")
        if sum(other.path == run.path for side in sides for other in side.runs) > 1:
            raise InputError(f"{run.path} is given twice; give each run once")


def tell_apart(sides: list[Side]) -> None:
    """Give sides of the same name the code version in addition, or where that is the same too, the folder.

    Raises InputError where two sides are still called alike: what is kept by name would be that of one.
    """
    names = [side.name for side in sides]
    for name in {name for name in names if names.count(name) > 1}:
        same = [side for side in sides if side.name == name]
        commits = [(side.first.environment.git_commit or "")[:9] if side.runs else "" for side in same]
        known = len(set(commits)) == len(commits)
        for side, commit, place in zip(same, commits, places(same), strict=True):
            side.name += f" ({commit if commit and known else place})"
    names = [side.name for side in sides]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"two sides are called {twice}; give each once, and other names with NAME=PATH")


def places(sides: Sequence[Side]) -> list[str]:
    """Where each side lies: the last two parts of its path, or as many as it takes to tell them apart."""
    folders = [side.sweep or (side.runs[0].path.parent if side.runs else Path()) for side in sides]
    parts = [folder.resolve().parts for folder in folders]
    for length in range(2, max(map(len, parts)) + 1):
        found = ["/".join(one[-length:]) for one in parts]
        if len(set(found)) == len(found):
            return found
    return [str(Path(*one)) for one in parts]
