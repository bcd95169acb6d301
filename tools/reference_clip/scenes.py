"""The frames of the reference clip, and where the labels of its photographs are in them.

All geometry is one affine map per frame, from the photograph's pixels to the frame's, so that the labels are
exact. Everything random is seeded by the frame's number.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from PIL import Image, ImageDraw, ImageFont

CLIPS = Path(__file__).resolve().parents[2] / "clips"


@dataclass(frozen=True)
class Script:
    """The reference clip's script, clips/reference.yaml, and what it says about each frame."""

    data: dict[str, Any]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the frame."""
        return tuple(self.data["size"])

    def shot(self, index: int) -> dict[str, Any]:
        """The shot that frame `index` belongs to."""
        return next(s for s in self.data["shots"] if s["frames"][0] <= index < s["frames"][1])

    def panes(self, index: int) -> list[Pane]:
        """The photographs that frame `index` shows: one, or several from top to bottom."""
        shot = self.shot(index)
        parts = shot.get("panes", [shot])
        width, height = self.size
        tall = height // len(parts)
        return [
            Pane(self.data["photographs"][part["photograph"]], self.matrix(shot, part, index, n * tall, tall),
                 (0, n * tall, width, (n + 1) * tall))
            for n, part in enumerate(parts)
        ]  # fmt: skip

    def scene(self, shot: dict[str, Any]) -> str:
        """The name of what a shot shows: shots that show the same are one scene."""
        return "+".join(part["photograph"] for part in shot.get("panes", [shot]))

    def gaze(self, face: str, index: int) -> dict[str, Any] | None:
        """How the irises of `face` are moved at frame `index`."""
        gazes = self.data["gazes"]
        return next(
            (g for g in gazes if g["face"] == face and g["frames"][0] <= index < g["frames"][1]), None
        )

    def effects(self, index: int) -> dict[str, dict[str, Any]]:
        """The effects at frame `index` by name."""
        return {e["effect"]: e for e in self.data["effects"] if e["frames"][0] <= index < e["frames"][1]}

    def matrix(
        self, shot: dict[str, Any], part: dict[str, Any], index: int, top: int, tall: int
    ) -> np.ndarray:
        """The affine map [2, 3] from a photograph's pixels to those of frame `index`.

        `top` and `tall` are the place of its pane in the frame.
        """
        first, end = shot["frames"]
        last = shot.get("stops", end) - 1
        t = (min(index, last) - first) / (last - first)
        scale = part["scale"][0] * (part["scale"][1] / part["scale"][0]) ** t
        centre = (1 - t) * np.array(part["at"][0], float) + t * np.array(part["at"][1], float)
        middle = np.array([self.size[0] / 2, top + tall / 2])
        jolt = shot.get("shake", 0) * hand((index - first) / self.data["fps"])
        shift = middle + jolt - scale * centre
        return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])

    def brightness(self, index: int) -> float:
        """1, but less during a fade through black, and 0 in its middle."""
        effects, half = self.effects(index), float(self.data["fade_frames"])
        if "fade_out" in effects:
            return float(1 - (index - effects["fade_out"]["frames"][0] + 1) / half)
        if "fade_in" in effects:
            return float((index - effects["fade_in"]["frames"][0]) / half)
        return 1.0

    def visible(self, index: int) -> bool:
        """Whether a viewer could see what frame `index` shows."""
        return self.brightness(index) > 0.3 and "flash" not in self.effects(index)

    @cached_property
    def captions(self) -> list[Caption]:
        """The on-screen texts."""
        return [Caption(c, self.size) for c in self.data["captions"]]


@cache
def load_script() -> Script:
    """The reference clip's script."""
    return Script(yaml.safe_load((CLIPS / "reference.yaml").read_text(encoding="utf-8")))


@cache
def photograph(name: str) -> np.ndarray:
    """A source photograph as uint8 RGB [H, W, 3]."""
    return np.asarray(Image.open(CLIPS / "sources" / name).convert("RGB"))


def hand(time_s: float) -> np.ndarray:
    """The offset of a hand-held camera at a time, across and down, -1 to 1: tremor of 2 to 5 Hz."""
    hz, phase = np.array([[2.3, 3.9, 4.9], [2.9, 3.5, 4.7]]), np.array([[0.3, 2.1, 4.4], [1.7, 5.2, 3.3]])
    offset: np.ndarray = np.sin(2 * np.pi * hz * time_s + phase).mean(axis=1) * 1.5
    return offset


@dataclass(frozen=True)
class Pane:
    """A photograph in a part of a frame: the affine map into the frame, and the part [x1, y1, x2, y2]."""

    photograph: dict[str, Any]
    matrix: np.ndarray
    region: tuple[int, int, int, int]

    def carry(self, points: Any) -> np.ndarray:
        """Points [N, 2] of the photograph, in the frame's pixels."""
        moved: np.ndarray = np.asarray(points, float) @ self.matrix[:, :2].T + self.matrix[:, 2]
        return moved


