"""The reference clip's ground truth, from the script that renders it and not from the video."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from tools.reference_clip import soundtrack
from tools.reference_clip.scenes import Pane, Script, render

PROVENANCE = {
    "shots, cuts, fades, camera, effects, degradations, texts, statements": "rendering parameters",
    "objects, ignore, poses, faces, masks": (
        "placed by eye on enlargements of the photographs, carried into each frame by the affine map that "
        "renders it; a thing counts where at least half of its box is in the frame, or what is in it fills a "
        "quarter of the frame, and where the frame is neither white nor nearly black"
    ),
    "faces.age": (
        "Collins: born 19 November 1956, wears the crew patch of STS-93, which flew in July 1999; "
        "Hopper: born 9 December 1906, portrait of 20 January 1984"
    ),
    "colors": "k-means (k=5, in Lab, seeded) over the rendered frame, scaled to a quarter",
    "words, transcript": "the recordings' transcripts; times by forced alignment with PocketSphinx 5.1.1",
    "speech": "from the first word's start to the last word's end, pauses of 0.3 s and more left out",
    "sounds, silence, music": "rendering parameters",
    "lufs": "pyloudnorm (ITU-R BS.1770) on the mixed soundtrack",
    "pitch": "librosa.pyin (65 to 400 Hz) on the voices alone",
    "topics": "the recording changes from a novel to playing cards: the start of its first word",
}


def ground_truth(script: Script) -> dict[str, Any]:
    """Everything that clips/reference.json has but the file's checksum."""
    data, fps = script.data, script.data["fps"]
    width, height = script.size
    return {
        "schema": 1,
        "clip": {
            "file": "reference.mp4",
            "sha256": "",
            "duration_s": data["frames"] / fps,
            "width": width,
            "height": height,
            "fps": fps,
            "frames": data["frames"],
        },
        "labelled": data["labelled"],
        **editing(script),
        "texts": [
            {"text": c.text, **span(c.frames, fps), "box": fractions(c.box, script.size)}
            for c in script.captions
        ],
        "statements": [
            {**span(s["frames"], fps), **{k: s[k] for k in ("relation", "modalities", "about")}}
            for s in data["statements"]
        ],
        "objects": tracks(script, "objects"),
        "ignore": tracks(script, "ignore"),
        "poses": tracks(script, "poses"),
        "faces": tracks(script, "faces"),
        "masks": masks(script),
        "colors": [colors(script, second) for second in range(data["frames"] // fps)],
        **sound(script),
        "provenance": PROVENANCE,
    }


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
                for part in s.get("panes", [s])
                for words in data["photographs"][part["photograph"]]["subjects"]
            ],
        }
        for i, s in enumerate(data["shots"])
    ]
    fade_out = next(e["frames"] for e in data["effects"] if e["effect"] == "fade_out")
    fade_in = next(e["frames"] for e in data["effects"] if e["effect"] == "fade_in")
    named = [e for e in data["effects"] if e["effect"] != "noise"]
    worse = [e for e in data["effects"] if e["effect"] in ("noise", "blur")]
    return {
        "shots": shots,
        "cuts": [
            {"time_s": s["start_s"], "kind": "hard"} for s in shots[1:] if s["start_s"] != fade_in[0] / fps
        ],
        "fades": [{"start_s": fade_out[0] / fps, "end_s": fade_in[1] / fps}],
        "camera": list(camera(script)),
        "effects": [{"effect": e["effect"], **span(e["frames"], fps)} for e in named],
        "degradations": [{"kind": e["effect"], **span(e["frames"], fps)} for e in worse],
    }


def sound(script: Script) -> dict[str, Any]:
    """Words, speech, sounds and music, with loudness and pitch."""
    data, words = script.data, list(spoken(script))
    return {
        "transcript": " ".join(w["word"] for w in words),
        "words": words,
        "speech": regions(words),
        "silence": [data["silence"]],
        "sounds": data["sounds"],
        "music": {k: data["music"][k] for k in ("tempo_bpm", "key", "start_s", "end_s")},
        "lufs": loudness(script),
        "pitch": pitch(script),
        "topics": [{"time_s": first_word(entry)} for entry in data["speech"][1:]],
    }


def span(frames: list[int], fps: int) -> dict[str, float]:
    """A range of frames in seconds."""
    return {"start_s": round(frames[0] / fps, 4), "end_s": round(frames[1] / fps, 4)}


def fractions(values: Any, size: tuple[int, int]) -> Any:
    """Pixel coordinates [..., x, y, …] as fractions of the frame."""
    scale = np.resize(np.array(size, float), np.shape(values)[-1])
    return np.round(np.array(values, float) / scale, 4).tolist()


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


