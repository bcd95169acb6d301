"""A text that Prometheus and whatever reads OpenMetrics takes: `metrics.txt`.

Everything is a gauge, so that the text is valid in the older format of Prometheus too. Units are the base
units that OpenMetrics asks for, and end the names: seconds, bytes, joules, and ratios in place of percent.

https://prometheus.io/docs/specs/om/open_metrics_spec/
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from clipbench.bench.file_names import readable
from clipbench.bench.measuring import metrics
from clipbench.bench.runs.results import MetricValue, Result, quality_of
from clipbench.reports import formatting
from clipbench.reports.export.exporter import Destination, ExportedRun, ExportError, written_whole

NAME = "metrics.txt"
VERDICTS = ("pass", "incomplete", "fail", "invalid")
#: Unit → the one that ends a name, and the factor to it. Whatever else there is stands as it is.
UNITS = {
    "s": ("seconds", 1.0),
    "GB": ("bytes", 1e9),
    "%": ("ratio", 0.01),
    "J": ("joules", 1.0),
    "1/s": ("per_second", 1.0),
    "ΔE": ("delta_e", 1.0),
}

Labels = dict[str, str]


@dataclass
class Family:
    """All samples of one name, by their labels."""

    name: str
    unit: str
    help: str
    samples: dict[tuple[tuple[str, str], ...], float] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """The family as text."""
        yield f"# TYPE {self.name} gauge"
        if self.unit:
            yield f"# UNIT {self.name} {self.unit}"
        yield f"# HELP {self.name} {escaped(self.help.replace(chr(34), chr(39)))}"
        for labels, value in self.samples.items():
            written = ",".join(f'{name}="{escaped(text)}"' for name, text in labels)
            yield f"{self.name}{{{written}}} {'NaN' if math.isnan(value) else repr(float(value))}"


class Exposition:
    """What is exposed, a family after the other."""

    def __init__(self) -> None:
        self.families: dict[str, Family] = {}

    def add(self, name: str, unit: str, about: str, labels: Labels, value: float | None) -> None:
        """Add a sample of `clipbench_<name>_<unit>`; `unit` is ours, None is NaN.

        Raises ExportError where there is a sample of that name with those labels: two metrics whose names
        differ only in what a name cannot have.
        """
        base, factor = UNITS.get(unit, (unit, 1.0))
        base = word(base)
        full = named(name.removesuffix("_s") if base == "seconds" else name, base)
        family = self.families.setdefault(full, Family(full, base, about))
        key = tuple(labels.items())
        if key in family.samples:
            raise ExportError(f"two metrics of a run would both be called {full}; rename that of a plugin")
        family.samples[key] = math.nan if value is None else value * factor

    def text(self) -> str:
        """The whole text."""
        lines = [line for family in self.families.values() for line in family.lines()]
        return "\n".join([*lines, "# EOF", ""])


def word(text: str) -> str:
    """`text` as a part of a name."""
    return re.sub(r"[^a-zA-Z0-9_]+", "_", text).strip("_").lower()


def named(name: str, unit: str) -> str:
    """The full name of a family, which ends in its unit."""
    full = f"clipbench_{word(name)}"
    return f"{full}_{unit}" if unit else full


def escaped(text: str) -> str:
    """A text as the format has it: on one line, with quotes and backslashes escaped."""
    plain = formatting.printable(readable(text))
    return plain.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def write(runs: list[ExportedRun], to: Destination) -> list[str]:
    """Write the text of `runs`; returns its path. Raises ExportError for names that cannot be told apart."""
    path = to.folder / NAME
    with written_whole(path) as partial_path:
        Path(partial_path).write_text(exposition(runs).text(), encoding="utf-8", newline="\n")
    return [str(path)]


def exposition(runs: list[ExportedRun]) -> Exposition:
    """The samples of some runs; of more than one, each has the label `run`."""
    made = Exposition()
    meanings = {metric.name: metric.meaning for metric in metrics.discover()}
    for one in runs:
        labels = labels_of(one) | ({"run": one.id} if len(runs) > 1 else {})
        add_metrics(made, one.result, labels, meanings)
        add_analyzers(made, one.result, labels)
        add_verdict(made, one.result, labels)
        add_about(made, one, labels)
    return made


def labels_of(one: ExportedRun) -> Labels:
    """What was run: the same for each run of a configuration, so that a series goes on."""
    run = one.result.run
    return {
        "clip": Path(run.clip.path).name,
        "grouping": run.grouping,
        "executor": run.simulated.like if run.simulated else run.executor,
        "models": run.models,
        "scenario": run.scenario.name,
        "predicted": "true" if one.predicted else "false",
    }


def add_metrics(made: Exposition, result: Result, labels: Labels, meanings: dict[str, str]) -> None:
    """The metrics; of one that was not measured, NaN, and the reason in a label of `not_measured`."""
    for metric in result.metrics:
        analyzer, own = quality_of(metric.name), labels
        name, about = metric.name, meanings.get(metric.name, "")
        if analyzer is not None:
            figure = metric.name.split(".", 2)[2]
            name, about = f"quality_{figure}", f"How right an analyzer was: {figure.replace('_', ' ')}."
            own = labels | about_analyzer(result, analyzer)
        made.add(name, metric.unit, about, own, metric.value)
    for metric in result.metrics:
        if metric.value is None:
            about = "A metric that was not measured, and why."
            made.add("not_measured", "", about, labels | why_not(metric), 1)


def about_analyzer(result: Result, name: str) -> Labels:
    """The labels of what is about one analyzer, which may stand in for another kind of model."""
    found = result.analyzers.get(name)
    return {"analyzer": name, "stand_in": "true" if found and found.stand_in else "false"}


def why_not(metric: MetricValue) -> Labels:
    """The labels that say why a metric was not measured."""
    return {"metric": metric.name, "reason": metric.reason}


def add_analyzers(made: Exposition, result: Result, labels: Labels) -> None:
    """What became of each analyzer, and how long it took."""
    for name, found in result.analyzers.items():
        own = labels | about_analyzer(result, name)
        made.add("analyzer_ok", "", "Whether an analyzer succeeded.", own, found.status == "ok")
        about = "What an analyzer takes of a pass (median)."
        made.add("analyze", "s", about, own, median(found.analyze_s) if found.analyze_s else None)
        made.add("load", "s", "What loading an analyzer's models took.", own, found.load_s)
        made.add("segments", "", "How much an analyzer found in the last pass.", own, found.segments)


def add_verdict(made: Exposition, result: Result, labels: Labels) -> None:
    """The targets, and the verdict: 1 for the one of four that it is."""
    met = {"pass": 1.0, "fail": 0.0, "not_measured": None}
    for target in result.targets:
        own = labels | {"metric": target.metric, "limit": formatting.limit(target)}
        about = "Whether a target is met (1) or missed (0); NaN where it was not measured."
        made.add("target_met", "", about, own, met[target.status])
    for verdict in VERDICTS:
        own = labels | {"verdict": verdict}
        made.add("verdict", "", "The verdict of a run.", own, verdict == result.verdict)


def add_about(made: Exposition, one: ExportedRun, labels: Labels) -> None:
    """Which run it was, in labels that change from run to run, apart from all others."""
    run, place = one.result.run, one.result.environment
    own = labels | {
        "run": one.id,
        "started_at": run.started_at,
        "clipbench": place.clipbench or "",
        "git_commit": place.git_commit or "",
        "cpu": place.cpu or "",
        "prediction": formatting.prediction(run),
    }
    made.add("run_info", "", "Which run the other samples are of.", own, 1)
