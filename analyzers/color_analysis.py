"""The palette of each sampled frame, its brightness, saturation and colour temperature.

The palette is k-means in CIE L*a*b* (D65), where distances are about those that the eye sees. Brightness is
the mean L* in 0..1, saturation the mean of HSV's. The temperature is that of the mean colour, by McCamy's
cubic (C. S. McCamy, "Correlated color temperature as an explicit function of chromaticity coordinates",
1992); it is null if the cubic does not hold or the picture is black.

What it cannot do: the names are the nearest of 37, so that rare shades get that of a neighbour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from clipbench.analyzers.base import Chunk, ChunkedAnalyzer, ClipFacts, FrameSettings, Segment, setting

#: Basic colours, with their values in CSS Color Module Level 4.
_CSS = {
    "black": "#000000",
    "gray": "#808080",
    "silver": "#c0c0c0",
    "white": "#ffffff",
    "maroon": "#800000",
    "red": "#ff0000",
    "salmon": "#fa8072",
    "pink": "#ffc0cb",
    "brown": "#a52a2a",
    "tan": "#d2b48c",
    "beige": "#f5f5dc",
    "orange": "#ffa500",
    "gold": "#ffd700",
    "yellow": "#ffff00",
    "olive": "#808000",
    "lime": "#00ff00",
    "green": "#008000",
    "dark green": "#006400",
    "teal": "#008080",
    "turquoise": "#40e0d0",
    "cyan": "#00ffff",
    "sky blue": "#87ceeb",
    "steel blue": "#4682b4",
    "slate gray": "#708090",
    "blue": "#0000ff",
    "medium blue": "#0000cd",
    "royal blue": "#4169e1",
    "navy": "#000080",
    "purple": "#800080",
    "violet": "#ee82ee",
    "magenta": "#ff00ff",
}
#: Shades that are common in photographs and have no basic name, from the xkcd colour survey.
_XKCD = {
    "dark brown": "#341c02",
    "dark slate blue": "#214761",
    "dark grey": "#363737",
    "rust": "#a83c09",
    "khaki": "#aaa662",
    "plum": "#580f41",
}
COLOURS = _CSS | _XKCD
#: The range in kelvin in which McCamy's cubic is close to the isotemperature lines.
_TEMPERATURES = (2000, 12500)
#: How often the search for a palette starts anew, and the share of the pixels that it is done with: one in so
#: many.
STARTS, SOME = 10, 4
#: Chroma in L*a*b* from which people see a hue.
_HUED = 12.0
#: Linear sRGB to CIE XYZ (IEC 61966-2-1).
_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


@dataclass
class ColorAnalysisSettings(FrameSettings):
    """Settings of color_analysis."""

    fps: float = setting(3.0, "frames read per second of clip", low=0.01, high=240)
    size: int = setting(320, "longer side of the frames in pixels, 0 for as stored", low=0, high=8192)
    colors: int = setting(5, "colours in a palette", low=1, high=32)
    pixels: int = setting(4096, "pixels of a frame that the palette is computed from", low=16, high=1_000_000)
    merge: float = setting(6.0, "colours closer than this in L*a*b* are one", low=0, high=100)
    min_share: float = setting(0.01, "colours of a smaller share are left out", low=0, high=0.5)


class FrameColours(NamedTuple):
    """The colours of the frame at `time_s`: the name of the most frequent one, and a segment's data."""

    time_s: float
    name: str
    data: dict[str, Any]


class ColorAnalysis(ChunkedAnalyzer[None, list[FrameColours]]):
    """Palettes by k-means in L*a*b*."""

    name = "color_analysis"
    settings: ColorAnalysisSettings
    settings_type = ColorAnalysisSettings

    def begin(self, clip: ClipFacts) -> None:
        return None

    def feed(self, chunk: Chunk, state: None) -> tuple[list[FrameColours], None]:
        times, images = chunk.frames(self.settings.fps, self.settings.size)
        return [self._colours(*frame) for frame in zip(times.tolist(), images, strict=True)], None

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[list[FrameColours]],
        state: None,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        frames = [frame for one in found for frame in one]
        stops = [frame.time_s for frame in frames[1:]] + [max(clip.duration_s, frames[-1].time_s)]
        return [
            Segment(frame.time_s, stop, frame.name, None, frame.data)
            for frame, stop in zip(frames, stops, strict=True)
        ]

    def _colours(self, time_s: float, image: np.ndarray) -> FrameColours:
        import cv2

        small = _subsample(image, self.settings.pixels)
        centres, shares = palette(to_lab(small).reshape(-1, 3), self.settings.colors, self.settings.merge)
        kept = shares >= min(self.settings.min_share, shares[0])
        centres, shares = centres[kept], shares[kept]
        rgb = np.rint(cv2.cvtColor(centres[None].astype(np.float32), cv2.COLOR_Lab2RGB)[0] * 255)
        data = {
            "palette": [
                {"lab": [round(v, 2) for v in lab], "rgb": colour, "share": round(share, 4)}
                for lab, colour, share in zip(
                    centres.tolist(), rgb.astype(int).tolist(), shares.tolist(), strict=True
                )
            ],
            "brightness": round(float(to_lab(small)[..., 0].mean()) / 100, 4),
            "saturation": round(float(cv2.cvtColor(small, cv2.COLOR_RGB2HSV)[..., 1].mean()) / 255, 4),
            "temperature_k": temperature(small),
        }
        return FrameColours(time_s, colour_name(centres[0]), data)


