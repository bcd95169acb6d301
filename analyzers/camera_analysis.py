"""What the camera does: rest, pan, tilt, zoom, roll or shake, from corner tracks (camera_motion.py).

The mean path of the picture's points, in frame diagonals per second, decides whether the camera moves at all:
it is one scale for all motions. A zoom or roll keeps one point of the picture in place. If that point is in
the frame or just outside, the motion is a zoom or roll, and otherwise a pan or tilt. Where the tracks are
lost there is a cut, and nothing is smoothed or merged across it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from clipbench.analyzers.base import Analyzer, ClipView, FrameSettings, Segment, setting
from clipbench.analyzers.features.vision import camera_motion

#: Mean distance of a rectangle's points from its centre, in diagonals (0.27 for 1:1, 0.26 for 16:9).
_MEAN_RADIUS = 0.265
#: How far from the centre the fixed point of a zoom or roll may be, in frame widths and heights.
_PIVOT = 0.65
#: The labels of each motion, backward and forward. The picture moves left when the camera turns right.
_NAMES = (("pan_right", "pan_left"), ("tilt_down", "tilt_up"), ("zoom_out", "zoom_in"), ("roll", "roll"))


@dataclass
class CameraAnalysisSettings(FrameSettings):
    """Settings of camera_analysis."""

    fps: float = setting(10.0, "frames read per second of clip", low=0.01, high=240)
    size: int = setting(320, "longer side of the frames in pixels, 0 for as stored", low=0, high=8192)
    still: float = setting(0.007, "least motion of a moving camera, diagonals per second", low=0, high=1)
    smooth_s: float = setting(0.5, "window of the running median in seconds", low=0, high=10)
    shake: float = setting(
        0.03, "least back-and-forth motion of a shaking camera, diagonals per second", low=0, high=10
    )
    bridge_s: float = setting(0.3, "longest flash in seconds across which tracks continue", low=0, high=5)
    min_duration_s: float = setting(0.4, "shorter stretches join their neighbours", low=0, high=60)


class CameraAnalysis(Analyzer):
    """Camera motion by tracked corners and a similarity transform that most of the picture follows."""

    name = "camera_analysis"
    settings: CameraAnalysisSettings
    settings_type = CameraAnalysisSettings

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        times, images = clip.frames(self.settings.fps, self.settings.size)
        edges = np.append(times, max(clip.duration_s, float(times[-1])))
        moves, cuts = self._moves(images, times)
        bounds = [0, *cuts, len(images)]
        segments: list[Segment] = []
        for first, stop in pairwise(bounds):
            for segment in self._shot(moves[first : stop - 1], edges[first : stop + 1], images.shape[1:3]):
                if segments and segments[-1].confidence == segment.confidence == 0:
                    # Between two stretches without tracks no cut can be seen either.
                    segment = replace(segment, start_s=segments.pop().start_s)
                segments.append(segment)
        return segments

    def _moves(
        self, images: np.ndarray, times: np.ndarray
    ) -> tuple[list[camera_motion.Motion | None], list[int]]:
        """The motion from each frame to the next, and the frames that no track reaches: cuts.

        Between two cuts all motions are known, or none if the frames are plain.
        """
        import cv2

        greys = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images]
        corners = [camera_motion.corners(grey) for grey in greys]
        moves: list[camera_motion.Motion | None] = [None] * (len(greys) - 1)
        cuts, index = [], 0
        while index < len(moves):
            found = None
            latest = np.searchsorted(times, times[index] + self.settings.bridge_s, side="right") - 1
            for later in range(index + 1, max(index + 1, int(latest)) + 1):
                found = camera_motion.motion(greys[index], greys[later], corners[index])
                if found is not None:
                    moves[index:later] = [_part(found, later - index)] * (later - index)
                    index = later
                    break
            if found is None:
                index += 1
                if max(len(corners[index - 1]), len(corners[index])) >= camera_motion.MIN_TRACKS:
                    cuts.append(index)
        return moves, cuts

    def _shot(
        self, found: list[camera_motion.Motion | None], edges: np.ndarray, shape: tuple[int, ...]
    ) -> list[Segment]:
        """Segments of one shot: `found` between its frames, `edges` their times and the shot's end."""
        moves = [move for move in found if move is not None]
        if not moves:
            # A single frame or a plain picture: no motion was seen, and none can be ruled out.
            return [Segment(float(edges[0]), float(edges[-1]), "static", 0.0, _data(np.zeros(4)))]
        height, width = shape
        steps = np.maximum(np.diff(edges)[:-1], 1e-6)
        # Columns: dx and dy in widths and heights, log scale, roll in radians; all per second.
        changes = [[move.dx / width, move.dy / height, np.log(move.scale), move.roll] for move in moves]
        diagonal = np.hypot(width, height)
        weights = np.array([width / diagonal, height / diagonal, _MEAN_RADIUS, _MEAN_RADIUS])
        paths = np.array(changes) / steps[:, None] * weights
        reach = round(self.settings.smooth_s / float(np.median(steps)) / 2)
        labels = []
        for index in range(len(paths)):
            smooth = np.median(paths[max(0, index - reach) : index + reach + 1], axis=0)
            shakes = self._shakes(paths[max(0, index - 2 * reach) : index + 2 * reach + 1, :2])
            labels.append("shake" if shakes else self._label(smooth, smooth / weights, width / height))
        # The last frame stays on screen after its motion has ended.
        spans = np.append(edges[:-2], edges[-1])
        segments = []
        for start, stop in _merged(labels, spans, self.settings.min_duration_s):
            rate = np.median(paths[start:stop], axis=0)
            evidence = float(np.mean([move.evidence for move in moves[start:stop]]))
            confidence = round(evidence * self._margin(labels[start], rate), 4)
            span = float(spans[start]), float(spans[stop])
            segments.append(Segment(*span, labels[start], confidence, _data(rate / weights)))
        return segments

    def _label(self, path: np.ndarray, rate: np.ndarray, aspect: float) -> str:
        if np.abs(path).max() < self.settings.still:
            return "static"
        dx, dy, zoom, roll = rate
        # The velocity (dx, dy) + (zoom, roll) * point is nil at the fixed point; in frame heights.
        pivot = -complex(dx * aspect, dy) / complex(zoom, roll) if zoom or roll else complex("inf")
        turns = abs(pivot.real) <= _PIVOT * aspect and abs(pivot.imag) <= _PIVOT
        first = 2 if turns else 0
        motion = first + int(np.argmax(np.abs(path[first : first + 2])))
        return _NAMES[motion][int(path[motion] > 0)]

    def _shakes(self, near: np.ndarray) -> bool:
        """Whether the picture goes back and forth in `near` `[N, 2]`: far, many turns, little progress."""
        way = float(np.linalg.norm(near, axis=1).mean())
        progress = float(np.linalg.norm(near.mean(axis=0)))
        turns = int(((near[1:] * near[:-1]).sum(axis=1) < 0).sum())
        return way > 2 * progress and way - progress > self.settings.shake and turns >= 3

    def _margin(self, label: str, rate: np.ndarray) -> float:
        """How clear a label is: a half on the threshold, and closer to one further away from it."""
        if label == "shake":
            return 1.0
        size, still = float(np.abs(rate).max()), self.settings.still
        return 1 - 0.5 * min(size, still) / max(size, still, 1e-9)


