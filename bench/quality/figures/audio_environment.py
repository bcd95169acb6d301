"""Quality of audio_environment: whether sounds get the right tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from clipbench.analyzers.base import Segment
from clipbench.bench.quality.declaration import NotLabelled, Scored, figure

#: Labels of windows that name no sound.
NO_SOUND = ("", "Silence")


@figure("audio_environment", "top3_recall", "higher")
def top3_recall(scored: Scored) -> float:
    """Share of the labelled sounds with an accepted tag among the top three of the mean scores."""
    heard = []
    for sound in scored.labelled("sounds"):
        scores: dict[str, float] = {}
        for window in windows_in(scored, sound):
            for tag in window.data["tags"]:
                scores[tag["tag"]] = scores.get(tag["tag"], 0.0) + tag["score"]
        top = sorted(scores, key=lambda tag: scores[tag], reverse=True)[:3]
        heard.append(any(tag in sound["accepted"] for tag in top))
    if not heard:
        raise NotLabelled("the ground truth has no sound to be recognised")
    return float(np.mean(heard))


@figure("audio_environment", "window_accuracy", "higher")
def window_accuracy(scored: Scored) -> float:
    """Share of the windows within labelled sounds whose best tag is an accepted one."""
    right = [
        window.label in sound["accepted"]
        for sound in scored.labelled("sounds")
        for window in windows_in(scored, sound)
    ]
    if not right:
        raise NotLabelled("no window lies within a labelled sound")
    return float(np.mean(right))


@figure("audio_environment", "tags_in_silence", "lower")
def tags_in_silence(scored: Scored) -> float:
    """Share of the windows that lie wholly in silence and get the name of a sound.

    The silence is that of the truth's `silence`; without any sound in `sounds` it is the whole clip.
    """
    silence = scored.optional("silence") if scored.has("silence") else None
    if scored.has("sounds") and not scored.labelled("sounds"):
        silence = [{"start_s": 0.0, "end_s": scored.duration_s}]
    if silence is None:
        raise NotLabelled("the ground truth labels no silence")
    named = [
        window.label not in NO_SOUND
        for window in scored.segments
        for part in silence
        if part["start_s"] <= window.start_s + 1e-6 and window.end_s <= part["end_s"] + 1e-6
    ]
    if not named:
        raise NotLabelled("no window lies wholly in silence")
    return float(np.mean(named))


def windows_in(scored: Scored, sound: Mapping[str, Any]) -> list[Segment]:
    """The windows whose middle lies in a labelled sound."""
    return [s for s in scored.segments if sound["start_s"] <= (s.start_s + s.end_s) / 2 < sound["end_s"]]
