"""Scoring: every quality figure of a run, computed from its segments and the clip's ground truth."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from clipbench.analyzers.base import Segment, Settings
from clipbench.bench.quality import registry
from clipbench.bench.quality.declaration import Figure, NotLabelled, Scored
from clipbench.bench.quality.truth import Truth
from clipbench.bench.runs.results import MetricValue

log = logging.getLogger(__name__)


def score(
    segments: Mapping[str, list[Segment]],
    settings: Mapping[str, Settings],
    truth: Truth | None,
    reason: str,
    duration_s: float,
    meaningless: Mapping[str, str] | None = None,
) -> list[MetricValue]:
    """Every figure of a run. `segments` and `settings` are by analyzer.

    `reason` says why there is no truth, if `truth` is None. `meaningless` names the analyzers whose results
    mean nothing, each with the reason.
    """
    meaningless = meaningless or {}

    def measured(figure: Figure) -> tuple[float | None, str]:
        if figure.analyzer not in segments:
            return None, f"{figure.analyzer} gave no result"
        if figure.analyzer in meaningless:
            return None, meaningless[figure.analyzer]
        if truth is None:
            return None, reason
        return compute(
            figure, Scored(segments[figure.analyzer], truth, settings[figure.analyzer], duration_s)
        )

    values = []
    for figure in registry.discover():
        value, why = measured(figure)
        values.append(MetricValue(figure.metric, value, figure.unit, figure.better, [], why))
    return values


def compute(figure: Figure, scored: Scored) -> tuple[float | None, str]:
    """The figure's value, or None and the reason."""
    try:
        return round(float(figure.compute(scored)), 4), ""
    except NotLabelled as missing:
        return None, str(missing)
    except (LookupError, TypeError, ValueError) as error:
        log.warning("%s could not be computed", figure.metric, exc_info=True)
        return None, f"its segments or the truth are not as docs/segments.md says: {error!r}"
