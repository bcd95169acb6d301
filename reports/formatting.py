"""How reports write numbers, and text from outside: from a video, a file name, a configuration."""

from __future__ import annotations

import dataclasses
import logging
import re
from collections.abc import Sequence
from typing import Protocol

from clipbench.bench.file_names import readable
from clipbench.bench.runs.baseline_outcome import Compared, Saved
from clipbench.bench.runs.results import (
    ClipSummary,
    Environment,
    MetricValue,
    Result,
    RunSummary,
    TargetResult,
    quality_of,
)
from clipbench.bench.runs.serving import ScenarioSummary
from clipbench.bench.runs.simulation import Simulation

#: Status of a target, a verdict or an analyzer → the sign that goes with its colour.
SIGNS = {
    "pass": "✓", "ok": "✓", "fail": "✗", "incomplete": "◐", "not_measured": "○", "invalid": "!",
    "skipped": "○",
}  # fmt: skip
#: So many targets on the same figure, all of them met, are shown as one.
LEAST_ALIKE = 3
#: Status of a target → the word for it.
TARGET_WORDS = {"pass": "met", "fail": "missed", "not_measured": "not measured"}
#: Longer text is cut in reports; result.json and segments/ have all of it.
MAX_LENGTH = 240
#: Control characters; those that change the direction of text, which could make a name look like another;
#: U+FFFE and U+FFFF, which are not characters.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


def printable(text: str) -> str:
    """`text` with a picture (␀ … ␡, or �) for each character that is invisible or has an effect.

    Bytes that are not UTF-8 are written as in result.json (file_names.readable).
    """
    return UNPRINTABLE.sub(lambda found: control_picture(ord(found[0])), readable(text))


def one_line(text: str) -> str:
    """A message on one line and without effect on the terminal, whatever is in the names that it has."""
    return " ".join(printable(text).splitlines())


class PrintableFormatter(logging.Formatter):
    """Log records for the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def control_picture(code: int) -> str:
    """The picture of an unprintable character; a carriage return becomes a space."""
    if code == 0x0D:
        return " "
    return chr(0x2400 + code) if code < 0x20 else "␡" if code == 0x7F else "\ufffd"


def shortened(text: str, most: int = MAX_LENGTH) -> str:
    """`text`, cut with "…" where it has more than `most` characters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def number(value: float | None, unit: str = "") -> str:
    """Three significant digits, in full up to a million: "0.621", "1280 s"; "–" for None."""
    if value is None:
        return "–"
    unit = "per s" if unit == "1/s" else unit
    text = f"{value:.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"
    return f"{text} {unit}".rstrip()


def seconds(value: float | None) -> str:
    """A duration: "12.3 s", "0.42 s", "2.1 ms"; "–" for None."""
    if value is None:
        return "–"
    if value < 0.01:
        return f"{1000 * value:.1f} ms"
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def long_duration(value: float) -> str:
    """A duration in whole seconds: "8 s", "3 min 20 s", "2 h 05 min"."""
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def metric_value(metric: MetricValue) -> str:
    """The value of a metric with its unit: "0.621", "64 %"; "not measured" where there is none."""
    return "not measured" if metric.value is None else number(metric.value, metric.unit)


def bounds(target: TargetResult) -> str:
    """The limit of a target without its unit: "< 3", "85 … 95"."""
    if isinstance(target.limit, list):
        return f"{number(target.limit[0])} … {number(target.limit[1])}"
    sign = {"<=": "≤", ">=": "≥"}.get(target.op, target.op)
    return f"{sign} {number(target.limit)}"


def limit(target: TargetResult) -> str:
    """The limit of a target: "< 3", "85 … 95 %"."""
    return f"{bounds(target)} {'per s' if target.unit == '1/s' else target.unit}".rstrip()


def metric_label(metric: str) -> str:
    """The name of a metric for a reader: "rtf warm", "object detection: recall"."""
    return metric.removeprefix("quality.").replace(".", ": ").replace("_", " ")