def _merged(labels: list[str], spans: np.ndarray, least_s: float) -> list[tuple[int, int]]:
    """Stretches `[start, stop)` of equal neighbours in `labels`, which is changed in place.

    Stretches shorter than `least_s` get the label of their longer neighbour, the shortest first.
    """
    while True:
        starts = [0] + [index for index in range(1, len(labels)) if labels[index] != labels[index - 1]]
        runs = list(zip(starts, [*starts[1:], len(labels)], strict=True))
        lengths = [float(spans[stop] - spans[start]) for start, stop in runs]
        shortest = int(np.argmin(lengths))
        if len(runs) == 1 or lengths[shortest] >= least_s:
            return runs
        around = [index for index in (shortest - 1, shortest + 1) if 0 <= index < len(runs)]
        start, stop = runs[shortest]
        labels[start:stop] = [labels[runs[max(around, key=lengths.__getitem__)][0]]] * (stop - start)


def _part(whole: camera_motion.Motion, count: int) -> camera_motion.Motion:
    """One of `count` equal steps whose sum is `whole`."""
    return camera_motion.Motion(
        whole.dx / count, whole.dy / count, whole.scale ** (1 / count), whole.roll / count, whole.evidence
    )


def _data(rate: np.ndarray) -> dict[str, float]:
    return {
        "dx_per_s": round(float(rate[0]), 4),
        "dy_per_s": round(float(rate[1]), 4),
        "scale_per_s": round(float(np.exp(rate[2])), 4),
        "roll_deg_per_s": round(float(np.degrees(rate[3])), 2),
    }
