"""The candidates of a comparison, each all runs of one configuration, and how they are read from folders."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median
from typing import Literal

from clipbench.bench.comparing.by_run import Sides
from clipbench.bench.errors import InputError
from clipbench.bench.measuring import metrics
from clipbench.bench.runs import storage, sweep_state
from clipbench.bench.runs.results import MetricValue, Result

#: Reads the samples of one figure from a result.
Reader = Callable[[Result], Sequence[float]]
Better = Literal["lower", "higher"]


@dataclass(frozen=True)
class CandidateRun:
    """A run of a candidate: its result, the file it is from, and its round if it is a turn of a sweep."""

    path: Path
    result: Result
    round: str = ""


@dataclass
class Candidate:
    """One side of a comparison: the runs of one configuration, oldest first.

    `failures` says which of its runs left no result, and why. `sweep` is the folder of the sweep in which the
    runs took turns with those of other candidates, and `missing` the number of its rounds that are still to
    come.
    """

    name: str
    runs: list[CandidateRun]
    failures: list[str] = field(default_factory=list)
    sweep: Path | None = None
    missing: int = 0

    @property
    def first(self) -> Result:
        """The oldest result, which stands for the configuration."""
        return self.runs[0].result

    def metric(self, name: str) -> MetricValue:
        """The metric `name` over all runs: its samples one after another, and their median.

        If no run measured it, the value is None, with the reason of the first run.
        """
        found = [m for run in self.runs for m in run.result.metrics if m.name == name]
        measured = [m for m in found if m.value is not None]
        if not measured:
            if found:
                return dataclasses.replace(found[0], samples=[])
            return MetricValue(name, None, "", "lower", [], "this run has no such metric")
        samples = [x for m in measured for x in samples_of(m)]
        if len(self.runs) == 1:
            value = measured[0].value
        else:
            value = fmean(samples) if metrics.is_averaged(name) else median(samples)
        return MetricValue(name, value, measured[0].unit, measured[0].better, samples)

    def samples(self, read: Reader) -> list[float]:
        """What `read` finds in all runs, one after another."""
        return [x for run in self.runs for x in read(run.result)]

    def lost(self) -> dict[str, str]:
        """Analyzer → how and why it gave no result in at least one pass."""
        lost: dict[str, str] = {}
        for name in dict.fromkeys(name for run in self.runs for name in run.result.analyzers):
            found = [run.result.analyzers.get(name) for run in self.runs]
            bad = [one for one in found if one is None or one.status != "ok"]
            if bad:
                known = next((one for one in bad if one is not None), None)
                why = f"{known.status}: {known.reason}" if known else "was not run"
                lost[name] = why if len(found) == 1 else f"{why} (in {len(bad)} of {len(found)} runs)"
        return lost


def samples_of(metric: MetricValue) -> list[float]:
    """The samples of one run's metric, or its value if there is one figure for the whole run."""
    return metric.samples or ([] if metric.value is None else [metric.value])


def metric_samples(name: str) -> Reader:
    """The reader of the samples of the metric `name`."""
    return lambda result: [x for m in result.metrics if m.name == name for x in samples_of(m)]


def analyzer_samples(name: str) -> Reader:
    """The reader of the seconds of the analyzer `name`, one a measured pass."""
    return lambda result: result.analyzers[name].analyze_s if name in result.analyzers else []


def sides_of(reference: Candidate, other: Candidate, read: Reader, better: Better = "lower") -> Sides:
    """The samples of two candidates, run by run.

    Runs are pairs if the same disturbance could have hit both: in the same round of the same sweep. Runs that
    were made one after the other have no pairs. A round that either has lost is left out.
    """
    if reference.sweep is not None and reference.sweep == other.sweep:
        theirs = {run.round: list(read(run.result)) for run in other.runs}
        rounds = [(list(read(run.result)), theirs.get(run.round, [])) for run in reference.runs]
        pairs = [(a, b) for a, b in rounds if len(a) == len(b) > 0]
        if pairs:
            return Sides([a for a, _ in pairs], [b for _, b in pairs], True, better)
    first, second = (
        [found for run in one.runs if (found := list(read(run.result)))] for one in (reference, other)
    )
    return Sides(first, second, False, better)


def load(paths: Iterable[Path | str]) -> list[Candidate]:
    """The candidates in `paths`.

    A path is a run's folder, a result.json, a folder of runs of one configuration (one candidate), a sweep's
    folder (a candidate for each job), or NAME=PATH to name the candidate; equal names are one candidate.

    Raises InputError for anything else, for what cannot be read, and for a run that was given twice.
    """
    candidates: list[Candidate] = []
    for given in paths:
        name, path = split_name(given)
        found = from_sweep(path) if sweep_state.exists(path) else [from_runs(path)]
        if name and len(found) > 1:
            raise InputError(
                f"{given}: a sweep has several candidates, so it cannot be named; leave out {name}="
            )
        if name:
            found[0].name = name
            if same := next((one for one in candidates if one.name == name), None):
                same.runs = sorted(same.runs + found[0].runs, key=started_at)
                same.failures += found[0].failures
                same.missing += found[0].missing
                same.sweep = None
                continue
        candidates += found
    refuse_duplicates(candidates)
    make_names_unique(candidates)
    return candidates