def repeat_range(metric: MetricValue) -> str:
    """The range of the repeats: "0.61 … 0.64 in 3 repeats"; "" where there was only one."""
    if len(metric.samples) < 2:
        return ""
    return f"{number(min(metric.samples))} … {number(max(metric.samples))} in {len(metric.samples)} repeats"


class MaybePredicted(Protocol):
    """What has figures that are measured, or, with `simulated`, predicted."""

    @property
    def simulated(self) -> Simulation | None: ...


def run_title(run: RunSummary) -> str:
    """What was run, such as "grouping=staged executor=threads models=embedded", or what was simulated."""
    settings = {"grouping": run.grouping, "executor": run.executor, "models": run.models}
    if run.simulated:
        settings |= {"executor.like": run.simulated.like, "machine": run.simulated.machine.name}
    return headed(" ".join(f"{key}={shortened(value, 60)}" for key, value in settings.items()), run)


def headed(text: str, run: MaybePredicted) -> str:
    """A heading over figures of a run, or of several, which says so where they are a prediction."""
    return f"predicted: {text}" if run.simulated else text


def verdict_words(result: Result) -> str:
    """The verdict of a run: "pass", or "predicted pass"."""
    return f"predicted {result.verdict}" if result.run.simulated else result.verdict


def observed_word(run: MaybePredicted) -> str:
    """What the figure beside a limit is called."""
    return "predicted" if run.simulated else "observed"


def prediction(run: MaybePredicted) -> str:
    """What the figures of a simulated run, or of several, rest on, in sentences; "" for what was measured."""
    found = run.simulated
    if found is None:
        return ""
    machine = found.machine
    parts = [f"{machine.cores} cores"]
    if machine.gpus:
        parts.append(f"{len(machine.gpus)} × {machine.gpus[0]}")
    speeds = {"core_speed": machine.core_speed, "gpu.speed": machine.gpu_speed or 1.0}
    parts += [f"machine.{name} {number(speed)}" for name, speed in speeds.items() if speed != 1]
    costs = f"{found.costs} costs of {found.costs_of}" + (f" ({found.costs_at})" if found.costs_at else "")
    lines = [
        "Every figure is predicted: nothing ran",
        f"{machine.name} ({', '.join(parts)}) is simulated as executor={found.like} would use it, by {costs}",
    ]
    if (error := found.holdout if found.holdout is not None else found.residual) is not None:
        lines.append(f"these costs were off by {100 * error:.1f} % at the median where they were checked")
    return ". ".join(lines) + "."


def scenario_line(scenario: ScenarioSummary) -> str:
    """How the clips were fed: "single_stream: 1 warm-up, 3 repeats"; of a server also when they arrived."""
    parts = [f"{scenario.name}: {scenario.warmup} warm-up"]
    if scenario.clips is None:
        parts.append(f"{scenario.repeats} {'repeat' if scenario.repeats == 1 else 'repeats'}")
    elif scenario.rate is None:
        parts.append(f"{scenario.clips} clips that arrive at the times of a file")
    else:
        arriving = f"{number(scenario.rate)} per second (seed {scenario.seed})"
        parts.append(f"{scenario.clips} clips that arrive at random, {arriving}")
    if scenario.latency_limit_s is not None:
        parts.append(f"in time within {number(scenario.latency_limit_s, 's')}")
    if scenario.in_flight > 1:
        parts.append(f"{scenario.in_flight} clips in flight")
    return ", ".join(parts)


def clip_line(info: ClipSummary) -> str:
    """A clip on one line: path, duration, size, frame rate, sound."""
    parts = [info.path]
    if info.duration_s is not None and info.fps is not None:
        parts.append(f"{info.duration_s:.2f} s")
        parts.append(f"{info.width}×{info.height}")
        parts.append(f"{info.fps:g} fps" if info.fps == round(info.fps, 2) else f"{info.fps:.2f} fps")
        parts.append("with sound" if info.has_audio else "without sound")
    return ", ".join(parts)


def clip_remarks(info: ClipSummary) -> str:
    """What is odd about a clip, on one line: tracks that were read, what was not decoded; "" if nothing."""
    return "; ".join(filter(None, [info.tracks, *info.remarks]))


