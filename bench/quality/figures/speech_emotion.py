"""Quality of speech_emotion: whether the pitch is right."""

from __future__ import annotations

import numpy as np

from clipbench.bench.quality.declaration import NotLabelled, Scored, figure


@figure("speech_emotion", "gross_pitch_error", "lower")
def gross_pitch_error(scored: Scored) -> float:
    """Share of the frames voiced in both whose pitch is more than 20 % off (gross pitch error)."""
    truth = scored.labelled("pitch")
    real = np.array([np.nan if hz is None else hz for hz in truth["hz"]], float)
    wrong = total = 0
    for segment in scored.segments:
        if not (track := segment.data.get("pitch")):
            continue
        for i, hz in enumerate(track["hz"]):
            index = round((track["start_s"] + i * track["step_s"] - truth["start_s"]) / truth["step_s"])
            if hz is None or not 0 <= index < len(real) or np.isnan(real[index]):
                continue
            total += 1
            wrong += bool(abs(hz - real[index]) > 0.2 * real[index])
    if not total:
        raise NotLabelled("no frame is voiced in both")
    return wrong / total
