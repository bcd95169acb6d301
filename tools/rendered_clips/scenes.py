"""A clip's script, and where the labels of its photographs are in its frames.

All geometry is one affine map per frame and picture, from the photograph's pixels to the frame's, so that the
labels are exact. Everything random is seeded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tools.rendered_clips.captions import Caption

CLIPS = Path(__file__).resolve().parents[2] / "clips"
NAMES = ("reference", "second", "negative")


@dataclass(frozen=True)
class Script:
    """A clip's script, such as clips/reference.yaml, and what it says about each frame."""

    name: str
    data: dict[str, Any]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the frame."""
        return tuple(self.data["size"])

    def shot(self, index: int) -> dict[str, Any]:
        """The shot that frame `index` belongs to."""
        return next(s for s in self.data["shots"] if s["frames"][0] <= index < s["frames"][1])

    def parts(self, shot: dict[str, Any]) -> list[dict[str, Any]]:
        """What a shot is made of, from the back to the front: its panes, then the cut-outs that move."""
        return [*shot.get("panes", [shot]), *shot.get("cutouts", [])]

    def panes(self, index: int) -> list[Pane]:
        """The pictures that frame `index` shows, in the order of `parts`."""
        shot = self.shot(index)
        width, height = self.size
        backs = shot.get("panes", [shot])
        tall = height // len(backs)
        found = []
        for n, part in enumerate(backs):
            # Panes divide the frame from top to bottom; one with a shape lies anywhere.
            place = (0, 0, width, height) if "shape" in part else (0, n * tall, width, (n + 1) * tall)
            shape = np.array(part["shape"], float) * self.size if "shape" in part else None
            matrix = self.matrix(shot, part, index, place[1], place[3] - place[1])
            found.append(Pane(self.data["photographs"][part["photograph"]], matrix, place, shape))
        for part in shot.get("cutouts", []):
            entry = self.data["photographs"][part["photograph"]]
            found.append(Pane(entry, self.walk(shot, part, index), (0, 0, width, height), cutout=True))
        return found

    def scene(self, shot: dict[str, Any]) -> str:
        """The name of what a shot shows: shots that show the same are one scene."""
        return shot.get("scene") or "+".join(part["photograph"] for part in shot.get("panes", [shot]))

    def gaze(self, face: str, index: int) -> dict[str, Any] | None:
        """How the irises of `face` are moved at frame `index`."""
        gazes = self.data.get("gazes", [])
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
        t, scale = self.progress(shot, part, index)
        centre = (1 - t) * np.array(part["at"][0], float) + t * np.array(part["at"][1], float)
        middle = np.array([self.size[0] / 2, top + tall / 2])
        jolt = shot.get("shake", 0) * hand((index - shot["frames"][0]) / self.data["fps"])
        shift = middle + jolt - scale * centre
        return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])

    def walk(self, shot: dict[str, Any], part: dict[str, Any], index: int) -> np.ndarray:
        """The affine map [2, 3] of a cut-out, whose lowest point goes evenly from one `at` to the other."""
        t, scale = self.progress(shot, part, index)
        outline = np.concatenate(self.data["photographs"][part["photograph"]]["cutout"])
        foot = [(outline[:, 0].min() + outline[:, 0].max()) / 2, outline[:, 1].max()]
        across = -scale if part.get("mirrored") else scale
        goal = (1 - t) * np.array(part["at"][0], float) + t * np.array(part["at"][1], float)
        return np.array([[across, 0, goal[0] - across * foot[0]], [0, scale, goal[1] - scale * foot[1]]])

    @staticmethod
    def progress(shot: dict[str, Any], part: dict[str, Any], index: int) -> tuple[float, float]:
        """How much of a shot's motion is done at frame `index`, 0 to 1, and the scale of the part."""
        first, end = shot["frames"]
        last = shot.get("stops", end) - 1
        t = (min(index, last) - first) / (last - first)
        return t, part["scale"][0] * (part["scale"][1] / part["scale"][0]) ** t

    def brightness(self, index: int) -> float:
        """1, but less during a fade through black, and 0 in its middle."""
        effects, half = self.effects(index), float(self.data.get("fade_frames", 1))
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
def load_script(name: str = "reference") -> Script:
    """The script of one of the clips in `NAMES`."""
    return Script(name, yaml.safe_load((CLIPS / f"{name}.yaml").read_text(encoding="utf-8")))


def hand(time_s: float) -> np.ndarray:
    """The offset of a hand-held camera at a time, across and down, -1 to 1: tremor of 2 to 5 Hz."""
    hz, phase = np.array([[2.3, 3.9, 4.9], [2.9, 3.5, 4.7]]), np.array([[0.3, 2.1, 4.4], [1.7, 5.2, 3.3]])
    offset: np.ndarray = np.sin(2 * np.pi * hz * time_s + phase).mean(axis=1) * 1.5
    return offset


@dataclass(frozen=True)
class Pane:
    """A photograph in a part of a frame: the affine map into the frame, and the part [x1, y1, x2, y2].

    `shape` is the outline [N, 2] of the part in the frame's pixels, if it is no rectangle; of a `cutout` only
    what is within its own outline is shown.
    """

    photograph: dict[str, Any]
    matrix: np.ndarray
    region: tuple[int, int, int, int]
    shape: np.ndarray | None = None
    cutout: bool = False

    @property
    def mirrored(self) -> bool:
        """Whether left and right are exchanged."""
        return bool(self.matrix[0, 0] < 0)

    def carry(self, points: Any) -> np.ndarray:
        """Points [N, 2] of the photograph, in the frame's pixels."""
        moved: np.ndarray = np.asarray(points, float) @ self.matrix[:, :2].T + self.matrix[:, 2]
        return moved
