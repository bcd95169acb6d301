"""Frames rendered from photographs, with the noise and block artefacts of a real recording."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tools.rendered_clips.pictures import photograph

#: Frames of the tests: portrait, as large as the analyzers read them.
WIDTH, HEIGHT, FPS = 180, 320, 30.0


def photo(name: str) -> np.ndarray:
    """A photograph of scikit-image's, uint8 RGB: "astronaut", "chelsea", "coffee" or "rocket"."""
    import skimage.data

    return getattr(skimage.data, name)()


def shoot(
    image: np.ndarray,
    count: int,
    camera: Callable[[float], dict] = lambda _t: {},
    size=(WIDTH, HEIGHT),
    fps=FPS,
) -> np.ndarray:
    """`count` frames of `image` under a moving camera, uint8 `[count, H, W, 3]`.

    `camera(t)`, t in seconds, gives any of `x`, `y` (where the camera looks, frame widths and heights right
    of and below the photograph's centre), `zoom` (factor) and `roll` (degrees that the picture turns).
    """
    import cv2

    width, height = size
    # One and a half times what fills the frame leaves room to move in.
    base = 1.5 * max(width / image.shape[1], height / image.shape[0])
    frames = []
    for index in range(count):
        view = {"x": 0.0, "y": 0.0, "zoom": 1.0, "roll": 0.0} | camera(index / fps)
        turn = cv2.getRotationMatrix2D(
            (image.shape[1] / 2, image.shape[0] / 2), -view["roll"], base * view["zoom"]
        )
        turn[:, 2] += np.array([width / 2, height / 2]) - np.array([image.shape[1] / 2, image.shape[0] / 2])
        turn[:, 2] -= np.array([view["x"] * width, view["y"] * height])
        frames.append(
            cv2.warpAffine(image, turn, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT_101)
        )
    return np.stack(frames)


def recorded(frames: np.ndarray, sigma: float = 1.5, quality: int = 85, seed: int = 0) -> np.ndarray:
    """`frames` with sensor noise of `sigma` levels and JPEG artefacts, each frame's own."""
    import cv2

    rng = np.random.default_rng(seed)
    out = np.empty_like(frames)
    for index, frame in enumerate(frames):
        noisy = np.clip(frame + rng.normal(0, sigma, frame.shape), 0, 255).astype(np.uint8)
        packed = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        out[index] = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    return out


def panning(width: int, height: int, frames: int) -> np.ndarray:
    """A slow pan over a photograph of a person, cut to one of a cat half-way."""
    import cv2

    pictures = [photograph("astronaut.jpg"), photograph("chelsea.jpg")]
    shots = []
    for i in range(frames):
        picture = pictures[i >= frames // 2]
        scale = 1.3 * max(width / picture.shape[1], height / picture.shape[0])
        matrix = np.array([[scale, 0, -0.05 * width - 2.0 * i], [0, scale, -0.02 * height]])
        shots.append(cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT))
    return np.stack(shots)