def is_prominent(target: TargetResult) -> bool:
    """Whether a target is shown large: one that was missed, or one on the run as a whole."""
    return target.status == "fail" or quality_of(target.metric) is None


def alike(targets: Sequence[TargetResult]) -> list[TargetResult]:
    """The targets, with one for all that are met on the same figure of at least three analyzers.

    It is called "quality.*.coverage", and observed is the worst of them.
    """
    same: dict[tuple[str, str, str], list[TargetResult]] = {}
    for t in targets:
        if t.status == "pass" and quality_of(t.metric):
            same.setdefault((t.metric.rpartition(".")[2], t.op, str(t.limit)), []).append(t)
    shown = [t for t in targets if all(t not in each for each in same.values() if len(each) >= LEAST_ALIKE)]
    for (figure, op, _), each in same.items():
        if len(each) >= LEAST_ALIKE:
            worst = (min if op.startswith(">") else max)(t.observed or 0.0 for t in each)
            name, reason = f"quality.*.{figure}", f"{len(each)} analyzers"
            shown.append(dataclasses.replace(each[0], metric=name, observed=worst, reason=reason))
    return shown


def missed_first(targets: Sequence[TargetResult]) -> list[TargetResult]:
    """The missed targets, then those on the run as a whole, then those on quality; otherwise as declared."""
    return sorted(targets, key=lambda t: (t.status != "fail", not is_prominent(t)))


def environment_rows(found: Environment) -> list[tuple[str, str]]:
    """The machine and the software of a run, as (name, value); what is not known is "unknown"."""
    if isinstance(found.gpus, list):
        cards = [f"{g.name}, {g.memory_gb:g} GB, driver {g.driver}" for g in found.gpus]
    else:
        cards = [f"none ({found.gpus.reason})"]
    dirty = {True: ", with uncommitted changes", False: ", no uncommitted changes", None: ""}
    version = found.clipbench and f"clipbench {found.clipbench}"
    commit = found.git_commit and f"{found.git_commit[:12]}{dirty[found.git_dirty]}"
    rows = {
        "CPU": f"{found.cpu or 'unknown'}, {found.machine}".rstrip(", "),
        "cores": f"{found.cores_allowed} of {found.cores}" if found.cores else None,
        "memory": f"{found.memory_gb:g} GB" if found.memory_gb else None,
        "GPU": "; ".join(cards) or "none",
        "system": found.os,
        "Python": found.python,
        "code": ", ".join(filter(None, (version, commit))),
        "packages": ", ".join(f"{name} {v}" for name, v in found.packages.items() if v),
    }
    return [(what, value or "unknown") for what, value in rows.items()]


def machine_line(found: Environment) -> str:
    """The machine and the software of a run, on one line."""
    rows = dict(environment_rows(found))
    return ", ".join(f"{what}: {rows[what]}" for what in ("CPU", "cores", "memory", "GPU", "Python", "code"))


def baseline_sentences(found: Saved | Compared | None) -> list[str]:
    """How a run compares with its baseline (`run.baseline`), in sentences; none without a baseline."""
    if not found:
        return []
    runs = f"{found.runs} runs in {found.path}"
    if isinstance(found, Saved):
        done = "The run was added to" if found.saved else "The run was not added to"
        return [f"{done} the baseline, {runs}.", *([f"{found.reason}."] if found.reason else [])]
    said = [f"{found.call}, against {runs}"]
    if found.ratio is not None:
        said[0] += f": {number(found.ratio)} times as long ({number(found.low)} … {number(found.high)})"
    if found.reason:
        said[0] += f": {found.reason}"
    if found.confirmed:
        said.append("a second run confirmed it")
    for one in found.moved:
        interval = f"{number(one.low)} … {number(one.high)}"
        moved = f"{seconds(one.before_s)} → {seconds(one.now_s)}"
        said.append(f"{one.analyzer}: {moved}, {number(one.ratio)} times as long ({interval})")
    return said
