"""People and background: a mask of the people, and the background's colours and blur.

The mask is that of MediaPipe's selfie segmentation (Google 2021). It was made for people, and mistakes a cat
or a cup in the foreground for one, so it only counts near the persons that object_detection has found. They
are known when the whole clip has been seen; until then each frame leaves what its segment is made from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from clipbench.analyzers.base import (
    Chunk,
    ChunkedAnalyzer,
    ClipFacts,
    FrameSettings,
    Segment,
    Settings,
    setting,
)
from clipbench.analyzers.features.onnx_networks import open_network
from clipbench.analyzers.features.time_spans import frame_spans

PIXELS = 256
#: Background colours closer than this in Lab (CIE76) are one colour; colours of a smaller share are dropped.
SAME_COLOR, MIN_COLOR_SHARE = 12.0, 0.05
#: How much larger than a person's box the mask may be, on each side: a share of the box.
ROOM = 0.15
#: Grey levels per pixel below which a region has no edges to measure its sharpness by.
FLAT = 2.0
#: Detail is kept as the means of cells, so many along the longer side. What is stored is their square root in
#: steps of this fineness, so that faint detail is not rounded away.
CELLS, STEPS = 128, 16


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


class FrameMask(NamedTuple):
    """What is kept of a frame of `shape` (height, width): about 25 kB in PNG files, or 50 kB/s.

    `probability` is uint8 [256, 256], that of a person in 255ths; `picture` is the frame in the size of the
    segment's mask; `detail` is that of the function `detail`, one plane under the other.
    """

    time_s: float
    shape: tuple[int, int]
    probability: bytes
    picture: bytes
    detail: bytes


class BackgroundSegmentation(ChunkedAnalyzer[None, list[FrameMask]]):
    """A person mask per sampled frame."""

    name = "background_segmentation"
    upstream: ClassVar[tuple[str, ...]] = ("object_detection",)
    settings: BackgroundSegmentationSettings
    settings_type: ClassVar[type[Settings]] = BackgroundSegmentationSettings

    def load(self, device: str = "cpu") -> None:
        self._network = open_network(self.settings.model)

    def begin(self, clip: ClipFacts) -> None:
        return None

    def feed(self, chunk: Chunk, state: None) -> tuple[list[FrameMask], None]:
        times, images = chunk.frames(self.settings.fps, self.settings.size)
        if len(times) == 0:
            return [], None
        masks = self.person_probabilities(chunk)
        return [self._kept(*frame) for frame in zip(times.tolist(), images, masks, strict=True)], None

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[list[FrameMask]],
        state: None,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        # Gone through twice, so that the frames of a long clip are not all in memory at once.
        spans = frame_spans(np.array([frame.time_s for one in found for frame in one]), clip)
        frames = (frame for one in found for frame in one)
        objects = upstream.get("object_detection")
        return [self._segment(span, frame, objects) for span, frame in zip(spans, frames, strict=True)]

    def headline(self, segments: list[Segment]) -> str:
        shares = [s.data["person_share"] for s in segments if s.label == "person"]
        if not shares:
            return "no person"
        mean = sum(shares) / len(shares)
        return f"person in {len(shares)} of {len(segments)}, covering {mean:.0%}"

    def unload(self) -> None:
        self._network.close()

    def person_probabilities(self, chunk: Chunk) -> np.ndarray:
        """Per frame and pixel, the probability of a person: float32 [T, 256, 256], stretched to a square.

        The chunk has at least one frame.
        """
        import cv2

        images = chunk.frames(self.settings.fps, self.settings.size).images
        squares = [cv2.resize(image, (PIXELS, PIXELS), interpolation=cv2.INTER_AREA) for image in images]
        return self._network(np.stack(squares), batch=self.settings.batch)[0][..., 0]

    def _kept(self, time_s: float, image: np.ndarray, probability: np.ndarray) -> FrameMask:
        import cv2

        height, width = image.shape[:2]
        picture = cv2.resize(image, self._mask_size(height, width), interpolation=cv2.INTER_AREA)
        levels = np.rint(probability * 255).astype(np.uint8)
        images = (levels, picture, np.concatenate(detail(image)))
        return FrameMask(time_s, (height, width), *map(packed, images))

    def _mask_size(self, height: int, width: int) -> tuple[int, int]:
        """Width and height of a segment's mask."""
        scale = self.settings.mask_side / max(height, width)
        return max(1, round(width * scale)), max(1, round(height * scale))

    def _segment(self, span: tuple[float, float], frame: FrameMask, objects: list[Segment] | None) -> Segment:
        import cv2

        s = self.settings
        height, width = frame.shape
        probability = unpacked(frame.probability).astype(np.float32) / 255
        if objects is not None:
            probability *= near_persons(objects, frame.time_s)
        size = self._mask_size(height, width)
        small = cv2.resize(probability, size, interpolation=cv2.INTER_AREA) > s.min_probability
        share = float((probability > s.min_probability).mean())
        person = share >= s.min_share
        # The network's mean confidence in its decision about each pixel.
        sure = float(np.where(probability > s.min_probability, probability, 1 - probability).mean())
        full = cv2.resize(probability, (width, height), interpolation=cv2.INTER_LINEAR) > s.min_probability
        behind = unpacked(frame.picture)[~small]
        fine, coarse = np.split(unpacked(frame.detail), 2)
        data = {
            "person_share": round(share, 4),
            "mask": {"size": [size[1], size[0]], "counts": run_lengths(small)},
            "background_rgb": [color for color, _ in main_colors(behind, s.colors)],
            "background_blur": lost_detail(fine, coarse, full) if person else None,
        }
        return Segment(*span, "person" if person else "no_person", round(sure, 4), data)


def packed(image: np.ndarray) -> bytes:
    """A uint8 image of one or three channels as a PNG file, which is smaller and loses nothing."""
    import cv2

    return cv2.imencode(".png", image)[1].tobytes()


def unpacked(png: bytes) -> np.ndarray:
    """The image in a PNG file that `packed` made."""
    import cv2

    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return image


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
