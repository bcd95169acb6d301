"""For each target on quality, what an analyzer would find that misses it, made from what is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from clipbench.analyzers import registry
from clipbench.analyzers.base import Segment
from clipbench.bench import quality

Segments = list[Segment]
#: Analyzers that may find nothing in a frame: what they looked at does not show in their segments.
OF_FRAMES = ("object_detection", "body_pose", "age_estimation", "eye_tracking")
#: The others of which it is known what they looked at.
ANSWERING = [
    figure.analyzer
    for figure in quality.discover()
    if figure.name == "coverage" and figure.analyzer not in OF_FRAMES
]


def data(segment: Segment, **changed: Any) -> Segment:
    """`segment` with some of its data changed."""
    return replace(segment, data={**segment.data, **changed})


def moved(points: dict[str, list[float]], by: float) -> dict[str, list[float]]:
    """Named points, moved to the right by a fraction of the frame's width."""
    return {name: [x + by, *rest] for name, (x, *rest) in points.items()}


def each(change: Callable[[Segment], Segment]) -> Callable[[Segments], Segments]:
    """What spoils every segment alike."""
    return lambda found: [change(s) for s in found]


def later(word: dict[str, Any], by_s: float) -> dict[str, Any]:
    """A word that is heard too late."""
    return {**word, "start_s": word["start_s"] + by_s, "end_s": word["end_s"] + by_s}


def anew(segment: Segment, start_s: float, end_s: float) -> Segments:
    """The segment once more, at another time."""
    return [replace(segment, start_s=start_s, end_s=end_s)]


