"""The photographs of which frames are rendered, and what is done to them before they are placed."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from PIL import Image

from tools.rendered_clips.scenes import CLIPS, Script


@cache
def photograph(name: str) -> np.ndarray:
    """A source photograph as uint8 RGB [H, W, 3]."""
    return np.asarray(Image.open(CLIPS / "sources" / name).convert("RGB"))


def look(script: Script, entry: dict[str, Any], index: int) -> np.ndarray:
    """A photograph as frame `index` shows it, uint8 RGB: without what is erased, irises moved."""
    changed = entry.keys() & {"plain", "erase", "tint"}
    picture = prepared(frozen(entry)) if changed else photograph(entry["file"])
    if "ripple" in entry:
        picture = rippled(picture, entry["ripple"], index / script.data["fps"])
    for face in entry.get("faces", []):
        if gaze := script.gaze(face["id"], index):
            y, x = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
            move = np.zeros((*picture.shape[:2], 2), np.float32)
            for eye in ("iris_left", "iris_right"):
                far = np.hypot(x - face[eye][0] - gaze["shift"][0], y - face[eye][1] - gaze["shift"][1])
                move += np.clip((12 - far) / 6, 0, 1)[..., None] * np.array(gaze["shift"], np.float32)
            picture = cv2.remap(picture, x - move[..., 0], y - move[..., 1], cv2.INTER_CUBIC)
    return picture


def frozen(value: Any) -> Any:
    """A script's entry as something that can be a key of a cache."""
    if isinstance(value, dict):
        return tuple((key, frozen(inner)) for key, inner in value.items())
    return tuple(frozen(inner) for inner in value) if isinstance(value, list) else value


@cache
def prepared(entry: tuple[tuple[str, Any], ...]) -> np.ndarray:
    """A photograph or a plain wall, without what is in the outlines to `erase`, tinted."""
    spec = dict(entry)
    picture = wall(spec["plain"]) if "plain" in spec else photograph(spec["file"])
    if "erase" in spec:
        picture = erased(picture, spec["erase"], spec["erase_margin"], spec.get("copy_from"))
    tint = np.array(spec.get("tint", (1, 1, 1)), np.float32)
    tinted: np.ndarray = np.clip(np.round(picture * tint), 0, 255).astype(np.uint8)
    return tinted


def erased(picture: np.ndarray, outlines: Any, margin: int, shifts: Any) -> np.ndarray:
    """`picture` without what is in the outlines and up to `margin` pixels around them.

    `shifts` says for each outline how far away, across and down, is what is copied over it. Without, all of
    them are filled from around them, with the grain of what is around.
    """
    kernel = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    masks = [cv2.dilate(outline_mask([outline], picture.shape, 0.5), kernel) for outline in outlines]
    if shifts:
        sources = [np.roll(picture, (-down, -across), (0, 1)) for across, down in shifts]
    else:
        masks = [np.max(masks, axis=0)]
        sources = [surroundings(picture, masks[0])]
    filled = picture.astype(np.float32)
    for mask, source in zip(masks, sources, strict=True):
        soft = cv2.GaussianBlur(mask, (0, 0), 1 + margin / 4).astype(np.float32)[..., None] / 255
        filled = filled * (1 - soft) + source * soft
    return np.clip(np.round(filled), 0, 255).astype(np.uint8)


def surroundings(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """What is around the mask, drawn into it, float32 RGB."""
    smooth = cv2.GaussianBlur(cv2.inpaint(picture, mask, 5, cv2.INPAINT_TELEA), (0, 0), 1)
    around = (cv2.dilate(mask, np.ones((41, 41), np.uint8)) > 0) & (mask == 0)
    detail = picture.astype(np.float32) - cv2.GaussianBlur(picture, (0, 0), 2)
    spread = float(np.median(np.abs(detail[around]))) * 1.48
    grain = np.random.default_rng(11).normal(0, spread, mask.shape).astype(np.float32)
    return smooth + grain[..., None]


def wall(color: tuple[int, ...]) -> np.ndarray:
    """A plain wall of a colour, 640 × 640 pixels, a little darker to the right and the bottom."""
    y, x = np.mgrid[:640, :640].astype(np.float32) / 640
    shade = 1.04 - 0.08 * x - 0.05 * y
    plaster: np.ndarray = np.clip(np.array(color, np.float32) * shade[..., None], 0, 255).astype(np.uint8)
    return plaster


def rippled(picture: np.ndarray, spec: dict[str, float], time_s: float) -> np.ndarray:
    """`picture` as if it were seen through moving water: two crossing waves shift its pixels."""
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    turn = 2 * np.pi * spec["hz"] * time_s
    across = np.sin(2 * np.pi * (y + 0.4 * x) / spec["length"] + turn)
    down = np.sin(2 * np.pi * (x - 0.3 * y) / spec["length"] * 0.7 - 1.3 * turn)
    moved = cv2.remap(
        picture,
        (x + spec["amplitude"] * across).astype(np.float32),
        (y + spec["amplitude"] * down).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    glint = 1 + 0.08 * (across + down)
    shown: np.ndarray = np.clip(moved * glint[..., None], 0, 255).astype(np.uint8)
    return shown


@cache
def backdrop(name: str, size: tuple[int, int]) -> np.ndarray:
    """A blurred copy of a photograph that fills the frame, darker than the photograph before it."""
    picture, (width, height) = photograph(name), size
    scale = max(width / picture.shape[1], height / picture.shape[0])
    big = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    y, x = (big.shape[0] - height) // 2, (big.shape[1] - width) // 2
    return cv2.GaussianBlur(big[y : y + height, x : x + width], (0, 0), 40).astype(np.float32) * 0.6


def outline_mask(polygons: Any, shape: tuple[int, ...], softness: float) -> np.ndarray:
    """What lies within the polygons [N, 2], uint8 [H, W], 0 to 255 with edges of that softness in pixels."""
    mask = np.zeros(shape[:2], np.uint8)
    for polygon in polygons:  # one after the other: where two overlap there must be no hole
        points = np.round(np.asarray(polygon, float) * 16).astype(np.int32)
        cv2.fillPoly(mask, [points], 255, cv2.LINE_AA, 4)
    soft: np.ndarray = cv2.GaussianBlur(mask, (0, 0), softness)
    return soft
