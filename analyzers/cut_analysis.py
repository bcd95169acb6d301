"""Hard cuts, fades through black or white, and the shots between them.

The work is PySceneDetect's, see analyzers/shots.py. `strength` is the share of the 8-bit range that
changes: the content score (mean difference of luma and chroma) of a cut, the brightness lost
or gained in a fade.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analyzers import shots
from analyzers.base import Analyzer, ClipView, FrameSettings, Segment, setting


@dataclass
class CutSettings(FrameSettings):
    fps: float = setting(30.0, "frames read per second of clip", low=0.01, high=240)
    size: int = setting(320, "longer side of the frames in pixels, 0 for as stored", low=0, high=8192)
    ratio: float = setting(3.0, "a cut's score over the mean of its neighbours", low=1, high=100)
    min_score: float = setting(8.0, "least content score (0..255) of a hard cut", low=0, high=255)
    window: int = setting(3, "neighbours on either side that a cut is held against", low=1, high=30)
    flash_s: float = setting(0.4, "longest flash in seconds: the picture is back after it", low=0, high=5)
    min_shot_s: float = setting(0.2, "of cuts closer than this many seconds the first counts", low=0, high=60)
    black: float = setting(16.0, "mean brightness (0..255) under which a frame is black", low=1, high=255)
    white: float = setting(240.0, "mean brightness (0..255) from which a frame is white", low=1, high=255)
    fade_rate: float = setting(20.0, "least change of brightness per second in a fade", low=0.1, high=1000)
    min_ramp_s: float = setting(0.1, "shortest ramp of a fade in seconds", low=0, high=60)


class CutAnalysis(Analyzer):
    """Cuts and shots, by PySceneDetect's AdaptiveDetector and ThresholdDetector."""

    name = "cut_analysis"
    settings_type = CutSettings

    def load(self, device: str = "cpu") -> None:
        import scenedetect.detectors  # noqa: F401  (slow to import: paid for here, not in the first clip)

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        times, images = clip.frames(self.settings.fps, self.settings.size)
        edges = np.append(times, max(clip.duration_s, float(times[-1])))
        levels = shots.brightness(images)
        fades = self._fades(images, levels, edges)
        transitions = fades + self._cuts(images, edges, fades)
        transitions.sort(key=lambda segment: segment.start_s)
        return sorted(
            transitions + _between(transitions, float(edges[-1])), key=lambda s: (s.start_s, s.end_s)
        )

    def _fades(self, images: np.ndarray, levels: np.ndarray, edges: np.ndarray) -> list[Segment]:
        settings, rate = self.settings, _rate(edges)
        found = shots.fades(
            levels,
            settings.black,
            settings.white,
            settings.fade_rate / rate,
            max(1, round(settings.min_ramp_s * rate)),
        )
        segments = []
        for fade in found:
            if self._is_flash(images, fade, rate):
                continue
            inside = levels[fade.start : fade.stop + 1]
            strength = float(np.ptp(inside)) / 255
            # How far the ramp leads, against the least that counts: the black level itself.
            confidence = strength / (strength + settings.black / 255)
            start_s, end_s = float(edges[fade.start]), float(edges[fade.stop])
            segments.append(
                Segment(start_s, end_s, "fade", round(confidence, 4), {"strength": round(strength, 4)})
            )
        return segments

    def _is_flash(self, images: np.ndarray, fade: shots.Fade, rate: float) -> bool:
        """A picture that goes white and is back at once, if with a ramp."""
        short = fade.stop - fade.start <= self.settings.flash_s * rate + 1
        inside = fade.start > 0 and fade.stop < len(images)
        return (
            short
            and inside
            and shots.comes_back(images, fade.start - 1, fade.plain, range(fade.stop, fade.stop + 1))
        )

    def _cuts(self, images: np.ndarray, edges: np.ndarray, fades: list[Segment]) -> list[Segment]:
        settings = self.settings
        reach = max(1, round(settings.flash_s * _rate(edges)))
        segments: list[Segment] = []
        for cut in shots.hard_cuts(images, settings.ratio, settings.min_score, settings.window, reach):
            at = float(edges[cut])
            in_fade = any(fade.start_s <= at <= fade.end_s for fade in fades)
            if in_fade or (segments and at - segments[-1].start_s < settings.min_shot_s):
                continue
            score = shots.content_score(images[cut - 1], images[cut])
            confidence = round(score / (score + settings.min_score), 4)
            segments.append(Segment(at, at, "hard_cut", confidence, {"strength": round(score / 255, 4)}))
        return segments


def _rate(edges: np.ndarray) -> float:
    """Frames per second as they came, which are fewer than asked for where the clip has fewer."""
    steps = np.diff(edges[:-1])
    return 1 / float(np.median(steps)) if len(steps) else 1.0


def _between(transitions: list[Segment], end_s: float) -> list[Segment]:
    """The shots that `transitions`, in order of time, leave of `[0, end_s)`."""
    starts = [0.0] + [transition.end_s for transition in transitions]
    stops = [transition.start_s for transition in transitions] + [end_s]
    spans = [(start, stop) for start, stop in zip(starts, stops, strict=True) if stop > start]
    return [Segment(start, stop, "shot", None, {"index": index}) for index, (start, stop) in enumerate(spans)]
