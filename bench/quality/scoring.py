"""Scoring: every quality figure of a run, computed from its segments and the clip's ground truth."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from clipbench.analyzers.base import Segment, Settings
from clipbench.bench.quality import registry
from clipbench.bench.quality.declaration import Figure, NotLabelled, Scored
from clipbench.bench.quality.truth import Truth
from clipbench.bench.runs.measurement import Measured, Measurement, NotMeasured, finite
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

    def measured(figure: Figure) -> Measurement:
        if truth is None:
            return NotMeasured(reason)
        if figure.analyzer not in segments:
            return NotMeasured(f"{figure.analyzer} gave no result")
        if figure.analyzer in meaningless:
            return NotMeasured(meaningless[figure.analyzer])
        return compute(
            figure, Scored(segments[figure.analyzer], truth, settings[figure.analyzer], duration_s)
        )

    return [MetricValue.of(f.metric, f.unit, f.better, measured(f)) for f in registry.discover()]


def compute(figure: Figure, scored: Scored) -> Measurement:
    """The figure's value, or the reason why it has none."""
    try:
        return finite(Measured(round(float(figure.compute(scored)), 4)))
    except NotLabelled as missing:
        return NotMeasured(str(missing))
    except (LookupError, TypeError, ValueError) as error:
        log.warning("%s could not be computed", figure.metric, exc_info=True)
        return NotMeasured(f"its segments or the truth are not as docs/segments.md says: {error!r}")
    except Exception as error:  # a plugin's: no measurement may be lost with it
        log.warning("%s could not be computed", figure.metric, exc_info=True)
        return NotMeasured(f"computing it raised {type(error).__name__}: {error}")
