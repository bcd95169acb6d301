"""A rendered clip's ground truth, from the script that renders it and not from the video."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tools.rendered_clips import soundtrack
from tools.rendered_clips.labels import colors, fractions, masks, tracks
from tools.rendered_clips.scenes import Script

#: How each key is made, where a clip's script does not say it.
PROVENANCE = {
    "shots, cuts, fades, camera, effects, degradations, texts, statements": "rendering parameters",
    "objects, ignore, poses, faces, masks": (
        "placed by eye on enlargements of the photographs, carried into each frame by the affine map that "
        "renders it; a thing counts where at least half of its box is in the frame, or what is in it fills a "
        "quarter of the frame, and where the frame is neither white nor nearly black"
    ),
    "colors": "k-means (k=5, in Lab, seeded) over the rendered frame, scaled to a quarter",
    "words, transcript": "the recordings' transcripts; times by forced alignment with PocketSphinx 5.1.1",
    "speech": "from the first word's start to the last word's end, pauses of 0.3 s and more left out",
    "sounds, silence, music": "rendering parameters",
    "lufs": "pyloudnorm (ITU-R BS.1770) on the mixed soundtrack",
    "pitch": "librosa.pyin (65 to 400 Hz) on the voices alone",
}


def ground_truth(script: Script) -> dict[str, Any]:
    """Everything that the clip's .json has but the file's checksum; not what the script leaves out."""
    data, fps = script.data, script.data["fps"]
    width, height = script.size
    truth = {
        "schema": 1,
        "clip": {
            "file": f"{script.name}.mp4",
            "sha256": "",
            "duration_s": data["frames"] / fps,
            "width": width,
            "height": height,
            "fps": fps,
            "frames": data["frames"],
        },
        **({"labelled": data["labelled"]} if "labelled" in data else {}),
        **editing(script),
        "texts": [
            {"text": c.text, **span(c.frames, fps), "box": fractions(c.box, script.size)}
            for c in script.captions
        ],
        "statements": [
            {**span(s["frames"], fps), **{k: s[k] for k in ("relation", "modalities", "about")}}
            for s in data.get("statements", [])
        ],
        "objects": tracks(script, "objects"),
        "ignore": tracks(script, "ignore"),
        "poses": tracks(script, "poses"),
        "faces": tracks(script, "faces"),
        "masks": masks(script),
        "colors": [colors(script, second) for second in range(data["frames"] // fps)],
        **sound(script),
        "provenance": provenance(data),
    }
    return {key: value for key, value in truth.items() if key not in data.get("leave_out", [])}


def provenance(data: dict[str, Any]) -> dict[str, str]:
    """How each key is made; what the script says takes the place of what is said of the same key."""
    said = data.get("provenance", {})
    general = {key: text for key, text in PROVENANCE.items() if key not in said}
    return {**general, **said}


def editing(script: Script) -> dict[str, Any]:
    """Shots, transitions, the camera's motion and effects."""
    data, fps = script.data, script.data["fps"]
    shots = [
        {
            "index": i,
            **span(s["frames"], fps),
            "scene": script.scene(s),
            "subjects": [
                words
                for part in script.parts(s)
                for words in data["photographs"][part["photograph"]]["subjects"]
            ],
        }
        for i, s in enumerate(data["shots"])
    ]
    fades = [
        [span(e["frames"], fps) for e in data["effects"] if e["effect"] == effect]
        for effect in ("fade_out", "fade_in")
    ]
    black = {fade["start_s"] for fade in fades[1]}
    named = [e for e in data["effects"] if e["effect"] != "noise"]
    worse = [e for e in data["effects"] if e["effect"] in ("noise", "blur")]
    return {
        "shots": shots,
        "cuts": [{"time_s": s["start_s"], "kind": "hard"} for s in shots[1:] if s["start_s"] not in black],
        "fades": [{"start_s": a["start_s"], "end_s": b["end_s"]} for a, b in zip(*fades, strict=True)],
        "camera": list(camera(script)),
        "effects": [{"effect": e["effect"], **span(e["frames"], fps)} for e in named],
        "degradations": [{"kind": e["effect"], **span(e["frames"], fps)} for e in worse],
    }


