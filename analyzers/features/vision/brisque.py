"""BRISQUE: how distorted a photograph looks, without the original to compare with.

A. Mittal, A. K. Moorthy, A. C. Bovik, "No-Reference Image Quality Assessment in the Spatial Domain", IEEE
Transactions on Image Processing 21(12), 2012. A natural picture divided by its local contrast follows
generalized Gaussians, and distortions change their shape. 18 parameters at each of two scales go into a
support vector machine that was trained on people's opinions.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import numpy as np

#: Minimum and maximum of each feature over the training pictures, 18 at full and 18 at half size, from the
#: machine's authors and the package `brisque` (models/normalize.pickle).
_LEAST, _GREATEST = np.array(
    [
        [0.336999, 0.019667, 0.23, -0.125959, 0.000167, 0.000616, 0.231, -0.125873, 0.000165],
        [0.0006, 0.241, -0.128814, 0.000179, 0.000386, 0.243, -0.13308, 0.000182, 0.000421],
        [0.436998, 0.016929, 0.247, -0.200231, 0.000104, 0.000834, 0.257, -0.200017, 0.000112],
        [0.000876, 0.257, -0.155072, 0.000112, 0.000356, 0.258, -0.154374, 0.000117, 0.000351],
        [9.999411, 0.807472, 1.644021, 0.202917, 0.712384, 0.468672, 1.644021, 0.169548, 0.713132],
        [0.467896, 1.553016, 0.101368, 0.687324, 0.533087, 1.554016, 0.101, 0.689177, 0.533133],
        [3.639918, 0.800955, 1.096995, 0.175286, 0.755547, 0.39927, 1.095995, 0.155928, 0.751488],
        [0.402398, 1.041992, 0.093209, 0.623516, 0.532925, 1.042992, 0.093714, 0.621958, 0.534484],
    ]
).reshape(2, 36)


class Brisque:
    """The trained machine; raises ValueError if the file is not one for 36 features."""

    def __init__(self, path: Path) -> None:
        self._gamma, self._rho, self._coefficients, self._vectors = _read_svm(path)

    def __call__(self, grey: np.ndarray) -> float | None:
        """The score of a uint8 `[H, W]` picture, about 0 (good) to 100 (bad); None for a plain one."""
        found = features(grey)
        if found is None:
            return None
        scaled = -1 + 2 * (found - _LEAST) / (_GREATEST - _LEAST)
        distance = ((self._vectors - scaled) ** 2).sum(axis=1)
        return float(self._coefficients @ np.exp(-self._gamma * distance) - self._rho)


def features(grey: np.ndarray) -> np.ndarray | None:
    """The 36 statistics of a uint8 `[H, W]` picture, or None if it is too plain or too small."""
    import cv2

    if min(grey.shape) < 16:
        return None
    picture: np.ndarray = grey.astype(np.float32)
    found: list[float] = []
    for _ in range(2):
        normalized = _normalized(picture)
        values = [normalized, *(normalized[here] * normalized[there] for here, there in _NEIGHBOURS)]
        fits = [each for each in map(fit_gaussian, values) if each is not None]
        if len(fits) < len(values):
            return None
        (shape, _, left, right), *products = fits
        found += [shape, (left + right) / 2, *(value for product in products for value in product)]
        picture = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_CUBIC)
    return np.array(found)


_ALL, _FIRST, _LAST = slice(None), slice(None, -1), slice(1, None)
#: Each pixel and the one to its right, below, and on both diagonals.
_NEIGHBOURS = (
    ((_ALL, _FIRST), (_ALL, _LAST)),
    ((_FIRST, _ALL), (_LAST, _ALL)),
    ((_FIRST, _FIRST), (_LAST, _LAST)),
    ((_LAST, _FIRST), (_FIRST, _LAST)),
)


def _normalized(picture: np.ndarray) -> np.ndarray:
    """The picture minus its local mean, divided by its local deviation (7 x 7 pixels, Gaussian) plus 1."""
    import cv2

    def blur(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (7, 7), 7 / 6, borderType=cv2.BORDER_CONSTANT)

    mean = blur(picture)
    deviation = np.sqrt(np.abs(blur(picture * picture) - mean * mean))
    normalized: np.ndarray = (picture - mean) / (deviation + 1)
    return normalized


@cache
def _shapes() -> tuple[np.ndarray, np.ndarray]:
    """Shapes of a generalized Gaussian, and the ratio of squared mean magnitude to variance of each."""
    shapes = np.arange(0.2, 10.001, 0.001)
    ratios = np.array(
        [math.exp(2 * math.lgamma(2 / a) - math.lgamma(1 / a) - math.lgamma(3 / a)) for a in shapes]
    )
    return shapes, ratios


def fit_gaussian(values: np.ndarray) -> tuple[float, float, float, float] | None:
    """Shape, mean, left and right variance of an asymmetric generalized Gaussian, by its moments.

    N. E. Lasmar, Y. Stitou, Y. Berthoumieu, "Multiscale skewed heavy tailed model for texture analysis",
    ICIP 2009. None if the values are all on one side of zero.
    """
    import cv2

    count = int(np.count_nonzero(values < 0))
    both, below = cv2.norm(values, cv2.NORM_L2SQR), cv2.norm(np.minimum(values, 0), cv2.NORM_L2SQR)
    if count in (0, values.size) or below <= 1e-6 * values.size or both - below <= 1e-6 * values.size:
        return None
    left, right = math.sqrt(below / count), math.sqrt((both - below) / (values.size - count))
    skew = left / right
    ratio = (cv2.norm(values, cv2.NORM_L1) / values.size) ** 2 / (both / values.size)
    ratio *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    shapes, ratios = _shapes()
    shape = float(shapes[min(int(np.searchsorted(ratios, ratio)), len(shapes) - 1)])
    lgamma = math.lgamma
    mean = (right - left) * math.exp(lgamma(2 / shape) - (lgamma(1 / shape) + lgamma(3 / shape)) / 2)
    return shape, mean, left**2, right**2


def _read_svm(path: Path) -> tuple[float, float, np.ndarray, np.ndarray]:
    """Gamma, rho, coefficients `[N]` and support vectors `[N, 36]` of a libsvm model file."""
    head, _, body = path.read_text(encoding="ascii").partition("SV\n")
    values = dict(line.split(maxsplit=1) for line in head.splitlines())
    if values.get("kernel_type") != "rbf":
        raise ValueError(f"{path}: not a support vector machine with an rbf kernel")
    rows = [line.split() for line in body.splitlines()]
    vectors = np.zeros((len(rows), len(_LEAST)))
    for vector, (_, *entries) in zip(vectors, rows, strict=True):
        for entry in entries:
            index, _, value = entry.partition(":")
            if not 0 < int(index) <= len(vector):
                raise ValueError(f"{path}: there is a feature {index}, and BRISQUE has {len(vector)}")
            vector[int(index) - 1] = float(value)
    coefficients = np.array([float(row[0]) for row in rows])
    return float(values["gamma"]), float(values["rho"]), coefficients, vectors