#: Target → what the analyzer finds instead of what is there.
SPOILT: dict[str, Callable[[Segments], Segments]] = {
    "object_detection.recall": lambda found: found[::2],
    "object_detection.precision": lambda found: found + [replace(s, label="dog") for s in found],
    "speech_transcription.word_error_rate": each(lambda s: replace(s, label=s.label.replace("of", "off"))),
    "text_overlay.character_error_rate": each(lambda s: replace(s, label=s.label.replace("O", "0").lower())),
    "cut_analysis.f1": lambda found: found[::2],
    "camera_analysis.accuracy": each(lambda s: replace(s, label="static")),
    "audio_environment.top3_recall": each(lambda s: data(s, tags=[{"tag": "Vehicle", "score": 0.9}])),
    "qwen2_vl_temporal.subject_recall": each(lambda s: replace(s, label="There is a room.")),
    "body_pose.pck": each(lambda s: data(s, keypoints=moved(s.data["keypoints"], 0.1))),
    "background_segmentation.iou": each(
        lambda s: data(s, mask={**s.data["mask"], "counts": [0, *s.data["mask"]["counts"]]})  # inside out
    ),
    "age_estimation.age_error": each(lambda s: data(s, age=s.data["age"] + 20)),
    "age_estimation.gender_accuracy": each(lambda s: replace(s, label="unknown")),
    "eye_tracking.iris_error": each(lambda s: data(s, iris=moved(s.data["iris"], 0.02))),
    "eye_tracking.gaze_accuracy": each(lambda s: replace(s, label="down")),
    "visual_effects.f1": lambda found: found[::2],
    "scene_segmentation.f1": lambda found: found[:2],
    "color_analysis.palette_error": each(
        lambda s: data(s, palette=[{"lab": [c["lab"][0] + 9, *c["lab"][1:]]} for c in s.data["palette"]])
    ),
    "content_quality.degradation_auc": each(lambda s: data(s, score=1 - s.data["score"])),
    "speech_flow.speech_f1": lambda _: [Segment(0.0, 10.0, "speech", 0.9, {"words": 29})],
    "speech_flow.rate_error": each(lambda s: data(s, words=s.data["words"] // 2)),
    "speech_emotion.gross_pitch_error": each(
        lambda s: data(s, pitch={**s.data["pitch"], "hz": [f and 2 * f for f in s.data["pitch"]["hz"]]})
    ),
    "audio_analysis.loudness_error": each(lambda s: data(s, lufs=-30.0)),
    "audio_analysis.tempo_error": each(lambda s: data(s, tempo_bpm=60.0)),
    "audio_analysis.key_match": each(lambda s: data(s, key="D# major")),
    "temporal_flow.topic_f1": lambda found: [s for s in found if s.label != "topic_change"],
    "temporal_flow.pace_error": each(lambda s: data(s, cuts_per_minute=10.0)),
    "cross_analyzer_intelligence.statement_f1": each(lambda s: replace(s, label="insight")),
}
SPOILT |= {  # false alarms: what is found where nothing is
    "object_detection.false_persons": lambda found: [
        *found,
        replace(found[0], start_s=2.0, end_s=2.9, data={"box": [0.0, 0.0, 0.2, 0.2]}),
    ],
    "speech_transcription.words_in_silence": lambda found: [
        *found,
        Segment(3.6, 4.2, "Mmm.", 0.9, {"words": [{"word": "Mmm", "start_s": 3.6, "end_s": 4.0}]}),
    ],
    "text_overlay.false_texts": lambda found: [*found, Segment(2.0, 3.0, "1I|", 0.5)],
    "camera_analysis.motion_on_tripod": each(
        lambda s: replace(s, label="pan_left") if s.start_s == 2.9 else s
    ),
    "body_pose.false_persons": lambda found: found + anew(found[0], 2.0, 3.9),
    "background_segmentation.false_persons": each(
        lambda s: replace(s, label="person") if 2.0 <= s.start_s < 3.9 else s
    ),
    "age_estimation.false_faces": lambda found: found + anew(found[0], 2.0, 3.9),
    "eye_tracking.false_faces": lambda found: found + anew(found[0], 2.0, 3.9),
    "visual_effects.false_effects": lambda found: [*found, Segment(8.6, 9.6, "monochrome", 0.9)],
}
SPOILT |= {  # what every analyzer must be: well formed, and nothing twice
    **{f"{name}.malformed": each(lambda s: replace(s, data={"unknown": 1})) for name in registry.discover()},
    **{f"{name}.duplicates": lambda found: [*found, *found] for name in registry.discover()},
    **{f"{name}.coverage": lambda _: [] for name in ANSWERING},
}
SPOILT |= {  # where, when, and by which name
    "speech_transcription.word_time_error": each(
        lambda s: data(s, words=[later(word, 0.5) for word in s.data["words"]])
    ),
    "text_overlay.temporal_iou": each(lambda s: replace(s, end_s=s.start_s + 0.3)),
    "text_overlay.box_iou": each(lambda s: data(s, box=[0.0, 0.4, 0.5, 0.5])),
    "camera_analysis.speed_error": each(lambda s: data(s, dx_per_s=-s.data["dx_per_s"])),
    "audio_environment.window_accuracy": each(lambda s: replace(s, label="Vehicle")),
    "qwen2_vl_temporal.listed_recall": each(lambda s: data(s, subjects=["room"])),
    "body_pose.oks_recall": each(lambda s: data(s, keypoints=moved(s.data["keypoints"], 0.5))),
    "age_estimation.face_recall": lambda found: found[::2],
    "eye_tracking.gaze_balanced_accuracy": each(lambda s: replace(s, label="center")),
    "eye_tracking.face_recall": lambda found: found[::2],
    "visual_effects.temporal_iou": each(lambda s: replace(s, end_s=s.start_s + 0.05)),
    "color_analysis.name_accuracy": each(lambda s: replace(s, label="hot pink")),
    "speech_flow.word_count_error": each(lambda s: data(s, words=s.data["words"] + 2)),
    "audio_analysis.silence_f1": lambda found: [s for s in found if s.label != "silence"],
    "cross_analyzer_intelligence.time_recall": each(lambda s: replace(s, end_s=s.start_s + 0.2)),
}
