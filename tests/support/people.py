"""People cut out of photographs along their outlines and put anywhere into frames, with where they are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import yaml

from tests.support.clip_views import ArrayClip
from tools.rendered_clips.pictures import photograph
from tools.rendered_clips.scenes import CLIPS

#: Their outlines are in clips/reference.yaml.
NAMES = ("hopper", "astronaut", "photographer")


class Figure(NamedTuple):
    """A person in a clip: `height` in pixels, the corner's place in the first frame, pixels per second."""

    name: str
    height: int
    x: float
    y: float
    speed: float = 0.0


class Shown(NamedTuple):
    """Where a person is in a frame: its box in fractions, bool [H, W], and how much of it is in the frame."""

    box: np.ndarray
    mask: np.ndarray
    share: float


@cache
def cut_out(name: str, height: int) -> tuple[np.ndarray, np.ndarray]:
    """A person of this height: uint8 [h, w, 3], and bool [h, w], true inside the outline."""
    import cv2

    entry = yaml.safe_load((CLIPS / "reference.yaml").read_text())["photographs"][name]
    image = photograph(entry["file"])
    inside = cv2.fillPoly(np.zeros(image.shape[:2], np.uint8), [np.array(entry["masks"][0], np.int32)], 255)
    x, y, width, tall = cv2.boundingRect(inside)
    size = max(1, round(width * height / tall)), height
    part = np.s_[y : y + tall, x : x + width]
    smaller = cv2.resize(image[part], size, interpolation=cv2.INTER_AREA)
    return smaller, cv2.resize(inside[part], size, interpolation=cv2.INTER_AREA) > 127


def background(kind: str, width: int, height: int, seed: int = 0) -> np.ndarray:
    """A background without people, float [H, W, 3]: "wall" (a gradient), "grain", "cloud", or a file."""
    import cv2

    rng = np.random.default_rng(seed)
    if kind == "wall":
        y, x = np.mgrid[0:height, 0:width]
        grey = 150 + 50 * (x / width) - 30 * (y / height)
        return np.dstack([grey, grey * 0.99, grey * 0.97])
    if kind == "grain":
        return rng.normal(125, 8, (height, width, 3))
    if kind == "cloud":
        return 128 + 400 * cv2.GaussianBlur(rng.normal(0, 1, (height, width, 3)), None, 6)
    image = photograph(kind)
    scale = 1.01 * max(width / image.shape[1], height / image.shape[0])
    return cv2.resize(image, None, fx=scale, fy=scale)[:height, :width].astype(float)


def filmed(
    figures: Sequence[Figure],
    kind: str = "wall",
    size: tuple[int, int] = (960, 540),
    fps: float = 3.0,
    seconds: float = 1.0,
    sigma: float = 1.2,
) -> tuple[ArrayClip, list[list[Shown]]]:
    """A clip of people before a background, with sensor noise; and who is where in each of its frames.

    Later figures are in front of earlier ones, whose masks lack what is hidden.
    """
    rng = np.random.default_rng(1)
    width, height = size
    behind, frames, truth = background(kind, width, height), [], []
    for index in range(round(seconds * fps)):
        frame, shown = behind.copy(), []
        for figure in figures:
            picture, inside = cut_out(figure.name, figure.height)
            x, y = round(figure.x + figure.speed * index / fps), round(figure.y)
            left, right = np.clip([x, x + inside.shape[1]], 0, width)
            top, bottom = np.clip([y, y + inside.shape[0]], 0, height)
            if left >= right or top >= bottom:
                continue
            part = np.s_[top - y : bottom - y, left - x : right - x]
            frame[top:bottom, left:right][inside[part]] = picture[part][inside[part]]
            mask = np.zeros((height, width), bool)
            mask[top:bottom, left:right] = inside[part]
            shown = [one._replace(mask=one.mask & ~mask) for one in shown]
            box = np.array([left / width, top / height, right / width, bottom / height])
            shown.append(Shown(box, mask, inside[part].sum() / inside.sum()))
        frame += rng.normal(0, sigma, frame.shape) if sigma else 0
        frames.append(np.clip(frame, 0, 255).astype(np.uint8))
        truth.append(shown)
    return ArrayClip(np.stack(frames), fps=fps), truth


def walking(name: str, widths_per_s: float, height: int, size: tuple[int, int], **how):
    """As `filmed`: one person who crosses the picture, from outside its left border to beyond its right."""
    picture, _ = cut_out(name, height)
    speed = widths_per_s * size[0]
    seconds = (size[0] + picture.shape[1]) / speed
    start = Figure(name, height, -picture.shape[1], size[1] - height, speed)
    return filmed([start], size=size, seconds=seconds, **how)
