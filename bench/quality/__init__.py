"""How right each analyzer was: its segments against the clip's ground truth, by the field's usual figures.

Figures are declared with `@figure` in the modules of this package; all become metrics
`quality.<analyzer>.<figure>`. A figure whose truth is not labelled is not measured.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clipbench.analyzers.base import Segment, Settings
from clipbench.bench.errors import InputError
from clipbench.bench.quality.figures import FIGURES, NotLabelled, Scored
from clipbench.bench.runs.results import MetricValue

__all__ = ["load_truth", "metric_names", "score"]

SCHEMA = 1
#: Why there is no truth, where nobody would expect one.
NO_PASS, NO_FILE = "no pass was completed", "no ground truth beside the clip"
EXPECTED = (NO_PASS, NO_FILE)


def declared() -> list:
    """Every figure, in the order of declaration."""
    from clipbench.bench.quality import footage, objects, reading, sound  # noqa: F401  (each fills FIGURES)

    return FIGURES


def metric_names() -> list[str]:
    """The names of all quality metrics."""
    return [figure.metric for figure in declared()]


def load_truth(clip: Path, truth: Path | None, sha256: str) -> tuple[Mapping[str, Any] | None, str]:
    """The ground truth of a clip, and the reason where there is none to use.

    `truth` None looks for a .json of the clip's name beside it. Raises InputError for a truth file that
    was named and cannot be used; one that was found is passed over with the reason.
    """
    path = truth or clip.with_suffix(".json")
    if truth is None and not path.exists():
        return None, NO_FILE
    try:
        labels = json.loads(path.read_text(encoding="utf-8"))
        if labels["schema"] != SCHEMA:
            raise ValueError(f"it is not of schema {SCHEMA}")
        if labels["clip"]["sha256"] != sha256:
            raise ValueError("it was made for a clip with another SHA-256")
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"{path} is no ground truth for this clip: {error}"
        if truth is not None:
            raise InputError(f"clip.truth: {reason}") from error
        return None, reason
    return labels, ""


def score(
    segments: Mapping[str, list[Segment]],
    settings: Mapping[str, Settings],
    truth: Mapping[str, Any] | None,
    reason: str,
    duration_s: float,
    meaningless: Mapping[str, str] | None = None,
) -> list[MetricValue]:
    """Every declared figure of a run; `reason` says why there is no truth, where `truth` is None.

    `meaningless` has the analyzers whose results mean nothing, with the reason.
    """
    values = []
    for figure in declared():
        value, why = None, reason
        if figure.analyzer not in segments:
            why = f"{figure.analyzer} gave no result"
        elif meaningless and figure.analyzer in meaningless:
            why = meaningless[figure.analyzer]
        elif truth is not None:
            try:
                scored = Scored(segments[figure.analyzer], truth, settings[figure.analyzer], duration_s)
                value, why = round(float(figure.compute(scored)), 4), ""
            except NotLabelled as missing:
                why = str(missing)
            except (LookupError, TypeError, ValueError) as error:
                why = f"its segments or the truth are not as docs/segments.md says: {error!r}"
        values.append(MetricValue(figure.metric, value, figure.unit, figure.better, [], why))
    return values
