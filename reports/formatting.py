"""How reports word numbers, and show text that is data: from a video, a file name, a configuration."""

from __future__ import annotations

import re
from typing import Any

from clipbench.bench.runs.results import AnalyzerResult, MetricValue, TargetResult

#: Status of a target, a verdict or an analyzer → the sign that goes with its colour.
SIGNS = {"pass": "✓", "ok": "✓", "fail": "✗", "not_measured": "○", "invalid": "!", "skipped": "○"}
#: Text that is longer is cut in reports; result.json and segments/ have all of it.
LONG = 240
#: Control characters; those that turn the direction of text around, which would let a name look like another;
#: halves of a surrogate pair, which no file in UTF-8 can hold; U+FFFE and U+FFFF, which are no characters.
UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def visible(text: str) -> str:
    """`text` with a sign (␀ … ␡, or �) for each character that would be unseen or do something."""
    return UNSEEN.sub(lambda found: picture(ord(found[0])), text)


def picture(code: int) -> str:
    """The sign for a character that is not to be shown itself; a carriage return becomes a space."""
    if code == 0x0D:
        return " "
    return chr(0x2400 + code) if code < 0x20 else "␡" if code == 0x7F else "\ufffd"


def shortened(text: str, most: int = LONG) -> str:
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


def limit(target: TargetResult) -> str:
    """What a target asks for: "< 3", "85 … 95 %"."""
    if isinstance(target.limit, list):
        return f"{number(target.limit[0])} … {number(target.limit[1], target.unit)}"
    sign = {"<=": "≤", ">=": "≥"}.get(target.op, target.op)
    return f"{sign} {number(target.limit, target.unit)}"


def label(metric: str) -> str:
    """The name of a metric in words: "rtf warm", "object detection: recall"."""
    return metric.removeprefix("quality.").replace(".", ": ").replace("_", " ")


def spread(metric: MetricValue) -> str:
    """The range of the repeats, "" where there was one."""
    if len(metric.samples) < 2:
        return ""
    return f"{number(min(metric.samples))} … {number(max(metric.samples))} in {len(metric.samples)} repeats"


def title(run: dict[str, Any]) -> str:
    """What a run was of: "grouping=staged executor=threads models=embedded"."""
    said = {key: run.get(key) for key in ("grouping", "executor", "models")}
    return " ".join(f"{key}={shortened(str(value), 60)}" for key, value in said.items() if value is not None)


def clip(info: dict[str, Any]) -> str:
    """A clip in a line: path, duration, size, frame rate, sound."""
    parts = [str(info.get("path", "no clip"))]
    if "duration_s" in info:
        parts.append(f"{info['duration_s']:.2f} s")
        parts.append(f"{info['width']}×{info['height']}")
        parts.append(
            f"{info['fps']:g} fps" if info["fps"] == round(info["fps"], 2) else f"{info['fps']:.2f} fps"
        )
        parts.append("with sound" if info["has_audio"] else "without sound")
    return ", ".join(parts)


def quality(name: str, metrics: list[MetricValue]) -> list[tuple[str, MetricValue]]:
    """The quality figures of one analyzer: (name in words, metric)."""
    prefix = f"quality.{name}."
    return [(m.name.removeprefix(prefix).replace("_", " "), m) for m in metrics if m.name.startswith(prefix)]


def models(analyzer: AnalyzerResult) -> str:
    """The networks of one analyzer; "algorithm" where it has none."""
    return ", ".join(analyzer.model) or "algorithm"


def found(analyzer: AnalyzerResult) -> str:
    """What one analyzer found, or why it found nothing."""
    if analyzer.status != "ok":
        return analyzer.reason or analyzer.status
    return f"{analyzer.segments} × {analyzer.headline}" if analyzer.segments else analyzer.reason or "nothing"


def prominent(target: TargetResult) -> bool:
    """Whether a target is shown large: what was missed, and what is promised of the run as a whole."""
    return target.status == "fail" or not target.metric.startswith("quality.")


def in_order(targets: list[TargetResult]) -> list[TargetResult]:
    """What failed first; then what the plan promises of the whole run, then quality; else as declared."""
    return sorted(targets, key=lambda t: (t.status != "fail", not prominent(t)))


def environment(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Where a run was made, as (what, value); what could not be found out is "unknown"."""
    gpus = found.get("gpus")
    if isinstance(gpus, list):
        cards = [f"{g['name']}, {g['memory_gb']:g} GB, driver {g['driver']}" for g in gpus]
    else:
        cards = [f"none ({gpus['reason']})" if gpus else "unknown"]
    dirty = {True: ", with uncommitted changes", False: ", no uncommitted changes", None: ""}
    commit = found.get("git_commit")
    cores = found.get("cores"), found.get("cores_allowed")
    rows = {
        "CPU": f"{found.get('cpu') or 'unknown'}, {found.get('machine') or ''}".rstrip(", "),
        "cores": f"{cores[1]} of {cores[0]}" if all(cores) else None,
        "memory": f"{found['memory_gb']:g} GB" if found.get("memory_gb") else None,
        "GPU": "; ".join(cards) or "none",
        "system": found.get("os"),
        "Python": found.get("python"),
        "code": commit and f"{commit[:12]}{dirty[found.get('git_dirty')]}",
        "packages": ", ".join(f"{name} {v}" for name, v in (found.get("packages") or {}).items() if v),
    }
    return [(what, value or "unknown") for what, value in rows.items()]


def machine(found: dict[str, Any]) -> str:
    """Where a run was made, in a line."""
    rows = dict(environment(found))
    return ", ".join(f"{what}: {rows[what]}" for what in ("CPU", "cores", "memory", "GPU", "Python", "code"))


def baseline(found: dict[str, Any] | None) -> list[str]:
    """How a run stands to the baseline (`run.baseline`), in sentences; none where it was not asked for."""
    if not found:
        return []
    runs = f"{found.get('runs')} runs in {found.get('path')}"
    if "call" not in found:
        done = "The run was added to" if found.get("saved") is True else "The run was not added to"
        return [f"{done} the baseline, {runs}.", *([f"{found['reason']}."] if found.get("reason") else [])]
    said = [f"{found['call']}, against {runs}"]
    if found.get("ratio") is not None:
        said[0] += (
            f": {number(found['ratio'])} times as long ({number(found['low'])} … {number(found['high'])})"
        )
    if found.get("reason"):
        said[0] += f": {found['reason']}"
    if found.get("confirmed"):
        said.append("a second run confirmed it")
    for one in found.get("moved") or []:
        interval = f"{number(one['low'])} … {number(one['high'])}"
        moved = f"{seconds(one['before_s'])} → {seconds(one['now_s'])}"
        said.append(f"{one['analyzer']}: {moved}, {number(one['ratio'])} times as long ({interval})")
    return said
