"""What is heard, by the tags of sounds: whether words were spoken, and what else there is.

AudioSet's tags have a score at any noise, so a tag of low score is no evidence.
"""

from __future__ import annotations

from collections.abc import Sequence

from clipbench.analyzers.base import Segment
from clipbench.analyzers.features.rules.evidence import Results
from clipbench.analyzers.features.time_spans import Lookup, by_time

SPEECH_TAGS = frozenset(
    [
        "Speech",
        "Narration, monologue",
        "Conversation",
        "Child speech, kid speaking",
        "Speech synthesizer",
        "Whispering",
        "Singing",
    ]
)


def windows_by_time(results: Results) -> Lookup[Segment]:
    """The windows of audio_environment, to look up those that a phrase is in; none if it has no result."""
    return by_time(results.get("audio_environment", ()))


def may_be_spoken(windows: Sequence[Segment], least: float) -> bool:
    """Whether in any of the windows a tag of speech has a score of at least `least`."""
    return any(
        tag["score"] >= least
        for window in windows
        for tag in window.data.get("tags", ())
        if tag["tag"] in SPEECH_TAGS
    )


def surest_tag(windows: Sequence[Segment]) -> tuple[str, float] | None:
    """The tag with the highest mean score in the windows that is none of speech, and that score."""
    totals: dict[str, float] = {}
    for window in windows:
        for tag in window.data.get("tags", ()):
            if tag["tag"] not in SPEECH_TAGS:
                totals[tag["tag"]] = totals.get(tag["tag"], 0.0) + tag["score"]
    if not totals:
        return None
    best = max(totals, key=lambda tag: totals[tag])
    return best, totals[best] / len(windows)


def spoken(results: Results, least: float) -> dict[str, Sequence[Segment]]:
    """The results without the phrases that are transcribed where no speech is heard.

    A phrase for which there is no tag at all is taken as it is.
    """
    phrases = results.get("speech_transcription")
    if phrases is None:
        return dict(results)
    heard_at = windows_by_time(results)
    kept = [
        phrase
        for phrase in phrases
        if not (windows := heard_at.overlapping(phrase.start_s, phrase.end_s))
        or may_be_spoken(windows, least)
    ]
    return {**results, "speech_transcription": kept}