def to_lab(image: np.ndarray) -> np.ndarray:
    """L* (0..100), a* and b* of uint8 sRGB `[H, W, 3]`: float32 `[H, W, 3]`."""
    import cv2

    return cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)


def palette(lab: np.ndarray, count: int, merge: float) -> tuple[np.ndarray, np.ndarray]:
    """At most `count` colours of float32 L*a*b* pixels `[N, 3]` and their shares, the largest first.

    Colours closer than `merge` become one, so that a plain picture has one colour.
    """
    count = min(count, len(np.unique(lab.round(1), axis=0)))
    if count == 1:
        return lab.mean(axis=0, keepdims=True), np.ones(1)
    labels, centres = clusters(lab, count)
    shares = np.bincount(labels.ravel(), minlength=count) / len(lab)
    while len(centres) > 1:
        apart = np.linalg.norm(centres[:, None] - centres[None], axis=2) + np.eye(len(centres)) * 1e6
        one, other = np.unravel_index(np.argmin(apart), apart.shape)
        if apart[one, other] >= merge:
            break
        centres[one] = np.average(centres[[one, other]], axis=0, weights=shares[[one, other]] + 1e-9)
        shares[one] += shares[other]
        centres, shares = np.delete(centres, other, axis=0), np.delete(shares, other)
    order = np.argsort(-shares, kind="stable")
    return centres[order], shares[order]


def clusters(lab: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels `[N, 1]` and centres `[count, 3]` of float32 pixels `[N, 3]`, `count` of them or more.

    k-means ends in the optimum that is nearest to where it starts, which may be far from the best one, and
    another one if the picture is a shade lighter. So it starts several times, on some of the pixels because
    that is enough to tell good from bad, and the best goes on with all of them.
    """
    import cv2

    # Seeded, because OpenCV draws the first centres from a generator that the whole process shares.
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_MAX_ITER, 20, 0.2)
    some = np.ascontiguousarray(lab[:: max(1, min(SOME, len(lab) // count))])
    nothing = np.empty((len(some), 1), np.int32)
    _, _, centres = cv2.kmeans(some, count, nothing, stop, STARTS, cv2.KMEANS_PP_CENTERS)
    nearest = np.argmin(np.square(centres).sum(axis=1) - 2 * lab @ centres.T, axis=1).astype(np.int32)
    _, labels, centres = cv2.kmeans(lab, count, nearest[:, None], stop, 1, cv2.KMEANS_USE_INITIAL_LABELS)
    return labels, centres


def colour_name(lab: np.ndarray) -> str:
    """The name in COLOURS that is nearest to an L*a*b* colour; what has a hue is no black, grey or white."""
    names, values = _named()
    distances = np.linalg.norm(values - lab, axis=1)
    if np.hypot(lab[1], lab[2]) > _HUED:
        distances[np.hypot(values[:, 1], values[:, 2]) < _HUED] = np.inf
    return names[int(np.argmin(distances))]


def temperature(image: np.ndarray) -> int | None:
    """Correlated colour temperature in kelvin of the mean of uint8 sRGB `image`, or None."""
    values = image.reshape(-1, 3) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).mean(axis=0)
    x, y, z = _XYZ @ linear
    if y < 1e-3:
        return None
    n = (x / (x + y + z) - 0.3320) / (0.1858 - y / (x + y + z))
    kelvin = 449 * n**3 + 3525 * n**2 + 6823.3 * n + 5520.33
    return round(float(kelvin)) if _TEMPERATURES[0] <= kelvin <= _TEMPERATURES[1] else None


@cache
def _named() -> tuple[list[str], np.ndarray]:
    rgb = np.array([[int(value[i : i + 2], 16) for i in (1, 3, 5)] for value in COLOURS.values()], np.uint8)
    return list(COLOURS), to_lab(rgb[None])[0]


def _subsample(image: np.ndarray, pixels: int) -> np.ndarray:
    """`image` reduced to every nth pixel: averaging would create colours that it does not have."""
    step = max(1, int(np.ceil(np.sqrt(image.shape[0] * image.shape[1] / pixels))))
    return np.ascontiguousarray(image[step // 2 :: step, step // 2 :: step])