def sound(script: Script) -> dict[str, Any]:
    """Words, speech, sounds and music, with loudness and pitch."""
    data = script.data
    words = list(spoken([e for e in data["speech"] if not e.get("behind")]))
    voices = sorted(spoken(data["speech"]), key=lambda word: float(word["start_s"]))
    music = data.get("music")
    return {
        "transcript": " ".join(w["word"] for w in words),
        "words": words,
        "speech": regions(voices),
        "silence": data["silence"],
        "sounds": data["sounds"],
        **({"music": {k: music[k] for k in ("tempo_bpm", "key", "start_s", "end_s")}} if music else {}),
        "lufs": loudness(script),
        "pitch": pitch(script) if "pitch" not in data.get("leave_out", []) else None,
        "topics": [{"time_s": first_word(entry)} for entry in data["speech"][1:]],
    }


def span(frames: list[int], fps: int) -> dict[str, float]:
    """A range of frames in seconds."""
    return {"start_s": round(frames[0] / fps, 4), "end_s": round(frames[1] / fps, 4)}


def camera(script: Script) -> Iterator[dict[str, Any]]:
    """Each shot's motion, and the standstill after it if the shot stops."""
    fps, (width, height) = script.data["fps"], script.size
    for shot in script.data["shots"]:
        first, end = shot["frames"]
        stops = shot.get("stops", end)
        a, b = script.panes(first)[0].matrix, script.panes(stops - 1)[0].matrix
        seconds = max((stops - 1 - first) / fps, 1 / fps)
        centre = np.linalg.solve(a[:, :2], np.array([width, height]) / 2 - a[:, 2])
        moved = (b[:, :2] @ centre + b[:, 2] - np.array([width, height]) / 2) / seconds
        yield {
            **span([first, stops], fps),
            "motion": shot["motion"],
            "dx_per_s": round(float(moved[0] / width), 4),
            "dy_per_s": round(float(moved[1] / height), 4),
            "scale_per_s": round(float((b[0, 0] / a[0, 0]) ** (1 / seconds)), 4),
        }
        if stops < end:
            still = {"motion": "static", "dx_per_s": 0.0, "dy_per_s": 0.0, "scale_per_s": 1.0}
            yield {**span([stops, end], fps), **still}


def spoken(recordings: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every word of the recordings with its times in the clip."""
    for entry in recordings:
        for word, start_s, end_s in entry["words"]:
            yield {
                "word": word,
                "start_s": round(entry["at"] + start_s, 3),
                "end_s": round(entry["at"] + end_s, 3),
            }


def first_word(entry: dict[str, Any]) -> float:
    """When a recording's first word starts in the clip."""
    return round(float(entry["at"] + entry["words"][0][1]), 3)


def regions(words: list[dict[str, Any]]) -> list[dict[str, float]]:
    """Stretches of speech: words with less than 0.3 s between them."""
    found: list[dict[str, float]] = []
    for word in words:
        if found and word["start_s"] - found[-1]["end_s"] < 0.3:
            found[-1]["end_s"] = max(found[-1]["end_s"], word["end_s"])
        else:
            found.append({"start_s": word["start_s"], "end_s": word["end_s"]})
    return found


def loudness(script: Script) -> float:
    """Integrated loudness of the soundtrack in LUFS."""
    import pyloudnorm

    return round(float(pyloudnorm.Meter(soundtrack.RATE).integrated_loudness(soundtrack.mix(script))), 2)


def pitch(script: Script) -> dict[str, Any]:
    """Fundamental frequency of the voices in hertz every 10 ms; null if there is none."""
    import librosa

    hz, _, _ = librosa.pyin(
        soundtrack.dry_speech(script), fmin=65, fmax=400, sr=soundtrack.SPEECH_RATE, hop_length=160
    )
    return {
        "start_s": 0.0,
        "step_s": 0.01,
        "hz": [None if np.isnan(value) else round(float(value), 1) for value in hz],
    }
