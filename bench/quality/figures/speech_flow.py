"""Quality of speech_flow: whether speech and its rate are right."""

from __future__ import annotations

import numpy as np

from clipbench.bench.quality.declaration import NothingFound, NotLabelled, Scored, figure
from clipbench.bench.quality.matching import f1, frames_in, overlap
from clipbench.bench.quality.segment_form import Form, duplicates, malformed


@figure("speech_flow", "speech_f1", "higher")
def speech_f1(scored: Scored) -> float:
    """F1 of speech against no speech, in frames of 10 ms; 1 where nobody speaks and no speech is found."""
    known = frames_in(scored.stretches("speech"), scored.duration_s)
    real = known & frames_in(
        [(r["start_s"], r["end_s"]) for r in scored.labelled("speech")], scored.duration_s
    )
    found = known & frames_in([(s.start_s, s.end_s) for s in scored.of("speech")], scored.duration_s)
    return f1(int((real & found).sum()), int(found.sum()), int(real.sum()))


@figure("speech_flow", "rate_error", "lower")
def rate_error(scored: Scored) -> float:
    """Relative error of the words per minute of speech, over the clip."""
    words, speech = len(scored.labelled("words")), scored.labelled("speech")
    if not words or not speech:
        raise NotLabelled("the ground truth has no words for a rate")
    real: float = 60 * words / sum(r["end_s"] - r["start_s"] for r in speech)
    spoken = [s for s in scored.of("speech") if s.data.get("words") is not None]
    seconds = sum(s.end_s - s.start_s for s in spoken)
    if not seconds:
        raise NothingFound("no speech with words was found")
    found = 60 * sum(int(s.data["words"]) for s in spoken) / seconds
    return abs(found - real) / real


@figure("speech_flow", "word_count_error", "lower")
def word_count_error(scored: Scored) -> float:
    """Mean relative error of the number of words in each labelled stretch of speech.

    The words of what was found are spread over the labelled speech in it.
    """
    words = [(w["start_s"] + w["end_s"]) / 2 for w in scored.labelled("words")]
    regions = scored.labelled("speech")
    spoken = np.array([sum(r["start_s"] <= middle < r["end_s"] for middle in words) for r in regions])
    if not spoken.any():
        raise NotLabelled("the ground truth has no words in its speech")
    counted = np.zeros(len(regions))
    for s in scored.of("speech"):
        shared = np.array([overlap(s.start_s, s.end_s, r["start_s"], r["end_s"]) for r in regions])
        if s.data.get("words") is not None and shared.any():
            counted += s.data["words"] * shared / shared.sum()
    return float((np.abs(counted - spoken)[spoken > 0] / spoken[spoken > 0]).mean())


#: What is known of speech and of a pause.
SPEECH_FORM = Form({"speech": ("words", "words_per_minute"), "pause": ()})
speech_malformed = malformed("speech_flow", SPEECH_FORM)
speech_duplicates = duplicates("speech_flow")
