"""The frames of the rendered clips, as their scripts describe them."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np

from tools.rendered_clips.pictures import backdrop, look, outline_mask
from tools.rendered_clips.scenes import Pane, Script


def render(script: Script, index: int) -> np.ndarray:
    """Frame `index` of the clip as uint8 RGB [H, W, 3]; the same every time."""
    effects = script.effects(index)
    if "freeze" in effects:
        index = effects["freeze"]["frames"][0] - 1
        effects = script.effects(index)
    if "flash" in effects:
        return np.full((script.size[1], script.size[0], 3), 250, np.uint8)
    image = drift(script, shown(script, index), index)
    if "blur" in effects:
        image = cv2.GaussianBlur(image, (0, 0), effects["blur"]["sigma"])
    image = graded(image, script.shot(index).get("grade", {}))
    for caption in script.captions:
        if caption.frames[0] <= index < caption.frames[1]:
            image = caption.draw(image)
    sigma = effects["noise"]["sigma"] if "noise" in effects else script.data["grain"]
    grain = np.random.default_rng(index).normal(0, sigma, image.shape[:2]).astype(np.float32)
    image = (image + grain[..., None]) * script.brightness(index)
    return np.clip(np.round(image), 0, 255).astype(np.uint8)


def shown(script: Script, index: int) -> np.ndarray:
    """The photographs of frame `index`, float32 RGB, from the back to the front."""
    image: np.ndarray = np.zeros((script.size[1], script.size[0], 3), np.float32)
    for pane in script.panes(index):
        x1, y1, x2, y2 = pane.region
        if pane.cutout:
            image = cut_out(script, pane, index, image)
        elif pane.shape is not None:
            cover = outline_mask([pane.shape], image.shape, 1.5)[..., None] / np.float32(255)
            image = image * (1 - cover) + draw(script, pane, index) * cover
        else:
            image[y1:y2, x1:x2] = draw(script, pane, index)[y1:y2, x1:x2]
    return image


def draw(script: Script, pane: Pane, index: int) -> np.ndarray:
    """One photograph over the whole frame, in front of its blurred copy if it does not fill the frame."""
    size = script.size
    picture = look(script, pane.photograph, index)
    image = cv2.warpAffine(picture, pane.matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    if pane.shape is not None or "file" not in pane.photograph:
        return image
    cover = cv2.warpAffine(np.full(picture.shape[:2], 255, np.uint8), pane.matrix, size)[..., None] / 255
    return (
        image if cover.min() == 1 else image * cover + backdrop(pane.photograph["file"], size) * (1 - cover)
    )


def cut_out(script: Script, pane: Pane, index: int, image: np.ndarray) -> np.ndarray:
    """`image` with a cut-out in front of it. A small one is averaged, so that it does not flicker."""
    picture = look(script, pane.photograph, index)
    cover = outline_mask(pane.photograph["cutout"], picture.shape, 0.7)
    matrix, scale = pane.matrix, abs(pane.matrix[0, 0])
    if scale < 0.7:
        # Reduced first, by a whole number: warping alone would skip pixels.
        step = max(1, int(1 / scale))
        height, width = (length // step * step for length in picture.shape[:2])
        small = (width // step, height // step)
        picture = cv2.resize(picture[:height, :width], small, interpolation=cv2.INTER_AREA)
        cover = cv2.resize(cover[:height, :width], small, interpolation=cv2.INTER_AREA)
        # Pixel centres: small pixel i is the middle of the large ones from step·i to step·i + step - 1.
        matrix = matrix @ np.array([[step, 0, (step - 1) / 2], [0, step, (step - 1) / 2], [0, 0, 1]])
    there = cv2.warpAffine(
        picture, matrix, script.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    alpha = cv2.warpAffine(cover, matrix, script.size, flags=cv2.INTER_LINEAR)[..., None] / np.float32(255)
    drawn: np.ndarray = image * (1 - alpha) + there * alpha
    return drawn


def graded(image: np.ndarray, grade: dict[str, Any]) -> np.ndarray:
    """`image` with less colour (`saturation` 0 leaves grey), then multiplied by `tint`."""
    if "saturation" in grade:
        grey = image @ np.array([0.299, 0.587, 0.114], np.float32)
        image = grey[..., None] + grade["saturation"] * (image - grey[..., None])
    return image * np.array(grade["tint"], np.float32) if "tint" in grade else image


def drift(script: Script, image: np.ndarray, index: int) -> np.ndarray:
    """`image` with what drifts over it in this shot: soft shadows, and leaves that the wind carries."""
    shot, time_s = script.shot(index), index / script.data["fps"]
    if "shadows" in shot:
        spec = shot["shadows"]
        shift = np.array([[1, 0, spec["speed"][0] * time_s], [0, 1, spec["speed"][1] * time_s]])
        dark = cv2.warpAffine(
            clouds(script.size, spec["size"]), shift, script.size, borderMode=cv2.BORDER_WRAP
        )
        image = image * (1 - spec["strength"] * dark[..., None])
    for leaf in range(shot.get("leaves", {}).get("count", 0)):
        image = blown(image, shot["leaves"], leaf, time_s)
    return image


@cache
def clouds(size: tuple[int, int], blob: float) -> np.ndarray:
    """A pattern of blobs, float32 [H, W] from 0 to 1, whose opposite borders fit."""
    width, height = size
    noise = np.fft.rfft2(np.random.default_rng(5).normal(size=(height, width)))
    far = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    field = np.fft.irfft2(noise * np.exp(-((far * blob) ** 2)), (height, width))
    pattern: np.ndarray = np.clip(0.5 + 0.5 * field / field.std(), 0, 1).astype(np.float32)
    return pattern


def blown(image: np.ndarray, spec: dict[str, Any], leaf: int, time_s: float) -> np.ndarray:
    """`image` with one leaf where the wind has carried it; it turns, sways, and comes in again."""
    rng = np.random.default_rng(100 + leaf)
    height, width = image.shape[:2]
    x, y = rng.uniform(0, width + 80), rng.uniform(*spec["rows"]) * height
    speed, phase, length = rng.uniform(*spec["speed"]), rng.uniform(0, 6.28), rng.uniform(*spec["size"])
    x = (x + speed * time_s) % (width + 80) - 40
    y = y + 14 * np.sin(1.7 * time_s + phase)
    turn = phase + 1.5 * time_s
    t = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    blade = np.stack([length * np.cos(t), 0.45 * length * np.sin(t) * np.abs(np.sin(t))], axis=1)
    wheel = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    cover = outline_mask([blade @ wheel.T + [x, y]], image.shape, 0.8)[..., None] / np.float32(255)
    color = np.array([[150, 92, 38], [172, 120, 48], [120, 110, 46]][leaf % 3], np.float32)
    drawn: np.ndarray = image * (1 - cover) + color * cover
    return drawn
