"""Texts that are written over the frames of a rendered clip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont


class Caption:
    """A text in white on a dark band, drawn once; it may be turned and have no band or another colour."""

    def __init__(self, entry: dict[str, Any], size: tuple[int, int]) -> None:
        self.text, self.frames = entry["text"], entry["frames"]
        width, height = size
        font = ImageFont.truetype(str(font_file()), entry["size"])
        left, top, right, bottom = font.getbbox(self.text)
        x = round(entry["at"][0] * width - (right - left) / 2)
        y = round(entry["at"][1] * height - (bottom - top) / 2)
        box = [x, y, x + right - left, y + bottom - top]
        angle, centre = entry.get("angle", 0), ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        #: The text's box in pixels, [x1, y1, x2, y2]; of a turned text, the upright box around it.
        self.box = turned(box, angle, centre) if angle else box
        band, ink = Image.new("L", size, 0), Image.new("L", size, 0)
        margin = entry.get("margin", [24, 20])
        if entry.get("band", True):
            ImageDraw.Draw(band).rectangle(
                [x - margin[0], y - margin[1], box[2] + margin[0], box[3] + margin[1]], fill=150
            )
        ImageDraw.Draw(ink).text((x - left, y - top), self.text, font=font, fill=255)
        if angle:
            band, ink = (
                layer.rotate(angle, Image.Resampling.BICUBIC, center=centre) for layer in (band, ink)
            )
        self._color = np.array(entry.get("color", [255, 255, 255]), np.float32)
        self._band = np.asarray(band, np.float32)[..., None] / 255
        self._ink = np.asarray(ink, np.float32)[..., None] / 255

    def draw(self, image: np.ndarray) -> np.ndarray:
        """The text over a float32 RGB image."""
        image = image * (1 - self._band)
        return image * (1 - self._ink) + self._color * self._ink


def turned(box: list[float], angle: float, centre: tuple[float, float]) -> list[float]:
    """The upright box around `box` after a turn by `angle` degrees, counterclockwise for the viewer."""
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    corners = np.array([[box[i], box[j]] for i in (0, 2) for j in (1, 3)]) - centre
    # Rows go down, so that a counterclockwise turn has the sine's signs exchanged.
    moved = corners @ np.array([[cos, -sin], [sin, cos]]) + centre
    (x1, y1), (x2, y2) = moved.min(axis=0), moved.max(axis=0)
    return [float(x1), float(y1), float(x2), float(y2)]


def font_file() -> Path:
    """The file of DejaVu Sans Bold, which comes with matplotlib."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans-Bold.ttf"
