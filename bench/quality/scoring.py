"""Scoring: every quality figure of a run, computed from its segments and the clip's ground truth."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from clipbench.analyzers.base import Segment, Settings
from clipbench.bench.quality import registry
from clipbench.bench.quality.declaration import Figure, NothingFound, NotLabelled, Scored
from clipbench.bench.quality.truth import Truth
from clipbench.bench.runs.measurement import Failed, Measured, Measurement, NotMeasured, finite
from clipbench.bench.runs.results import MetricValue
from clipbench.executors.containing import described, is_the_users, traced

log = logging.getLogger(__name__)


def score(
    segments: Mapping[str, list[Segment]],
    settings: Mapping[str, Settings],
    truth: Truth | None,
    reason: str,
    duration_s: float,
    meaningless: Mapping[str, str] | None = None,
    lost: Mapping[str, str] | None = None,
) -> list[MetricValue]:
    """Every figure of a run. `segments` and `settings` are by analyzer.

    `reason` says why there is no truth, if `truth` is None. `meaningless` names the analyzers whose results
    mean nothing, and `lost` those that gave none, each with the reason.
    """
    meaningless, lost = meaningless or {}, lost or {}

    def measured(figure: Figure) -> Measurement:
        if figure.analyzer in lost and figure.analyzer not in meaningless:
            return of_lost(figure, settings[figure.analyzer], truth, lost[figure.analyzer], duration_s)
        if truth is None:
            return NotMeasured(reason)
        if figure.analyzer in meaningless:
            return NotMeasured(meaningless[figure.analyzer])
        if figure.analyzer not in segments:
            return NotMeasured(f"{figure.analyzer} gave no result")
        return compute(
            figure, Scored(segments[figure.analyzer], truth, settings[figure.analyzer], duration_s)
        )

    return [MetricValue.of(f.metric, f.unit, f.better, measured(f)) for f in registry.discover()]


def of_lost(
    figure: Figure, settings: Settings, truth: Truth | None, reason: str, duration_s: float
) -> NotMeasured:
    """The figure of an analyzer that was lost: failed, but where this clip has nothing for it anyway."""
    if truth is not None:
        nothing = compute(figure, Scored([], truth, settings, duration_s))
        if isinstance(nothing, NotMeasured) and not isinstance(nothing, Failed):
            return nothing
    return Failed(reason)


def is_missed(analyzer: str, settings: Settings, truth: Truth, duration_s: float) -> bool:
    """Whether an analyzer that finds nothing at all in a clip misses something, by any of its figures."""
    return any(
        costs_nothing_found(figure, Scored([], truth, settings, duration_s))
        for figure in registry.discover()
        if figure.analyzer == analyzer
    )


def costs_nothing_found(figure: Figure, nothing: Scored) -> bool:
    """Whether a figure says that something was there to be found."""
    value = compute(figure, nothing)
    if isinstance(value, Measured):
        return value.value == 0 if figure.better == "higher" else value.value > 0
    return isinstance(value, Failed)


def compute(figure: Figure, scored: Scored) -> Measurement:
    """The figure's value, or the reason why it has none."""
    try:
        value = finite(Measured(round(float(figure.compute(scored)), 4)))
        return value if isinstance(value, Measured) else Failed(value.reason)
    except NotLabelled as missing:
        return NotMeasured(str(missing))
    except NothingFound as missing:
        return Failed(str(missing))
    except (LookupError, TypeError, ValueError) as error:
        log.warning("%s could not be computed", figure.metric, exc_info=True)
        return Failed(f"its segments or the truth are not as docs/segments.md says: {error!r}")
    except BaseException as error:  # a plugin's: no measurement may be lost with it
        if is_the_users(error):
            raise
        log.warning("%s could not be computed: %s", figure.metric, traced(error))
        return Failed(f"computing it raised {described(error)}")
