"""Quality of speech_emotion: whether the pitch is right."""

from __future__ import annotations

import numpy as np

from clipbench.analyzers.base import Segment, Settings
from clipbench.bench.quality import coverage
from clipbench.bench.quality.declaration import NothingFound, NotLabelled, Scored, figure
from clipbench.bench.quality.segment_form import Form, duplicates, malformed


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
        raise (NotLabelled if np.isnan(real).all() else NothingFound)("no frame is voiced in both")
    return wrong / total


#: What is measured of a window of speech.
EMOTION_DATA = ("arousal", "valence", "f0_hz", "energy_db", "syllables_per_s", "pitch")
#: Signs of arousal and valence → the label of their quadrant.
QUADRANTS = {(1, 1): "excited", (1, -1): "tense", (-1, 1): "calm", (-1, -1): "sad"}


def is_named_by_quadrant(window: Segment, settings: Settings) -> bool:
    """Whether a window's label is the quadrant of its arousal and valence, or neutral near their middle."""
    arousal, valence = window.data["arousal"], window.data["valence"]
    if window.label == "neutral":
        return bool(np.hypot(arousal, valence) <= vars(settings)["neutral"] + 1e-3)  # they are rounded
    return window.label == QUADRANTS[1 if arousal >= 0 else -1, 1 if valence >= 0 else -1]


emotion_coverage = coverage.of_time("speech_emotion", "speech")
emotion_malformed = malformed("speech_emotion", Form({"*": EMOTION_DATA}, holds=is_named_by_quadrant))
emotion_duplicates = duplicates("speech_emotion")
