"""Effects of editing: flash, fades, freeze, blur, monochrome, split screen and letterbox.

The measures are in effect_measures.py; here they become stretches of time. `strength` depends on the effect:
the change of brightness as a share of the range (flash, fades), or the share of the motion that stopped
(freeze), of the detail that is lost (blur), of pixels without colour (monochrome), of the dividing line that
is visible (split_screen), of the picture under bars (letterbox). More frames are read than the ten per second
that most effects need, because at ten a flash of two frames would fall between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from clipbench.analyzers.base import Analyzer, ClipView, Segment, setting
from clipbench.analyzers.features.vision import effect_measures, shots


@dataclass
class VisualEffectsSettings(shots.ShotSettings):
    """Settings of visual_effects."""

    flash_gain: float = setting(25.0, "least gain of brightness (0..255) in a flash", low=1, high=255)
    freeze_stir: float = setting(1.0, "most change (0..255) between frozen frames", low=0, high=255)
    motion_stir: float = setting(2.0, "least change (0..255) between frames that move", low=0, high=255)
    min_freeze_s: float = setting(0.3, "shortest freeze in seconds", low=0, high=60)
    blur_share: float = setting(0.45, "most of its shot's detail that a blurred frame has", low=0, high=1)
    mono_share: float = setting(0.08, "most coloured pixels in a monochrome frame", low=0, high=1)
    min_contrast: float = setting(10.0, "deviation of luma from which there is a picture", low=0, high=128)
    seam_share: float = setting(0.7, "least share of a split screen's line that is an edge", low=0, high=1)
    bar_share: float = setting(0.08, "least share of the picture under bars", low=0, high=1)
    min_duration_s: float = setting(0.25, "shortest blur, monochrome, split or letterbox", low=0, high=60)


class Effect(NamedTuple):
    """An effect in the frames `[start, stop)`."""

    label: str
    start: int
    stop: int
    strength: float
    confidence: float

    def segment(self, edges: np.ndarray) -> Segment:
        """The effect in seconds; `edges` are the frames' times and the clip's end."""
        span = float(edges[self.start]), float(edges[self.stop])
        return Segment(*span, self.label, round(self.confidence, 4), {"strength": round(self.strength, 4)})


class VisualEffects(Analyzer):
    """Effects by brightness, chroma, sharpness, lines and standstill of the frames."""

    name = "visual_effects"
    settings: VisualEffectsSettings
    settings_type = VisualEffectsSettings

    def load(self, device: str = "cpu") -> None:
        import scenedetect.detectors  # noqa: F401  (slow to import: here, not in the first clip)

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        settings = self.settings
        times, images = clip.frames(settings.fps, settings.size)
        edges = np.append(times, max(clip.duration_s, float(times[-1])))
        cuts = shots.hard_cuts(clip, settings)
        greys = effect_measures.greys(images)
        found = self._flashes(images, greys, times)
        found += self._fades(images, times, found)
        # Frames of a flash or a fade say nothing about the picture.
        picture = np.array([grey.std() for grey in greys]) >= settings.min_contrast
        for effect in found:
            picture[effect.start : effect.stop] = False
        found += self._freezes(greys, times, cuts, found)
        bars = effect_measures.bars(greys)
        mono = 1 - effect_measures.colourfulness(images)
        found += self._stretches("monochrome", mono, 1 - settings.mono_share, picture, edges)
        found += self._stretches("letterbox", bars, settings.bar_share, picture, edges)
        reach = round(0.15 * shots.frame_rate(times))
        seams, lost = np.zeros(len(greys)), np.zeros(len(greys))
        for first, stop in pairwise([0, *cuts, len(greys)]):
            seams[first:stop] = effect_measures.seams(greys[first:stop], reach)
            lost[first:stop] = _lost_detail(effect_measures.sharpness(greys[first:stop]), picture[first:stop])
        found += self._stretches("split_screen", seams, settings.seam_share, picture & (bars == 0), edges)
        found += self._stretches("blur", lost, 1 - settings.blur_share, picture, edges)
        return sorted(
            (effect.segment(edges) for effect in found), key=lambda each: (each.start_s, each.label)
        )

    def _flashes(self, images: np.ndarray, greys: np.ndarray, times: np.ndarray) -> list[Effect]:
        """Nearly the whole picture brightens at once, and loses half of the gain within `flash_s`."""
        levels, reach = shots.brightness(images), shots.flash_frames(times, self.settings)
        least = self.settings.flash_gain
        found, index = [], 1
        while index < len(levels):
            base = levels[index - 1]
            ahead = levels[index : index + reach + 1]
            gain = float(ahead.max() - base)
            over = ahead <= base + gain / 2
            # Counted from the peak, so that a ramp of two frames is not the end.
            stop = index + int(np.argmax(ahead)) + int(np.argmax(over[np.argmax(ahead) :]))
            if levels[index] - base >= least and over[np.argmax(ahead) :].any():
                peak = index + int(np.argmax(ahead))
                brighter = np.mean(greys[peak] > greys[index - 1].astype(int) + least / 2)
                saturated = np.mean(greys[index - 1] > 255 - least)
                if brighter + saturated > 0.75:
                    found.append(Effect("flash", index, stop, gain / 255, gain / (gain + least)))
                    index = stop
            index += 1
        return found

    def _fades(self, images: np.ndarray, times: np.ndarray, flashes: list[Effect]) -> list[Effect]:
        """The ramps of the fades through black and white."""
        levels = shots.brightness(images)
        found = []
        for fade in shots.fades(images, times, self.settings):
            if any(flash.start < fade.resume and fade.plain < flash.stop for flash in flashes):
                continue
            ramps = (("fade_out", fade.start, fade.plain), ("fade_in", fade.resume, fade.stop))
            for label, start, stop in ramps:
                if stop > start:
                    depth = float(np.ptp(levels[max(0, start - 1) : stop + 1])) / 255
                    confidence = depth / (depth + self.settings.black / 255)
                    found.append(Effect(label, start, stop, depth, confidence))
        return found

    def _freezes(
        self, greys: np.ndarray, times: np.ndarray, cuts: list[int], lights: list[Effect]
    ) -> list[Effect]:
        """Frames that repeat after the picture of the same shot had moved.

        A camera at rest is not a freeze: its noise changes from frame to frame, and a rendered picture
        without noise did not move before. A change of light (`lights`: flashes and fades) is not motion.
        Confidence is highest if the motion continues afterwards.
        """
        settings, rate = self.settings, shots.frame_rate(times)
        stir = effect_measures.stir(greys)
        repeats = stir <= settings.freeze_stir
        # A single keyframe of the codec does not end it.
        repeats[1:-1] |= repeats[:-2] & repeats[2:]
        repeats[[0, *cuts]] = False
        for light in lights:
            stir[light.start : light.stop + 1] = 0
            repeats[light.start : light.stop + 1] = False
        before, least = max(2, round(0.2 * rate)), max(2, round(settings.min_freeze_s * rate))
        bounds = [0, *cuts, len(greys)]
        found = []
        for start, stop in _runs(repeats):
            first = max(bound for bound in bounds if bound <= start)
            last = min(bound for bound in bounds if bound >= stop)
            moving = stir[max(first + 1, start - before) : start]
            if stop - start < least or len(moving) < 2 or np.median(moving) < settings.motion_stir:
                continue
            strength = 1 - float(np.median(stir[start:stop]) / np.median(moving))
            goes_on = stop < last and np.median(stir[stop : min(last, stop + before)]) >= settings.motion_stir
            confidence = strength * (0.95 if goes_on else 0.6)
            # The freeze begins with the frame that then repeats.
            found.append(Effect("freeze", start - 1, stop, strength, confidence))
        return found

    def _stretches(
        self, label: str, values: np.ndarray, threshold: float, picture: np.ndarray, edges: np.ndarray
    ) -> list[Effect]:
        """Where `values` (0..1) reach `threshold` for long enough; gaps of two frames are filled.

        Confidence is a half on the threshold and one at the maximum.
        """
        there = (values >= threshold) & picture
        for start, stop in _runs(~there):
            if start > 0 and stop < len(there) and stop - start <= 2:
                there[start:stop] = True
        found = []
        for start, stop in _runs(there):
            if edges[stop] - edges[start] >= self.settings.min_duration_s:
                strength = float(np.median(values[start:stop]))
                confidence = 0.5 + 0.5 * min(1.0, max(0.0, strength - threshold) / max(1 - threshold, 1e-9))
                found.append(Effect(label, start, stop, strength, confidence))
        return found


def _lost_detail(sharp: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The share of detail that each frame lacks compared with the sharpest of the shot's `seen` frames."""
    reference = float(np.percentile(sharp[seen], 90)) if seen.any() else 0.0
    return np.clip(1 - sharp / reference, 0, 1) if reference > 0 else np.zeros(len(sharp))


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """Stretches `[start, stop)` of true values."""
    steps = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(int)))
    return list(zip(steps[::2].tolist(), steps[1::2].tolist(), strict=True))
