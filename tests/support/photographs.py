"""Photographs with objects that were boxed by eye on enlargements, shown in portrait frames.

All come with scikit-image and matplotlib. Boxes are in pixels of the photograph, the corner at (0, 0).
"""

from __future__ import annotations

import numpy as np

from tests.support.clip_views import ArrayClip
from tests.support.faces_truth import admiral, astronaut

WIDTH, HEIGHT, FPS = 360, 640, 3.0


def photographs() -> dict[str, tuple[np.ndarray, str, tuple[float, float, float, float]]]:
    """By name: the picture, the COCO class of its main object, and that object's box."""
    import skimage.data

    return {
        "astronaut": (astronaut().image, "person", (5, 20, 370, 512)),
        "admiral": (admiral().image, "person", (20, 25, 512, 600)),
        "cat": (skimage.data.chelsea(), "cat", (0, 0, 400, 300)),
        "coffee": (skimage.data.coffee(), "cup", (172, 18, 408, 310)),
        "motorcycle": (skimage.data.stereo_motorcycle()[0], "motorcycle", (92, 80, 683, 450)),
    }


def shown(image: np.ndarray, top: float) -> tuple[np.ndarray, np.ndarray]:
    """A grey frame with `image` across its width, `top` pixels down; and the map to fractions [2, 3]."""
    import cv2

    scale = WIDTH / image.shape[1]
    to_frame = np.array([[scale, 0, 0], [0, scale, top]])
    frame = cv2.warpAffine(image, to_frame, (WIDTH, HEIGHT), flags=cv2.INTER_AREA, borderValue=(90, 90, 90))
    return frame, to_frame / [[WIDTH], [HEIGHT]]


def drifting(image: np.ndarray, samples: int = 3) -> tuple[ArrayClip, list[np.ndarray]]:
    """A clip in which `image` moves down a little, with one frame per sample, and the map of each frame."""
    frames, maps = zip(*(shown(image, 60 + 20 * index) for index in range(samples)), strict=True)
    return ArrayClip(np.stack(frames), fps=FPS), list(maps)


def placed(to_fractions: np.ndarray, points) -> np.ndarray:
    """Points [N, 2] of the photograph, or a box, in fractions of the frame."""
    points = np.reshape(points, (-1, 2))
    return points @ to_fractions[:, :2].T + to_fractions[:, 2]
