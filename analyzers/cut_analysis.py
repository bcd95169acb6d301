"""Hard cuts, fades through black or white, and the shots between them.

PySceneDetect finds the cuts, see analyzers/features/vision/shots.py. `strength` is the share of the 8-bit
range that changes: the content score (mean difference of luma and chroma) of a cut, the brightness that a
fade loses or gains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clipbench.analyzers.base import Chunk, ChunkedAnalyzer, ClipFacts, Segment, setting
from clipbench.analyzers.features.vision import shots


@dataclass
class CutAnalysisSettings(shots.ShotSettings):
    """Settings of cut_analysis."""

    min_shot_s: float = setting(
        0.2, "of cuts closer than this many seconds only the first counts", low=0, high=60
    )


class CutAnalysis(ChunkedAnalyzer[shots.ShotState, shots.ShotsFound]):
    """Cuts and shots, by PySceneDetect's AdaptiveDetector and by ramps of brightness."""

    name = "cut_analysis"
    settings: CutAnalysisSettings
    settings_type = CutAnalysisSettings

    def load(self, device: str = "cpu") -> None:
        import scenedetect.detectors  # noqa: F401  (slow to import: here, not in the first clip)

    def begin(self, clip: ClipFacts) -> shots.ShotState:
        return shots.begin(self.settings)

    def feed(self, chunk: Chunk, state: shots.ShotState) -> tuple[shots.ShotsFound, shots.ShotState]:
        return shots.follow(chunk, state, self.settings)

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[shots.ShotsFound],
        state: shots.ShotState,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        seen = shots.finish(clip, found, state, self.settings)
        edges = np.append(seen.times_s, max(clip.duration_s, float(seen.times_s[-1])))
        fades = self._fades(seen, edges)
        transitions = sorted(fades + self._cuts(seen), key=lambda segment: segment.start_s)
        segments = transitions + _between(transitions, float(edges[-1]))
        return sorted(segments, key=lambda segment: (segment.start_s, segment.end_s))

    def _fades(self, seen: shots.Shots, edges: np.ndarray) -> list[Segment]:
        segments = []
        for fade in seen.fades:
            strength = float(np.ptp(seen.levels[fade.start : fade.stop + 1])) / 255
            # The depth of the ramp against the least that counts, the black level itself.
            confidence = round(strength / (strength + self.settings.black / 255), 4)
            span = float(edges[fade.start]), float(edges[fade.stop])
            segments.append(Segment(*span, "fade", confidence, {"strength": round(strength, 4)}))
        return segments

    def _cuts(self, seen: shots.Shots) -> list[Segment]:
        in_fade = np.zeros(len(seen.levels), bool)
        for fade in seen.fades:
            in_fade[fade.start : fade.stop + 1] = True
        segments: list[Segment] = []
        for cut in seen.cuts:
            at = float(seen.times_s[cut])
            close = segments and at - segments[-1].start_s < self.settings.min_shot_s
            if in_fade[cut] or close:
                continue
            score = float(seen.scores[cut])
            confidence = round(score / (score + self.settings.min_score), 4)
            segments.append(Segment(at, at, "hard_cut", confidence, {"strength": round(score / 255, 4)}))
        return segments


def _between(transitions: list[Segment], end_s: float) -> list[Segment]:
    """The shots that `transitions`, in order of time, leave of `[0, end_s)`."""
    starts = [0.0] + [transition.end_s for transition in transitions]
    stops = [transition.start_s for transition in transitions] + [end_s]
    spans = [(start, stop) for start, stop in zip(starts, stops, strict=True) if stop > start]
    return [Segment(start, stop, "shot", None, {"index": index}) for index, (start, stop) in enumerate(spans)]
