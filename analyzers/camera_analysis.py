"""What the camera does: rest, pan, tilt, zoom, roll or shake, from corner tracks (camera_motion.py).

The mean path of the picture's points, in frame diagonals per second, decides whether the camera moves at all:
it is one scale for all motions. A zoom or roll keeps one point of the picture in place. If that point is in
the frame or just outside, the motion is a zoom or roll, and otherwise a pan or tilt. Where the tracks are
lost there is a cut, and nothing is smoothed or merged across it.

A motion is the camera's if it moves most of what can be seen to move and is spread over the frame
(camera_support.py); otherwise a thing moves, and the camera is at rest. Confidence is the share of the
picture that shows it.

What it cannot do: before a wall without any texture, a camera at rest cannot be told from one that follows
somebody. Somebody who moves there and fills more than half of the frame is taken for a motion of the camera,
a smaller one for rest, with a low confidence. A pan over a plain wall is `static` at a confidence near 0.
A camera that moves sideways is said to pan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from itertools import pairwise

import numpy as np

from clipbench.analyzers.base import Chunk, ChunkedAnalyzer, ClipFacts, FrameSettings, Segment, setting
from clipbench.analyzers.features.vision import camera_motion, camera_path

#: Mean distance of a rectangle's points from its centre, in diagonals (0.27 for 1:1, 0.26 for 16:9).
_MEAN_RADIUS = 0.265
#: How far from the centre the fixed point of a zoom or roll may be, in frame widths and heights.
_PIVOT = 0.65
#: Evidence up to this is none.
_NOTHING = 0.05
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


class CameraAnalysis(ChunkedAnalyzer[camera_path.PathState, camera_path.PathFound]):
    """Camera motion by tracked corners, and the similarity transform that most of the picture follows."""

    name = "camera_analysis"
    settings: CameraAnalysisSettings
    settings_type = CameraAnalysisSettings

    def begin(self, clip: ClipFacts) -> camera_path.PathState:
        return camera_path.PathState(0, [])

    def feed(
        self, chunk: Chunk, state: camera_path.PathState
    ) -> tuple[camera_path.PathFound, camera_path.PathState]:
        frames = chunk.frames(self.settings.fps, self.settings.size)
        return camera_path.follow(frames, state, self.settings.bridge_s)

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[camera_path.PathFound],
        state: camera_path.PathState,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        times, moves, cuts, shape = camera_path.finish(found, state, self.settings.bridge_s)
        edges = np.append(times, max(clip.duration_s, float(times[-1])))
        segments: list[Segment] = []
        for first, stop in pairwise([0, *cuts, len(times)]):
            for segment in self._shot(moves[first : stop - 1], edges[first : stop + 1], shape):
                if segments and segments[-1].confidence == segment.confidence == 0:
                    # Between two stretches without tracks no cut can be seen either.
                    segment = replace(segment, start_s=segments.pop().start_s)
                segments.append(segment)
        return segments

    def _shot(
        self, found: list[camera_motion.Motion | None], edges: np.ndarray, shape: tuple[int, ...]
    ) -> list[Segment]:
        """Segments of one shot: `found` between its frames, `edges` their times and the shot's end."""
        moves = [move for move in found if move is not None]
        if not moves:
            # A single frame: no motion was seen, and none can be ruled out.
            return [Segment(float(edges[0]), float(edges[-1]), "static", 0.0, _data(np.zeros(4)))]
        height, width = shape
        steps = np.maximum(np.diff(edges)[:-1], 1e-6)
        # Columns: dx and dy in widths and heights, log scale, roll in radians; all per second.
        changes = [[move.dx / width, move.dy / height, np.log(move.scale), move.roll] for move in moves]
        diagonal = np.hypot(width, height)
        weights = np.array([width / diagonal, height / diagonal, _MEAN_RADIUS, _MEAN_RADIUS])
        paths = np.array(changes) / steps[:, None] * weights
        reach = round(self.settings.smooth_s / float(np.median(steps)) / 2)
        # What nothing was seen of is no rest.
        seen = np.array([move.evidence for move in moves]) > _NOTHING
        labels = []
        for index in range(len(paths)):
            near = slice(max(0, index - reach), index + reach + 1)
            smooth = np.median(paths[near][seen[near]], axis=0) if seen[near].any() else np.zeros(4)
            shakes = self._shakes(paths[max(0, index - 2 * reach) : index + 2 * reach + 1, :2])
            labels.append("shake" if shakes else self._label(smooth, smooth / weights, width / height))
        # The last frame stays on screen after its motion has ended.
        spans = np.append(edges[:-2], edges[-1])
        segments = []
        for start, stop, label in _merged(labels, spans, self.settings.min_duration_s):
            rate = np.median(paths[start:stop], axis=0)
            evidence = float(np.mean([move.evidence for move in moves[start:stop]]))
            confidence = round(evidence * self._margin(label, rate), 4)
            span = float(spans[start]), float(spans[stop])
            segments.append(Segment(*span, label, confidence, _data(rate / weights)))
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


def _merged(labels: list[str], spans: np.ndarray, least_s: float) -> list[tuple[int, int, str]]:
    """Stretches `[start, stop)` of equal neighbours in `labels`, each with its label.

    Stretches shorter than `least_s` get the label of their longer neighbour, the shortest first.
    """
    starts = [0] + [index for index in range(1, len(labels)) if labels[index] != labels[index - 1]]
    stops = dict(zip(starts, [*starts[1:], len(labels)], strict=True))
    before = {stop: start for start, stop in stops.items()}
    names = {start: labels[start] for start in starts}

    def length(start: int) -> float:
        return float(spans[stops[start]] - spans[start])

    shortest = [(length(start), start, stops[start]) for start in starts]
    heapify(shortest)
    while shortest and shortest[0][0] < least_s:
        _, start, stop = heappop(shortest)
        if stops.get(start) != stop:
            continue  # it has become a part of another one since
        around = ([before[start]] if start > 0 else []) + ([stop] if stop < len(labels) else [])
        if not around:
            break
        label = names[max(around, key=length)]
        del stops[start]
        for other in around:
            if names[other] == label:
                start, stop = min(start, other), max(stop, stops.pop(other))
        stops[start], before[stop], names[start] = stop, start, label
        heappush(shortest, (length(start), start, stop))
    return [(start, stops[start], names[start]) for start in sorted(stops)]


def _data(rate: np.ndarray) -> dict[str, float]:
    return {
        "dx_per_s": round(float(rate[0]), 4),
        "dy_per_s": round(float(rate[1]), 4),
        "scale_per_s": round(float(np.exp(rate[2])), 4),
        "roll_deg_per_s": round(float(np.degrees(rate[3])), 2),
    }