class Caption:
    """A text in white on a dark band, drawn once."""

    def __init__(self, entry: dict[str, Any], size: tuple[int, int]) -> None:
        self.text, self.frames = entry["text"], entry["frames"]
        width, height = size
        font = ImageFont.truetype(str(font_file()), entry["size"])
        left, top, right, bottom = font.getbbox(self.text)
        x = round(entry["at"][0] * width - (right - left) / 2)
        y = round(entry["at"][1] * height - (bottom - top) / 2)
        #: The text's box in pixels, [x1, y1, x2, y2].
        self.box = [x, y, x + right - left, y + bottom - top]
        band, ink = Image.new("L", size, 0), Image.new("L", size, 0)
        ImageDraw.Draw(band).rectangle([x - 24, y - 20, self.box[2] + 24, self.box[3] + 20], fill=150)
        ImageDraw.Draw(ink).text((x - left, y - top), self.text, font=font, fill=255)
        self._band = np.asarray(band, np.float32)[..., None] / 255
        self._ink = np.asarray(ink, np.float32)[..., None] / 255

    def draw(self, image: np.ndarray) -> np.ndarray:
        """The text over a float32 RGB image."""
        image = image * (1 - self._band)
        return image * (1 - self._ink) + 255 * self._ink


def font_file() -> Path:
    """The file of DejaVu Sans Bold, which comes with matplotlib."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans-Bold.ttf"


@cache
def backdrop(name: str, size: tuple[int, int]) -> np.ndarray:
    """A blurred copy of a photograph that fills the frame, darker than the photograph before it."""
    picture, (width, height) = photograph(name), size
    scale = max(width / picture.shape[1], height / picture.shape[0])
    big = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    y, x = (big.shape[0] - height) // 2, (big.shape[1] - width) // 2
    return cv2.GaussianBlur(big[y : y + height, x : x + width], (0, 0), 40).astype(np.float32) * 0.6


def draw(script: Script, pane: Pane, index: int) -> np.ndarray:
    """One photograph over the whole frame, in front of its blurred copy if it does not fill the frame."""
    name, size = pane.photograph["file"], script.size
    picture = look(script, pane.photograph, index)
    image = cv2.warpAffine(picture, pane.matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    cover = cv2.warpAffine(np.full(picture.shape[:2], 255, np.uint8), pane.matrix, size)[..., None] / 255
    return image if cover.min() == 1 else image * cover + backdrop(name, size) * (1 - cover)


def look(script: Script, entry: dict[str, Any], index: int) -> np.ndarray:
    """The photograph with its irises moved as the script says for this frame."""
    picture = photograph(entry["file"])
    for face in entry.get("faces", []):
        if gaze := script.gaze(face["id"], index):
            y, x = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
            move = np.zeros((*picture.shape[:2], 2), np.float32)
            for eye in ("iris_left", "iris_right"):
                far = np.hypot(x - face[eye][0] - gaze["shift"][0], y - face[eye][1] - gaze["shift"][1])
                move += np.clip((12 - far) / 6, 0, 1)[..., None] * np.array(gaze["shift"], np.float32)
            picture = cv2.remap(picture, x - move[..., 0], y - move[..., 1], cv2.INTER_CUBIC)
    return picture


def render(script: Script, index: int) -> np.ndarray:
    """Frame `index` of the clip as uint8 RGB [H, W, 3]; the same every time."""
    effects = script.effects(index)
    if "freeze" in effects:
        index = effects["freeze"]["frames"][0] - 1
        effects = script.effects(index)
    if "flash" in effects:
        return np.full((script.size[1], script.size[0], 3), 250, np.uint8)
    image: np.ndarray = np.zeros((script.size[1], script.size[0], 3), np.float32)
    for pane in script.panes(index):
        x1, y1, x2, y2 = pane.region
        image[y1:y2, x1:x2] = draw(script, pane, index)[y1:y2, x1:x2]
    if "blur" in effects:
        image = cv2.GaussianBlur(image, (0, 0), effects["blur"]["sigma"])
    for caption in script.captions:
        if caption.frames[0] <= index < caption.frames[1]:
            image = caption.draw(image)
    sigma = effects["noise"]["sigma"] if "noise" in effects else script.data["grain"]
    grain = np.random.default_rng(index).normal(0, sigma, image.shape[:2]).astype(np.float32)
    image = (image + grain[..., None]) * script.brightness(index)
    return np.clip(np.round(image), 0, 255).astype(np.uint8)
