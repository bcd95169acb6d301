"""Where the labels of the photographs are in a clip's frames, from its script and not from the video."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

import cv2
import numpy as np

from tools.rendered_clips.drawing import render
from tools.rendered_clips.pictures import outline_mask
from tools.rendered_clips.scenes import Pane, Script

#: Square pixels below which nothing is said about a thing at the border of the frame.
SPECK = 16


def fractions(values: Any, size: tuple[int, int]) -> Any:
    """Pixel coordinates [..., x, y, …] as fractions of the frame."""
    scale = np.resize(np.array(size, float), np.shape(values)[-1])
    return np.round(np.array(values, float) / scale, 4).tolist()


def tracks(script: Script, key: str) -> list[dict[str, Any]]:
    """Objects, faces or poses of all shots: one track for each thing in each part, a sample every frame.

    With `ignore_cut` in the script, "ignore" also has the objects while too little of them is to be seen.
    """
    found = []
    for shot in script.data["shots"]:
        for n, part in enumerate(script.parts(shot)):
            entry = script.data["photographs"][part["photograph"]]
            things = [(thing, True) for thing in entry.get(key, [])]
            if key == "ignore" and script.data.get("ignore_cut"):
                things += [(thing, False) for thing in entry.get("objects", [])]
            for thing, counted in things:
                found += [
                    {**{k: v for k, v in thing.items() if not isinstance(v, list | dict)}, "samples": samples}
                    for samples in [list(appearances(script, shot, n, thing, counted))]
                    if samples
                ]
    return found


def appearances(
    script: Script, shot: dict[str, Any], part: int, thing: dict[str, Any], counted: bool
) -> Iterator[dict[str, Any]]:
    """Where `thing` is in each frame of a shot in which it counts; or in those in which it does not."""
    for index in range(*shot["frames"]):
        if script.visible(index) and (
            sample := place(script, script.panes(index), part, thing, index, counted)
        ):
            yield {"time_s": round(index / script.data["fps"], 4), **sample}


def place(
    script: Script, panes: list[Pane], part: int, thing: dict[str, Any], index: int, counted: bool
) -> dict[str, Any] | None:
    """Where `thing` is in frame `index`, or None: too little of it is visible, or enough if not `counted`."""
    size, pane = script.size, panes[part]
    x1, y1, x2, y2 = pane.region
    sample: dict[str, Any] = {}
    if "box" in thing:
        corners = pane.carry(np.reshape(thing["box"], (2, 2)))
        box = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
        seen = np.clip(box, [x1, y1, x1, y1], [x2, y2, x2, y2])
        if counts(box, seen, panes[part + 1 :], size) != counted or area(seen) < SPECK:
            return None
        sample["box"] = fractions(seen, size)
    if "keypoints" in thing:
        points = {named(k, pane): pane.carry([p])[0] for k, p in thing["keypoints"].items()}
        before = cover(panes[part + 1 :], size)
        points = {
            k: fractions(p, size)
            for k, p in points.items()
            if inside(p, pane.region) and not (before is not None and before[int(p[1]), int(p[0])])
        }
        if not points:
            return None
        sample["keypoints"] = points
    if "iris_left" in thing:
        gaze = script.gaze(thing["id"], index) or {"shift": [0, 0], "gaze": thing["gaze"]}
        sample["gaze"] = gaze["gaze"]
        for eye in ("iris_left", "iris_right"):
            sample[eye] = fractions(pane.carry([np.add(thing[eye], gaze["shift"])])[0], size)
    return sample


def counts(box: np.ndarray, seen: np.ndarray, before: list[Pane], size: tuple[int, int]) -> bool:
    """Whether enough is visible of a thing at `box`, of which `seen` is in the frame.

    That is half of it, or as much as fills a quarter of the frame; and at most half of that is hidden by the
    cut-outs `before` it.
    """
    if area(seen) < 0.5 * area(box) and area(seen) < 0.25 * size[0] * size[1]:
        return False
    hidden = cover(before, size)
    if hidden is None:
        return True
    x1, y1, x2, y2 = np.round(seen).astype(int)
    there = hidden[y1:y2, x1:x2]
    return there.size == 0 or bool(np.mean(there > 0) <= 0.5)


def cover(panes: list[Pane], size: tuple[int, int]) -> np.ndarray | None:
    """What the cut-outs among `panes` hide, uint8 [H, W]; None if there are none."""
    cutouts = [pane for pane in panes if pane.cutout]
    if not cutouts:
        return None
    outlines = [pane.carry(outline) for pane in cutouts for outline in pane.photograph["cutout"]]
    return outline_mask(outlines, (size[1], size[0]), 0.5) > 127


def named(keypoint: str, pane: Pane) -> str:
    """The name of a keypoint; left and right are exchanged in a mirrored picture."""
    if not pane.mirrored:
        return keypoint
    side, _, rest = keypoint.partition("_")
    return {"left": f"right_{rest}", "right": f"left_{rest}"}.get(side, keypoint)


def area(box: np.ndarray) -> float:
    """Area of [x1, y1, x2, y2]."""
    return float(max(0, box[2] - box[0]) * max(0, box[3] - box[1]))


def inside(point: np.ndarray, region: tuple[int, int, int, int]) -> bool:
    """Whether a point lies in [x1, y1, x2, y2]."""
    return bool(region[0] <= point[0] < region[2] and region[1] <= point[1] < region[3])


def masks(script: Script) -> list[dict[str, Any]]:
    """The outlines of the people in frame, also of what others hide of them, six times a second.

    They are of the frames nearest to the sixths of a second: among them are those that are sampled at two or
    three a second. There are none of frames that show a photograph whose outlines are "unlabelled".
    """
    found, frames, fps = [], script.data["frames"], script.data["fps"]
    for index in (ceil(sixth * fps / 6 - 0.5) for sixth in range(6 * frames // fps)):
        panes = script.panes(index)
        if script.visible(index) and not any(p.photograph.get("masks") == "unlabelled" for p in panes):
            outlines = [
                np.clip(pane.carry(outline), pane.region[:2], pane.region[2:])
                for pane in panes
                for outline in pane.photograph.get("masks", [])
            ]
            polygons = [fractions(o, script.size) for o in outlines if np.ptp(o, axis=0).min() > 0]
            found.append({"time_s": round(index / fps, 4), "polygons": polygons})
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
