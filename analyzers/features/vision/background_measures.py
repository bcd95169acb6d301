"""What the background of a picture looks like: its main colours, and how blurred it is."""

from __future__ import annotations

import numpy as np

#: Background colours closer than this in Lab (CIE76) are one colour; colours of a smaller share are dropped.
SAME_COLOR, MIN_COLOR_SHARE = 12.0, 0.05
#: Grey levels per pixel below which a region has no edges to measure its sharpness by.
FLAT = 2.0
#: Detail is kept as the means of cells, so many along the longer side. What is stored is their square root in
#: steps of this fineness, so that faint detail is not rounded away.
CELLS, STEPS = 128, 16


def main_colors(pixels: np.ndarray, count: int) -> list[tuple[list[int], float]]:
    """At most `count` colours [r, g, b] of `pixels` [N, 3], with their shares, largest first.

    It is k-means in Lab; similar clusters are joined, and small ones left out.
    """
    import cv2

    if len(pixels) == 0:
        return []
    lab = cv2.cvtColor((pixels[None] / 255).astype(np.float32), cv2.COLOR_RGB2LAB)[0]
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    count = min(count, len(lab))
    best = np.empty((len(lab), 1), np.int32)
    _, labels, centres = cv2.kmeans(lab, count, best, stop, 1, cv2.KMEANS_PP_CENTERS)
    sizes = np.bincount(labels.ravel(), minlength=count)
    joined: list[tuple[np.ndarray, int]] = []
    for index in np.argsort(-sizes, kind="stable"):
        centre, size = centres[index], int(sizes[index])
        for k, (other, total) in enumerate(joined):
            if np.linalg.norm(centre - other) < SAME_COLOR:
                joined[k] = ((other * total + centre * size) / (total + size), total + size)
                break
        else:
            joined.append((centre, size))
    colors = [(centre, size / len(lab)) for centre, size in sorted(joined, key=lambda pair: -pair[1])]
    kept = [pair for pair in colors if pair[1] >= MIN_COLOR_SHARE] or colors[:1]
    rgb = cv2.cvtColor(np.array([[centre for centre, _ in kept]], np.float32), cv2.COLOR_LAB2RGB)[0]
    values = np.clip(np.rint(rgb * 255), 0, 255).astype(int)
    return [(value.tolist(), share) for value, (_, share) in zip(values, kept, strict=True)]


def background_blur(image: np.ndarray, person: np.ndarray) -> float | None:
    """How much less sharp the background of `image` is than the people in it, 0 to 1; see `lost_detail`."""
    return lost_detail(*detail(image), person)


def detail(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Laplacian and gradient of an RGB image: uint8 [h, w], of the means of CELLS cells the root by STEPS."""
    import cv2

    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    second = np.abs(cv2.Laplacian(grey, cv2.CV_32F))
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1)))
    scale = min(1.0, CELLS / max(grey.shape))
    size = max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale))
    cells = (
        cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in (second, np.hypot(across, down))
    )
    fine, coarse = (np.rint(np.minimum(np.sqrt(each) * STEPS, 255)).astype(np.uint8) for each in cells)
    return fine, coarse


def lost_detail(fine: np.ndarray, coarse: np.ndarray, person: np.ndarray) -> float | None:
    """How much less sharp the background is than the people, bool [H, W], in it: 0 (as sharp) to 1.

    Sharpness is the Laplacian's energy over the gradient's (`fine` and `coarse`, see `detail`), which does
    not depend on contrast. None if the two cannot be compared because one of them has no pixels or no edges.
    """
    import cv2

    # The outline of the person would be an edge of both. The margin is about as wide as a cell.
    margin = np.ones((9, 9), np.uint8)
    clear = (cv2.erode(side.astype(np.uint8), margin).astype(np.float32) for side in (person, ~person))
    size = coarse.shape[1], coarse.shape[0]
    energies = [(each.astype(np.float64) / STEPS) ** 2 for each in (fine, coarse)]
    ratios = []
    for region in clear:
        share = cv2.resize(region, size, interpolation=cv2.INTER_AREA)
        if not share.any():
            return None
        second, first = (float(np.average(each, weights=share)) for each in energies)
        if first < FLAT:
            return None
        ratios.append(second / first)
    inside, outside = ratios
    return round(float(np.clip(1 - outside / max(inside, 1e-6), 0, 1)), 4)
