"""Two photographs of faces with what was read off enlargements of them, and ways to change the eyes.

Boxes reach from hairline to chin and from cheek to cheek, irises are marked at their centres; pixels with
the picture's corner at (0, 0). Astronaut: Eileen Collins, born in 1956, with the patch of STS-93, which flew
in 1999. Admiral: Grace Hopper, born in 1906, in 1984. Both are in the public domain and come with
scikit-image and matplotlib.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Photo(NamedTuple):
    image: np.ndarray
    box: tuple[float, float, float, float]
    irises: tuple[tuple[float, float], tuple[float, float]]
    eye_half_width: float


def astronaut() -> Photo:
    from skimage import data

    return Photo(data.astronaut(), (181, 66, 269, 178), ((203.5, 101.2), (246.8, 102.8)), 11)


def admiral() -> Photo:
    from matplotlib import cbook
    from PIL import Image

    with cbook.get_sample_data("grace_hopper.jpg") as file:
        image = np.asarray(Image.open(file).convert("RGB"))
    return Photo(image, (172, 133, 352, 336), ((221.5, 188.5), (304.3, 185.3)), 22)


def looking(photo: Photo, x: float, y: float) -> np.ndarray:
    """The photograph with both irises moved by so many half widths of the eye, the lids around them kept."""
    image, rows, columns = _grid(photo.image)
    half = photo.eye_half_width
    for iris_x, iris_y in photo.irises:
        away = np.hypot((columns - iris_x - x * half) / half, (rows - iris_y - y * half) / (0.75 * half))
        share = np.clip((1 - away) / 0.58, 0, 1)
        share = share**2 * (3 - 2 * share)
        columns, rows = columns - share * x * half, rows - share * y * half
    return _remap(image, rows, columns)


def eyes_closed() -> np.ndarray:
    """The astronaut with the skin above her eyes drawn down over them, lashes and all."""
    image, rows, columns = _grid(astronaut().image)
    above, below, lid = 5.5, 2.0, 4.0
    for (x1, y1), (x2, y2) in (((191, 102), (214, 104)), ((236, 105), (260, 104.5))):
        along = np.clip((columns - x1) / (x2 - x1), 0, 1)
        bulge = 4 * along * (1 - along)
        corners = y1 + (y2 - y1) * along
        upper, lower = corners - above * bulge, corners + below * bulge
        crease = upper - lid * np.sqrt(bulge)
        drawn = crease + (rows - crease) * (upper - crease) / np.maximum(lower - crease, 1e-6)
        rows = np.where((rows > crease) & (rows < lower), drawn, rows)
    return _remap(image, rows, columns)


def _grid(image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]] + 0.5
    return image, rows, columns


def _remap(image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    import cv2

    to_centres = (columns - 0.5).astype(np.float32), (rows - 0.5).astype(np.float32)
    return cv2.remap(image, *to_centres, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
