"""What the truth of the reference clip would have each analyzer find, at its defaults."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from clipbench.analyzers import registry
from clipbench.analyzers.base import Segment
from clipbench.analyzers.color_analysis import colour_name
from clipbench.bench.quality.labelled_tracks import sample_at, truth_at
from clipbench.bench.quality.matching import overlap
from tests.support.command_line import PROJECT

TRUTH = json.loads((PROJECT / "clips" / "reference.json").read_text())


@functools.cache
def segments() -> dict[str, list[Segment]]:
    """Analyzer → the segments that the truth of the reference clip would have it find, at its defaults."""
    makers = (of_objects, of_people, of_footage, of_sound, of_readers)
    return {name: list(each) for maker in makers for name, each in maker().items()}


def samples(analyzer: str) -> Iterator[tuple[float, float]]:
    """Start and end of every sample that an analyzer of frames looks at."""
    step = 1 / registry.discover()[analyzer].settings_type().fps
    for time_s in np.arange(0.0, TRUTH["clip"]["duration_s"] - 1e-6, step):
        yield float(time_s), float(time_s) + step


def of_objects() -> dict[str, Iterator[Segment]]:
    def mask(polygons: list) -> dict[str, Any]:
        image = np.zeros((64, 36), np.uint8)
        for polygon in polygons:
            cv2.fillPoly(image, [np.round(np.array(polygon) * [36, 64]).astype(np.int32)], 1)
        runs = [(value, len(list(same))) for value, same in itertools.groupby(image.ravel())]
        return {"size": [64, 36], "counts": [*([0] if runs[0][0] else []), *(n for _, n in runs)]}

    return {
        "object_detection": (
            Segment(a, b, thing["label"], 0.9, {"box": thing["box"]})
            for a, b in samples("object_detection")
            for thing in truth_at(TRUTH["objects"], a)
        ),
        "background_segmentation": (
            Segment(
                a,
                b,
                "person" if shown["polygons"] else "no_person",
                0.9,
                {
                    "mask": mask(shown["polygons"]),
                    **dict.fromkeys(("person_share", "background_rgb", "background_blur")),
                },
            )
            for a, b in samples("background_segmentation")
            if (shown := sample_at(TRUTH["masks"], a))
        ),
    }


def of_people() -> dict[str, Iterator[Segment]]:
    return {
        "body_pose": (
            Segment(
                a,
                b,
                "upper_body" if any("shoulder" in name for name in pose["keypoints"]) else "face_only",
                0.9,
                {
                    "keypoints": {n: [*p, 1.0] for n, p in pose["keypoints"].items()},
                    "box": [0.0, 0.0, 1.0, 1.0],
                },
            )
            for a, b in samples("body_pose")
            for pose in truth_at(TRUTH["poses"], a)
        ),
        "age_estimation": (
            Segment(
                a, b, face["gender"], 0.9, {"age": face["age"], "box": face["box"], "face_confidence": 0.9}
            )
            for a, b in samples("age_estimation")
            for face in truth_at(TRUTH["faces"], a)
        ),
        "eye_tracking": (
            Segment(
                a,
                b,
                face["gaze"],
                0.9,
                {
                    "box": face["box"],
                    "iris": {"left": face["iris_left"], "right": face["iris_right"]},
                    **dict.fromkeys(("gaze", "openness")),
                },
            )
            for a, b in samples("eye_tracking")
            for face in truth_at(TRUTH["faces"], a)
        ),
    }


def of_footage() -> dict[str, Iterator[Segment]]:
    def spoilt(second: int) -> float:
        return sum(overlap(second, second + 1, d["start_s"], d["end_s"]) for d in TRUTH["degradations"])

    def moving(motion: dict) -> dict[str, Any]:
        return {name: motion[name] for name in ("dx_per_s", "dy_per_s", "scale_per_s")} | {
            "roll_deg_per_s": 0
        }

    strong = {"strength": 0.5}
    cuts = [Segment(c["time_s"], c["time_s"], "hard_cut", 0.9, strong) for c in TRUTH["cuts"]]
    cuts += [Segment(f["start_s"], f["end_s"], "fade", 0.9, strong) for f in TRUTH["fades"]]
    cuts += [Segment(s["start_s"], s["end_s"], "shot", None, {"index": s["index"]}) for s in TRUTH["shots"]]
    scenes = [list(shots) for _, shots in itertools.groupby(TRUTH["shots"], key=lambda s: s["scene"])]
    return {
        "cut_analysis": iter(cuts),
        "camera_analysis": (
            Segment(c["start_s"], c["end_s"], c["motion"], None, moving(c)) for c in TRUTH["camera"]
        ),
        "visual_effects": (
            Segment(e["start_s"], e["end_s"], e["effect"], 0.9, strong) for e in TRUTH["effects"]
        ),
        "scene_segmentation": (
            Segment(s[0]["start_s"], s[-1]["end_s"], "scene", None, {"index": i, "distance": None})
            for i, s in enumerate(scenes)
        ),
        "color_analysis": (
            Segment(
                c["time_s"],
                c["time_s"] + 1,
                colour_name(np.array(max(c["palette"], key=lambda each: each["share"])["lab"])),
                None,
                {"palette": c["palette"], **dict.fromkeys(("brightness", "saturation", "temperature_k"))},
            )
            for c in TRUTH["colors"]
        ),
        "content_quality": (
            Segment(
                t,
                t + 1,
                "video",
                None,
                {
                    "score": 0.9 - 0.5 * spoilt(t),
                    **dict.fromkeys(("sharpness", "noise", "exposure", "brisque")),
                },
            )
            for t in range(10)
        ),
    }


def of_sound() -> dict[str, Iterator[Segment]]:
    def spoken(region: dict) -> list[dict]:
        return [w for w in TRUTH["words"] if region["start_s"] <= w["start_s"] < region["end_s"]]

    music = TRUTH["music"]
    summary = {"lufs": TRUTH["lufs"], "tempo_bpm": music["tempo_bpm"], "key": music["key"]}
    summary |= dict.fromkeys(("key_strength", "loudness_range", "peak_db"))
    spectrum = dict.fromkeys(("rms_db", "centroid_hz", "rolloff_hz", "flatness", "zero_crossing_rate"))
    mood = {"arousal": -0.5, "valence": 0.5, "pitch": TRUTH["pitch"]}
    mood |= dict.fromkeys(("f0_hz", "energy_db", "syllables_per_s"))
    return {
        "speech_transcription": iter(
            [Segment(0.3, 9.8, TRUTH["transcript"], 0.9, {"words": TRUTH["words"]})]
        ),
        "speech_flow": (
            Segment(
                r["start_s"], r["end_s"], "speech", 0.9, {"words": len(spoken(r)), "words_per_minute": None}
            )
            for r in TRUTH["speech"]
        ),
        "speech_emotion": iter([Segment(0.0, 10.0, "calm", None, mood)]),
        "audio_analysis": iter(
            [
                Segment(0.0, 10.0, "summary", None, summary),
                *(Segment(t, t + 1, "spectrum", None, spectrum) for t in range(10)),
                *(Segment(s["start_s"], s["end_s"], "silence") for s in TRUTH["silence"]),
            ]
        ),
        "audio_environment": (
            Segment(sound["start_s"], sound["end_s"], tag, 0.9, {"tags": [{"tag": tag, "score": 0.9}]})
            for sound in TRUTH["sounds"]
            for tag in sound["accepted"][:1]
        ),
    }


def of_readers() -> dict[str, Iterator[Segment]]:
    def shot_of(second: int) -> dict:
        return max(TRUTH["shots"], key=lambda s: overlap(second, second + 1, s["start_s"], s["end_s"]))

    def subjects(second: int) -> list[str]:
        return [words[0] for words in shot_of(second)["subjects"]]

    pace = {"index": 0, "cuts_per_minute": 6.0 * len([*TRUTH["cuts"], *TRUTH["fades"]])}
    pace |= dict.fromkeys(("pace", "words_per_minute", "motion"))
    topics = dict.fromkeys(("similarity", "before", "after"))
    changes = [Segment(t["time_s"], t["time_s"], "topic_change", 0.9, topics) for t in TRUTH["topics"]]

    def said(statement: dict) -> dict[str, Any]:
        return {"statement": f"It is {statement['about']}.", "modalities": [], "evidence": []}

    return {
        "text_overlay": (
            Segment(t["start_s"], t["end_s"], t["text"], 0.9, {"box": t["box"]}) for t in TRUTH["texts"]
        ),
        "qwen2_vl_temporal": (
            Segment(
                t,
                t + 1,
                f"There is {', '.join(subjects(t))}.",
                None,
                {"subjects": subjects(t), **dict.fromkeys(("scene", "motion", "text"))},
            )
            for t in range(10)
        ),
        "temporal_flow": iter([Segment(0.0, 10.0, "phase", None, pace), *changes]),
        "cross_analyzer_intelligence": (
            Segment(s["start_s"], s["end_s"], s["relation"], 0.9, said(s)) for s in TRUTH["statements"]
        ),
    }