def split_name(given: Path | str) -> tuple[str, Path]:
    """The name and the path in NAME=PATH; the name is "" if there is none. A path may contain "=" itself."""
    if Path(given).exists():
        return "", Path(given)
    name, equals, path = str(given).partition("=")
    if equals and Path(path).exists():
        return name, Path(path)
    raise InputError(
        f"{given}: there is no such file or folder; name a run's folder, a result.json or a sweep"
    )


def from_runs(path: Path) -> Candidate:
    """The candidate in a result.json, the folder of a run, or a folder of several runs."""
    if path.is_file() or (path / "result.json").exists():
        runs = [read_run(path)]
    else:
        files = results_below(path, "*/result.json") or results_below(path, "*/*/result.json")
        runs = sorted((read_run(file) for file in files), key=started_at)
    if not runs:
        raise InputError(f"{path} holds no result of a run: there is no result.json in it or in its folders")
    run = runs[0].result.run
    return Candidate(f"grouping={run.grouping},executor={run.executor}", runs)


def results_below(folder: Path, pattern: str) -> list[Path]:
    """The files of that pattern that are not behind links: outputs/latest is a run that is listed anyway."""
    return sorted(
        file
        for file in folder.glob(pattern)
        if not any(p.is_symlink() for p in itertools.takewhile(lambda p: p != folder, file.parents))
    )


def from_sweep(folder: Path) -> list[Candidate]:
    """A candidate for each job of the sweep in `folder`, in its order, with the turns that are done."""
    state = sweep_state.read(folder)
    candidates = []
    for job in state.jobs:
        candidate = Candidate(job.name, [], sweep=folder.resolve())
        turns = sorted((turn for turn in state.turns if turn.job == job.name), key=lambda turn: turn.round)
        for turn in turns:
            if turn.state != "done":
                candidate.failures.append(f"round {turn.round}: {turn.reason}")
                continue
            try:
                candidate.runs.append(read_run(folder / job.name / str(turn.round), str(turn.round)))
            except InputError as error:
                candidate.failures.append(f"round {turn.round}: {error}")
        if job.given_up:
            candidate.failures.append(f"it got no more turns: {job.given_up}")
        else:
            candidate.missing = state.rounds - len(turns)
        if not turns:
            candidate.failures.append("none of its turns is finished")
        candidates.append(candidate)
    return candidates


def read_run(path: Path, round_: str = "") -> CandidateRun:
    """One run; raises InputError, naming the file, if it is not a result."""
    path = path / "result.json" if path.is_dir() else path
    return CandidateRun(path, storage.read_result(path), round_)


def started_at(run: CandidateRun) -> str:
    """When a run started, as an ISO 8601 date."""
    return run.result.run.started_at


def refuse_duplicates(candidates: list[Candidate]) -> None:
    """Raise InputError if the same run was given twice: it would be compared with itself."""
    seen: dict[str, Path] = {}
    for run in (run for candidate in candidates for run in candidate.runs):
        if (known := seen.setdefault(run.result.run.id, run.path)) != run.path:
            raise InputError(f"{run.path} and {known} are the same run; give each once")
        if sum(other.path == run.path for candidate in candidates for other in candidate.runs) > 1:
            raise InputError(f"{run.path} is given twice; give each run once")


def make_names_unique(candidates: list[Candidate]) -> None:
    """Add the commit to equal names, or the folder if the commit is the same too.

    Raises InputError if two candidates still have the same name: what is kept by name would get mixed up.
    """
    names = [candidate.name for candidate in candidates]
    for name in {name for name in names if names.count(name) > 1}:
        same = [one for one in candidates if one.name == name]
        commits = [(one.first.environment.git_commit or "")[:9] if one.runs else "" for one in same]
        known = len(set(commits)) == len(commits)
        for candidate, commit, folder in zip(same, commits, distinct_folders(same), strict=True):
            candidate.name += f" ({commit if commit and known else folder})"
    names = [candidate.name for candidate in candidates]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(
            f"two candidates are called {twice}; give each once, and name them with NAME=PATH if they differ"
        )


def distinct_folders(candidates: Sequence[Candidate]) -> list[str]:
    """Each candidate's folder: the last two parts of its path, or as many as distinguish them."""
    folders = [one.sweep or (one.runs[0].path.parent if one.runs else Path()) for one in candidates]
    parts = [folder.resolve().parts for folder in folders]
    for length in range(2, max(map(len, parts)) + 1):
        found = ["/".join(one[-length:]) for one in parts]
        if len(set(found)) == len(found):
            return found
    return [str(Path(*one)) for one in parts]
