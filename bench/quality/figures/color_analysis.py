"""Quality of color_analysis: how close the palettes are."""

from __future__ import annotations

import numpy as np

from clipbench.analyzers.color_analysis import colour_name
from clipbench.bench.quality import coverage
from clipbench.bench.quality.declaration import NothingFound, NotLabelled, Scored, figure
from clipbench.bench.quality.segment_form import Form, duplicates, malformed


@figure("color_analysis", "palette_error", "lower", "ΔE")
def palette_error(scored: Scored) -> float:
    """Mean CIE76 distance from each labelled palette colour to the nearest found, weighted by share."""
    errors, colors = [], scored.labelled("colors")
    if not colors:
        raise NotLabelled("the ground truth has no colours")
    for truth in colors:  # each at its own moment
        if not (found := scored.near(truth["time_s"])):
            continue
        labs = np.array([c["lab"] for c in found[0].data["palette"]])
        shares = np.array([c["share"] for c in truth["palette"]])
        far = [np.linalg.norm(labs - np.array(c["lab"]), axis=1).min() for c in truth["palette"]]
        errors.append(float(np.dot(far, shares) / shares.sum()))
    if not errors:
        raise NothingFound("no colours were found at the labelled times")
    return float(np.mean(errors))


@figure("color_analysis", "name_accuracy", "higher")
def name_accuracy(scored: Scored) -> float:
    """Share of the labelled moments whose picture is named by one of its largest labelled colours.

    Those are the colours with at least three quarters of the share of the largest one: of two that are about
    as large, either may lead.
    """
    right = []
    for truth in scored.labelled("colors"):
        most = max(c["share"] for c in truth["palette"])
        names = {colour_name(np.array(c["lab"])) for c in truth["palette"] if c["share"] >= 0.75 * most}
        right.append(any(s.label in names for s in scored.near(truth["time_s"])))
    if not right:
        raise NotLabelled("the ground truth has no colours")
    return float(np.mean(right))


#: What is known of the colours of a picture.
COLOR_DATA = ("palette", "brightness", "saturation", "temperature_k")
color_coverage = coverage.of_answers("color_analysis", "colors")
color_malformed = malformed("color_analysis", Form({"*": COLOR_DATA}))
color_duplicates = duplicates("color_analysis")
