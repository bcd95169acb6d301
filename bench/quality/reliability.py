"""Reliability: how often a finding that an analyzer gave a confidence is right.

A finding is right by the rules of the figures: the same tolerances, and only what the truth labels counts. An
analyzer whose confidence means what it says is right in seven of ten findings of confidence 0.7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from clipbench.analyzers.base import Segment
from clipbench.bench.quality.declaration import NotLabelled, Scored
from clipbench.bench.quality.figures import (
    audio_environment,
    background_segmentation,
    body_pose,
    camera_analysis,
    cross_analyzer_intelligence,
    cut_analysis,
    object_detection,
    text_overlay,
    visual_effects,
)
from clipbench.bench.quality.labelled_faces import face_pairs
from clipbench.bench.quality.labelled_tracks import track_times, truth_at
from clipbench.bench.quality.matching import frames_in, match, overlap
from clipbench.bench.quality.words import words_of


class Judged(NamedTuple):
    """A finding's confidence, and whether it is right."""

    confidence: float
    right: bool


def judged(analyzer: str, scored: Scored) -> list[Judged]:
    """The findings of an analyzer that have a confidence and can be told right from wrong.

    Raises NotLabelled where the truth does not say, and for an analyzer of which no rule says it.
    """
    if analyzer not in JUDGES:
        raise NotLabelled("nothing says whether one of its findings is right")
    found = [(s.confidence, right) for s, right in JUDGES[analyzer](scored)]
    return [Judged(confidence, right) for confidence, right in found if confidence is not None]


Findings = Iterator[tuple[Segment, bool]]


def starts_within(tolerance_s: float) -> Callable[[Segment, float], float | None]:
    """The cost of matching a finding to a moment: how far it starts from it, None if too far."""

    def cost(found: Segment, time_s: float) -> float | None:
        far = abs(found.start_s - time_s)
        return far if far <= tolerance_s + 1e-9 else None

    return cost


def objects(scored: Scored) -> Findings:
    """A detection is right on an object of its class, at IoU 0.5."""
    for pairs, spare, _ in object_detection.detections(scored):
        yield from ((detection, True) for detection, _ in pairs)
        yield from ((detection, False) for detection in spare)


def masks(scored: Scored) -> Findings:
    """`person` and `no_person` are right where the truth has an outline, and has none."""
    for polygons, found in background_segmentation.labelled_masks(scored):
        if found is not None:
            yield found, (found.label == "person") == bool(polygons)


def poses(scored: Scored) -> Findings:
    """A pose is right if half of somebody's labelled keypoints are within 0.2 shoulder widths."""
    labelled, size = scored.labelled("poses"), scored.frame_size()
    for time_s in track_times(scored, "poses"):
        people = truth_at(labelled, time_s)
        if all(map(body_pose.has_shoulders, people)):  # else it may be of one that has no measure
            for found in scored.near(time_s):
                errors = [median(body_pose.errors_of(found, pose, size)) for pose in people]
                yield found, min(errors, default=1.0) <= 0.2


def faces(label: str) -> Callable[[Scored], Findings]:
    """A judge of faces: one that was found is right if it is called what the truth has under `label`."""

    def judge(scored: Scored) -> Findings:
        for found, truth in face_pairs(scored):
            if found is not None:
                yield found, found.label == truth[label]

    return judge


def texts(scored: Scored) -> Findings:
    """A text is right if at most a fifth of the characters of one of its time differ."""
    truth = scored.labelled("texts")
    for s in scored.within("texts", scored.segments):
        edits = [e for t in truth if (e := text_overlay.misread(s, t)) is not None]
        yield s, min(edits, default=1.0) <= 0.2


def transitions(scored: Scored) -> Findings:
    """A hard cut is right within 0.1 s of a labelled one, a fade where it overlaps one."""
    cuts, fades = scored.labelled("cuts"), scored.optional("fades")
    found = scored.within("cuts", scored.of("hard_cut"))
    right = {row for row, _ in match(found, [c["time_s"] for c in cuts], starts_within(0.1))}
    yield from ((cut, row in right) for row, cut in enumerate(found))
    if scored.has("fades"):
        found = scored.within("fades", scored.of("fade"))
        right = {row for row, _ in match(found, fades, cut_analysis.meet)}
        yield from ((fade, row in right) for row, fade in enumerate(found))


def motions(scored: Scored) -> Findings:
    """A motion is right if the camera moves so for most of the labelled time that it covers."""
    truth = camera_analysis.motions(scored)
    for s in scored.segments:
        shared = [(overlap(s.start_s, s.end_s, t["start_s"], t["end_s"]), t["motion"]) for t in truth]
        if known := sum(seconds for seconds, _ in shared):
            yield s, sum(seconds for seconds, motion in shared if motion == s.label) > known / 2


def effects(scored: Scored) -> Findings:
    """An effect is right if the truth has one of its kind there."""
    right = {id(found) for found, _ in visual_effects.effect_pairs(scored)}
    for s in scored.within("effects", scored.segments):
        yield s, id(s) in right


def scenes(scored: Scored) -> Findings:
    """A scene is right if one begins within 0.5 s of its beginning."""
    expected = [b["start_s"] for a, b in pairwise(scored.labelled("shots")) if a["scene"] != b["scene"]]
    found = [s for s in scored.of("scene") if s.start_s > 0]
    right = {row for row, _ in match(found, expected, starts_within(0.5))}
    for row, s in enumerate(found):
        yield s, row in right


def words(scored: Scored) -> Findings:
    """A word is right if it is one of the transcript, in its place; its confidence is its probability."""
    spoken = words_of(scored.labelled("transcript")).split()
    heard = [
        Segment(w["start_s"], w["end_s"], words_of(w["word"]), w.get("probability"))
        for s in scored.within("transcript", scored.segments)
        for w in s.data.get("words") or []
    ]
    blocks = SequenceMatcher(None, spoken, [w.label for w in heard], autojunk=False).get_matching_blocks()
    right = {block.b + i for block in blocks for i in range(block.size)}
    for number, word in enumerate(heard):
        yield word, number in right


def speech(scored: Scored) -> Findings:
    """A stretch of speech is right if somebody speaks for most of it."""
    spoken = frames_in([(r["start_s"], r["end_s"]) for r in scored.labelled("speech")], scored.duration_s)
    for s in scored.within("speech", scored.of("speech")):
        inside = frames_in([(s.start_s, s.end_s)], scored.duration_s)
        yield s, bool(inside.any()) and bool(spoken[inside].mean() > 0.5)


def sounds(scored: Scored) -> Findings:
    """A window of a labelled sound is right if its name is an accepted one."""
    for sound in scored.labelled("sounds"):
        for window in audio_environment.windows_in(scored, sound):
            yield window, window.label in sound["accepted"]


def statements(scored: Scored) -> Findings:
    """An agreement or a contradiction is right if it is labelled."""
    found, pairs = cross_analyzer_intelligence.statement_pairs(scored)
    right = {row for row, _ in pairs}
    for row, s in enumerate(found):
        yield s, row in right


#: Analyzer → what tells its right findings from its wrong ones.
JUDGES: dict[str, Callable[[Scored], Findings]] = {
    "object_detection": objects,
    "background_segmentation": masks,
    "body_pose": poses,
    "age_estimation": faces("gender"),
    "eye_tracking": faces("gaze"),
    "text_overlay": texts,
    "cut_analysis": transitions,
    "camera_analysis": motions,
    "visual_effects": effects,
    "scene_segmentation": scenes,
    "speech_transcription": words,
    "speech_flow": speech,
    "audio_environment": sounds,
    "cross_analyzer_intelligence": statements,
}
