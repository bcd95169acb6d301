"""Hard cuts, fades through black or white, and the shots between them.

PySceneDetect finds them, see analyzers/features/vision/shots.py. `strength` is the share of the 8-bit range
that changes: the content score (mean difference of luma and chroma) of a cut, the brightness that a fade
loses or gains.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from clipbench.analyzers.base import Analyzer, ClipView, Segment, setting
from clipbench.analyzers.features.vision import shots


@dataclass
class CutAnalysisSettings(shots.ShotSettings):
    """Settings of cut_analysis."""

    min_shot_s: float = setting(
        0.2, "of cuts closer than this many seconds only the first counts", low=0, high=60
    )


class CutAnalysis(Analyzer):
    """Cuts and shots, by PySceneDetect's AdaptiveDetector and ThresholdDetector."""

    name = "cut_analysis"
    settings: CutAnalysisSettings
    settings_type = CutAnalysisSettings

    def load(self, device: str = "cpu") -> None:
        import scenedetect.detectors  # noqa: F401  (slow to import: here, not in the first clip)

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        times, images = clip.frames(self.settings.fps, self.settings.size)
        edges = np.append(times, max(clip.duration_s, float(times[-1])))
        fades = self._fades(images, edges)
        cuts = self._cuts(shots.hard_cuts(clip, self.settings), images, times, fades)
        transitions = sorted(fades + cuts, key=lambda segment: segment.start_s)
        found = transitions + _between(transitions, float(edges[-1]))
        return sorted(found, key=lambda segment: (segment.start_s, segment.end_s))

    def _fades(self, images: np.ndarray, edges: np.ndarray) -> list[Segment]:
        segments = []
        for fade in shots.fades(images, edges[:-1], self.settings):
            strength = float(np.ptp(shots.brightness(images[fade.start : fade.stop + 1]))) / 255
            # The depth of the ramp against the least that counts, the black level itself.
            confidence = round(strength / (strength + self.settings.black / 255), 4)
            span = float(edges[fade.start]), float(edges[fade.stop])
            segments.append(Segment(*span, "fade", confidence, {"strength": round(strength, 4)}))
        return segments

    def _cuts(
        self, cuts: list[int], images: np.ndarray, times: np.ndarray, fades: list[Segment]
    ) -> list[Segment]:
        segments: list[Segment] = []
        for cut in cuts:
            at = float(times[cut])
            in_fade = any(fade.start_s <= at <= fade.end_s for fade in fades)
            if in_fade or (segments and at - segments[-1].start_s < self.settings.min_shot_s):
                continue
            score = shots.content_score(images[cut - 1], images[cut])
            confidence = round(score / (score + self.settings.min_score), 4)
            segments.append(Segment(at, at, "hard_cut", confidence, {"strength": round(score / 255, 4)}))
        return segments


def _between(transitions: list[Segment], end_s: float) -> list[Segment]:
    """The shots that `transitions`, in order of time, leave of `[0, end_s)`."""
    starts = [0.0] + [transition.end_s for transition in transitions]
    stops = [transition.start_s for transition in transitions] + [end_s]
    spans = [(start, stop) for start, stop in zip(starts, stops, strict=True) if stop > start]
    return [Segment(start, stop, "shot", None, {"index": index}) for index, (start, stop) in enumerate(spans)]
