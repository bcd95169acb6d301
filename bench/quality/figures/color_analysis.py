"""Quality of color_analysis: how close the palettes are."""

from __future__ import annotations

import numpy as np

from clipbench.bench.quality.declaration import NotLabelled, Scored, figure


@figure("color_analysis", "palette_error", "lower", "ΔE")
def palette_error(scored: Scored) -> float:
    """Mean CIE76 distance from each labelled palette colour to the nearest found, weighted by share."""
    errors = []
    for truth in scored.labelled("colors"):  # each at its own moment
        if not (found := scored.near(truth["time_s"])):
            continue
        labs = np.array([c["lab"] for c in found[0].data["palette"]])
        shares = np.array([c["share"] for c in truth["palette"]])
        far = [np.linalg.norm(labs - np.array(c["lab"]), axis=1).min() for c in truth["palette"]]
        errors.append(float(np.dot(far, shares) / shares.sum()))
    if not errors:
        raise NotLabelled("no colours were found at the labelled times")
    return float(np.mean(errors))
