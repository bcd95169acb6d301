"""Quality of audio_environment: whether sounds get the right tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from clipbench.analyzers.base import Segment, Settings
from clipbench.bench.quality.declaration import NothingFound, NotLabelled, Scored, figure
from clipbench.bench.quality.matching import frames_in
from clipbench.bench.quality.segment_form import Form, duplicates, malformed

#: Seconds of the longest window that a model of this analyzer hears.
WINDOW_S = 1.0
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
    if not scored.labelled("sounds"):
        raise NotLabelled("the ground truth has no sound to be recognised")
    right = [
        window.label in sound["accepted"]
        for sound in scored.labelled("sounds")
        for window in windows_in(scored, sound)
    ]
    if not right:
        raise NothingFound("no window lies within a labelled sound")
    return float(np.mean(right))


@figure("audio_environment", "tags_in_silence", "lower")
def tags_in_silence(scored: Scored) -> float:
    """Share of the silent time in which windows that lie wholly in silence get the name of a sound.

    The silence is that of the truth's `silence`, as far as it is as long as a window; without any sound in
    `sounds` it is the whole clip.
    """
    if scored.has("sounds") and not scored.labelled("sounds"):
        silence = [(0.0, scored.duration_s)]
    else:
        silence = [(part["start_s"], part["end_s"]) for part in scored.labelled("silence")]
    silence = [(start_s, end_s) for start_s, end_s in silence if end_s - start_s >= WINDOW_S]
    if not silence:
        raise NotLabelled(f"no silence is as long as a window, {WINDOW_S:g} s")
    named = [
        (window.start_s, window.end_s)
        for window in scored.segments
        if window.label not in NO_SOUND
        and any(a <= window.start_s + 1e-6 and window.end_s <= b + 1e-6 for a, b in silence)
    ]
    heard, still = frames_in(named, scored.duration_s), frames_in(silence, scored.duration_s)
    return float(heard.sum() / still.sum())


def windows_in(scored: Scored, sound: Mapping[str, Any]) -> list[Segment]:
    """The windows whose middle lies in a labelled sound."""
    return [s for s in scored.segments if sound["start_s"] <= (s.start_s + s.end_s) / 2 < sound["end_s"]]


def is_named_by_best_tag(window: Segment, _: Settings) -> bool:
    """Whether a window has the name of its best tag."""
    scores = {tag["tag"]: tag["score"] for tag in window.data["tags"]}
    return bool(scores) and scores.get(window.label) == max(scores.values())


sounds_malformed = malformed("audio_environment", Form({"*": ("tags",)}, holds=is_named_by_best_tag))
sounds_duplicates = duplicates("audio_environment")
