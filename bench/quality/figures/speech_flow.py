"""Quality of speech_flow: whether speech and its rate are right."""

from __future__ import annotations

from clipbench.bench.quality.declaration import NotLabelled, Scored, figure
from clipbench.bench.quality.matching import f1, frames_in


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
        raise NotLabelled("no speech with words was found")
    found = 60 * sum(int(s.data["words"]) for s in spoken) / seconds
    return abs(found - real) / real
