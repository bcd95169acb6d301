"""What is person and what is background: the mask, and the background's colours and blur.

The mask is that of MediaPipe's selfie segmentation (Google 2021). It was made for people, and takes a cat or
a cup in the foreground for one: so it only counts near the persons that object_detection has found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from clipbench.analyzers.base import Analyzer, ClipView, FrameSettings, Segment, setting
from clipbench.analyzers.features.networks import open_net
from clipbench.analyzers.features.vision.coco_detector import spans

PIXELS = 256
#: Background colours nearer than this in Lab (CIE76) are one colour; a smaller share is not worth a name.
SAME_COLOR, MIN_COLOR_SHARE = 12.0, 0.05
#: How much larger than a person's box the mask may be, on each side: a share of the box.
ROOM = 0.15
#: Grey levels per pixel below which a region has no edge to judge its sharpness by.
FLAT = 2.0


@dataclass
class SegmentationSettings(FrameSettings):
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
    upstream = ("object_detection",)
    settings_type = SegmentationSettings

    def load(self, device: str = "cpu") -> None:
        self._net = open_net(self.settings.model)

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        times, images = clip.frames(self.settings.fps, self.settings.size)
        timed, masks = spans(times, clip), self._people(images)
        if (objects := upstream.get("object_detection")) is not None:
            masks = [mask * near_persons(objects, time) for mask, time in zip(masks, times, strict=True)]
        return [self._segment(*sample) for sample in zip(timed, images, masks, strict=True)]

    def headline(self, segments: list[Segment]) -> str:
        shares = [s.data["person_share"] for s in segments if s.label == "person"]
        if not shares:
            return "no person"
        mean = sum(shares) / len(shares)
        return f"person in {len(shares)} of {len(segments)}, covering {mean:.0%}"

    def unload(self) -> None:
        self._net.close()

    def _people(self, images: np.ndarray) -> np.ndarray:
        """How probably each pixel is a person's: float32 [T, 256, 256], stretched to a square."""
        import cv2

        squares = [cv2.resize(image, (PIXELS, PIXELS), interpolation=cv2.INTER_AREA) for image in images]
        return self._net(np.stack(squares), batch=self.settings.batch)[0][..., 0]

    def _segment(self, span: tuple[float, float], image: np.ndarray, probability: np.ndarray) -> Segment:
        import cv2

        s = self.settings
        height, width = image.shape[:2]
        scale = s.mask_side / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(probability, size, interpolation=cv2.INTER_AREA) > s.min_probability
        share = float((probability > s.min_probability).mean())
        person = share >= s.min_share
        # The network's mean certainty about the pixels, on the side that it decided for.
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
    """Where a person may be at `time_s`: bool [256, 256], in and closely around their boxes.

    Those of the detector's nearest sample, or of the two that are equally near: between them there may
    be a cut.
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
    """Lengths of the runs over the rows of a boolean mask, background first (its first run may be 0)."""
    flat = np.concatenate([[False], mask.ravel()])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    return [int(count) for count in np.diff([0, *changes, mask.size])]


def main_colors(pixels: np.ndarray, count: int) -> list[tuple[list[int], float]]:
    """At most `count` colours [r, g, b] of `pixels` [N, 3], with their shares, largest first.

    k-means in Lab; clusters that look alike are joined, and small ones left out.
    """
    import cv2

    if len(pixels) == 0:
        return []
    lab = cv2.cvtColor((pixels[None] / 255).astype(np.float32), cv2.COLOR_RGB2LAB)[0]
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    count = min(count, len(lab))
    _, labels, centres = cv2.kmeans(lab, count, None, stop, 1, cv2.KMEANS_PP_CENTERS)
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
    rgb = cv2.cvtColor(np.float32([[centre for centre, _ in kept]]), cv2.COLOR_LAB2RGB)[0]
    values = np.clip(np.rint(rgb * 255), 0, 255).astype(int)
    return [(value.tolist(), share) for value, (_, share) in zip(values, kept, strict=True)]


def background_blur(image: np.ndarray, person: np.ndarray) -> float | None:
    """How much less sharp the background of `image` is than the people in it: 0 (as sharp) to 1.

    Sharpness is the Laplacian's energy over the gradient's, which does not depend on contrast. None
    where the two cannot be compared, since one of them has no pixels or no edges.
    """
    import cv2

    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    second = np.abs(cv2.Laplacian(grey, cv2.CV_32F))
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1)))
    first = np.hypot(across, down)
    # The outline of the person is an edge of both.
    margin = np.ones((9, 9), np.uint8)
    regions = [cv2.erode(side.astype(np.uint8), margin) > 0 for side in (person, ~person)]
    if not all(region.any() and first[region].mean() >= FLAT for region in regions):
        return None
    inside, outside = (float(second[region].mean() / first[region].mean()) for region in regions)
    return round(float(np.clip(1 - outside / max(inside, 1e-6), 0, 1)), 4)
