"""People and background: a mask of the people, and the background's colours and blur.

The mask is that of MediaPipe's selfie segmentation (Google 2021). It was made for people, and mistakes a cat
or a cup in the foreground for one, so it only counts near the persons that object_detection has found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from clipbench.analyzers.base import Analyzer, ClipView, FrameSettings, Segment, Settings, setting
from clipbench.analyzers.features.onnx_networks import open_network
from clipbench.analyzers.features.time_spans import frame_spans

PIXELS = 256
#: Background colours closer than this in Lab (CIE76) are one colour; colours of a smaller share are dropped.
SAME_COLOR, MIN_COLOR_SHARE = 12.0, 0.05
#: How much larger than a person's box the mask may be, on each side: a share of the box.
ROOM = 0.15
#: Grey levels per pixel below which a region has no edges to measure its sharpness by.
FLAT = 2.0


@dataclass
class BackgroundSegmentationSettings(FrameSettings):
    """Settings of background_segmentation."""

    fps: float = setting(2.0, "frames read per second of clip", low=0.01, high=240)
    model: str = setting("selfie", "model card of the network that separates people from background")
    batch: int = setting(4, "frames per network call", low=1, high=1024)
    min_probability: float = setting(0.5, "pixels more probable than this are a person", low=0, high=1)
    min_share: float = setting(0.02, "below this share of its pixels a frame has no person", low=0, high=1)
    mask_side: int = setting(64, "longer side of the masks in the segments, in pixels", low=4, high=256)
    colors: int = setting(3, "background colours at most", low=1, high=16)


class BackgroundSegmentation(Analyzer):
    """A person mask per sampled frame."""

    name = "background_segmentation"
    upstream: ClassVar[tuple[str, ...]] = ("object_detection",)
    settings: BackgroundSegmentationSettings
    settings_type: ClassVar[type[Settings]] = BackgroundSegmentationSettings

    def load(self, device: str = "cpu") -> None:
        self._network = open_network(self.settings.model)

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        times, images = clip.frames(self.settings.fps, self.settings.size)
        masks = list(self.person_probabilities(clip))
        if (objects := upstream.get("object_detection")) is not None:
            masks = [mask * near_persons(objects, time) for mask, time in zip(masks, times, strict=True)]
        samples = zip(frame_spans(times, clip), images, masks, strict=True)
        return [self._segment(*sample) for sample in samples]

    def headline(self, segments: list[Segment]) -> str:
        shares = [s.data["person_share"] for s in segments if s.label == "person"]
        if not shares:
            return "no person"
        mean = sum(shares) / len(shares)
        return f"person in {len(shares)} of {len(segments)}, covering {mean:.0%}"

    def unload(self) -> None:
        self._network.close()

    def person_probabilities(self, clip: ClipView) -> np.ndarray:
        """Per frame and pixel, the probability of a person: float32 [T, 256, 256], stretched to a square."""
        import cv2

        images = clip.frames(self.settings.fps, self.settings.size).images

        squares = [cv2.resize(image, (PIXELS, PIXELS), interpolation=cv2.INTER_AREA) for image in images]
        return self._network(np.stack(squares), batch=self.settings.batch)[0][..., 0]

    def _segment(self, span: tuple[float, float], image: np.ndarray, probability: np.ndarray) -> Segment:
        import cv2

        s = self.settings
        height, width = image.shape[:2]
        scale = s.mask_side / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(probability, size, interpolation=cv2.INTER_AREA) > s.min_probability
        share = float((probability > s.min_probability).mean())
        person = share >= s.min_share
        # The network's mean confidence in its decision about each pixel.
        sure = float(np.where(probability > s.min_probability, probability, 1 - probability).mean())
        full = cv2.resize(probability, (width, height), interpolation=cv2.INTER_LINEAR)
        behind = cv2.resize(image, size, interpolation=cv2.INTER_AREA)[~small]
        data = {
            "person_share": round(share, 4),
            "mask": {"size": [size[1], size[0]], "counts": run_lengths(small)},
            "background_rgb": [color for color, _ in main_colors(behind, s.colors)],
            "background_blur": background_blur(image, full > s.min_probability) if person else None,
        }
        return Segment(*span, "person" if person else "no_person", round(sure, 4), data)


def near_persons(objects: list[Segment], time_s: float) -> np.ndarray:
    """Where a person may be at `time_s`: bool [256, 256], true in and closely around persons' boxes.

    The boxes are those of the detector's nearest sample, or of two that are equally near, because there may
    be a cut between them.
    """
    allowed = np.zeros((PIXELS, PIXELS), bool)
    for found in objects:
        near = abs(found.start_s - time_s) <= (found.end_s - found.start_s) / 2 + 1e-6
        if found.label == "person" and near:
            x1, y1, x2, y2 = found.data["box"]
            room_x, room_y = ROOM * (x2 - x1), ROOM * (y2 - y1)
            edges = np.array([y1 - room_y, y2 + room_y, x1 - room_x, x2 + room_x])
            top, bottom, left, right = np.clip(np.rint(edges * PIXELS), 0, PIXELS).astype(int)
            allowed[top:bottom, left:right] = True
    return allowed


def run_lengths(mask: np.ndarray) -> list[int]:
    """Run lengths of a boolean mask, row by row, background first (the first run may be 0)."""
    flat = np.concatenate([[False], mask.ravel()])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    return [int(count) for count in np.diff([0, *changes, mask.size])]


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
    """How much less sharp the background of `image` is than the people in it: 0 (as sharp) to 1.

    Sharpness is the Laplacian's energy over the gradient's, which does not depend on contrast. None if the
    two cannot be compared because one of them has no pixels or no edges.
    """
    import cv2

    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    second = np.abs(cv2.Laplacian(grey, cv2.CV_32F))
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1)))
    first = np.hypot(across, down)
    # The outline of the person would be an edge of both.
    margin = np.ones((9, 9), np.uint8)
    regions = [cv2.erode(side.astype(np.uint8), margin) > 0 for side in (person, ~person)]
    if not all(region.any() and first[region].mean() >= FLAT for region in regions):
        return None
    inside, outside = (float(second[region].mean() / first[region].mean()) for region in regions)
    return round(float(np.clip(1 - outside / max(inside, 1e-6), 0, 1)), 4)