def tracks(script: Script, key: str) -> list[dict[str, Any]]:
    """Objects, faces or poses of all shots: one track for each thing in each pane, a sample every frame."""
    found = []
    for shot in script.data["shots"]:
        for n, part in enumerate(shot.get("panes", [shot])):
            for thing in script.data["photographs"][part["photograph"]].get(key, []):
                found += [
                    {**{k: v for k, v in thing.items() if not isinstance(v, list | dict)}, "samples": samples}
                    for samples in [list(appearances(script, shot, n, thing))]
                    if samples
                ]
    return found


def appearances(
    script: Script, shot: dict[str, Any], pane: int, thing: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Where `thing` is in each frame of a shot in which it is visible."""
    for index in range(*shot["frames"]):
        if script.visible(index) and (sample := place(script, script.panes(index)[pane], thing, index)):
            yield {"time_s": round(index / script.data["fps"], 4), **sample}


def place(script: Script, pane: Pane, thing: dict[str, Any], index: int) -> dict[str, Any] | None:
    """Where `thing` is in frame `index`, or None if too little of it is visible."""
    size, (x1, y1, x2, y2) = script.size, pane.region
    sample: dict[str, Any] = {}
    if "box" in thing:
        box = pane.carry(np.reshape(thing["box"], (2, 2))).ravel()
        seen = np.clip(box, [x1, y1, x1, y1], [x2, y2, x2, y2])
        if area(seen) < 0.5 * area(box) and area(seen) < 0.25 * size[0] * size[1]:
            return None
        sample["box"] = fractions(seen, size)
    if "keypoints" in thing:
        points = {k: pane.carry([p])[0] for k, p in thing["keypoints"].items()}
        points = {k: fractions(p, size) for k, p in points.items() if inside(p, pane.region)}
        if not points:
            return None
        sample["keypoints"] = points
    if "iris_left" in thing:
        gaze = script.gaze(thing["id"], index) or {"shift": [0, 0], "gaze": thing["gaze"]}
        sample["gaze"] = gaze["gaze"]
        for eye in ("iris_left", "iris_right"):
            sample[eye] = fractions(pane.carry([np.add(thing[eye], gaze["shift"])])[0], size)
    return sample


def area(box: np.ndarray) -> float:
    """Area of [x1, y1, x2, y2]."""
    return float(max(0, box[2] - box[0]) * max(0, box[3] - box[1]))


def inside(point: np.ndarray, region: tuple[int, int, int, int]) -> bool:
    """Whether a point lies in [x1, y1, x2, y2]."""
    return bool(region[0] <= point[0] < region[2] and region[1] <= point[1] < region[3])


def masks(script: Script) -> list[dict[str, Any]]:
    """The outlines of the people in frame, twice a second."""
    found = []
    for index in range(0, script.data["frames"], script.data["fps"] // 2):
        if script.visible(index):
            polygons = [
                fractions(np.clip(pane.carry(outline), pane.region[:2], pane.region[2:]), script.size)
                for pane in script.panes(index)
                for outline in pane.photograph.get("masks", [])
            ]
            found.append({"time_s": round(index / script.data["fps"], 4), "polygons": polygons})
    return found


def colors(script: Script, second: int) -> dict[str, Any]:
    """Palette, brightness and saturation of the first frame of a second, as it is rendered."""
    image = render(script, second * script.data["fps"])
    small = cv2.resize(image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).reshape(-1, 3)
    cv2.setRNGSeed(1)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 50, 0.1)
    best = np.empty((len(lab), 1), np.int32)
    _, labels, centres = cv2.kmeans(lab, 5, best, criteria, 3, cv2.KMEANS_PP_CENTERS)
    shares = np.bincount(labels.ravel(), minlength=5) / len(lab)
    rgb = cv2.cvtColor(centres[None], cv2.COLOR_LAB2RGB)[0] * 255
    hsv = cv2.cvtColor(small, cv2.COLOR_RGB2HSV)
    return {
        "time_s": float(second),
        "palette": [
            {"rgb": np.round(rgb[i]).astype(int).tolist(), "lab": np.round(centres[i], 2).tolist(),
             "share": round(float(shares[i]), 4)}
            for i in np.argsort(-shares)
        ],
        "brightness": round(float(hsv[..., 2].mean()), 4),
        "saturation": round(float(hsv[..., 1].mean()), 4),
    }  # fmt: skip


def spoken(script: Script) -> Iterator[dict[str, Any]]:
    """Every word with its times in the clip."""
    for entry in script.data["speech"]:
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
            found[-1]["end_s"] = word["end_s"]
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
