"""Effects of editing: flash, fades, freeze, blur, monochrome, split screen and letterbox.

The measures are in effect_measures.py, and effect_curves.py takes them; here they become stretches of time.
`strength` depends on the effect: the change of brightness as a share of the range (flash, fades), or the
share of the motion that stopped (freeze), of the detail that is lost (blur), how close all colours are to one
tint (monochrome), the share of the dividing line that is visible (split_screen), of the picture under bars
(letterbox). More frames are read than the ten per second that most effects need, because at ten a flash of
two frames would fall between them.

What it cannot do: what tints.py, seams.py and blur.py say, and very pale colours under heavy compression are
monochrome. Colours that go slowly within a shot are not seen to go. Where the only thing that moves in a
picture without noise stops, a freeze is not seen.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clipbench.analyzers.base import Chunk, ChunkedAnalyzer, ClipFacts, Segment, setting
from clipbench.analyzers.features.vision import blur, effect_curves, seams, shots, tints
from clipbench.analyzers.features.vision.fades import runs

#: Least change of most of the picture before it freezes, in levels: that of slight noise.
_COMMON = 0.2
#: Within so many seconds an effect takes the colours of a shot away.
_SWITCH_S = 0.1
#: Within so many seconds an effect blurs a shot; before a freeze, motion may slow down that much earlier.
_BLUR_S, _SLOWING_S = 0.1, 0.4


@dataclass
class VisualEffectsSettings(shots.ShotSettings):
    """Settings of visual_effects."""

    flash_gain: float = setting(25.0, "least gain of brightness (0..255) in a flash", low=1, high=255)
    freeze_stir: float = setting(1.0, "most change (0..255) between frozen frames", low=0, high=255)
    motion_stir: float = setting(2.0, "least change (0..255) between frames that move", low=0, high=255)
    min_freeze_s: float = setting(0.3, "shortest freeze in seconds", low=0, high=60)
    blur_share: float = setting(0.45, "most of its shot's detail that a blurred frame has", low=0, high=1)
    mono_chroma: float = setting(
        4.0, "most chroma (0..127) off the tint in a monochrome frame", low=0.1, high=127
    )
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


class VisualEffects(ChunkedAnalyzer[effect_curves.CurvesState, effect_curves.CurvesFound]):
    """Effects by brightness, chroma, sharpness, lines and standstill of the frames."""

    name = "visual_effects"
    settings: VisualEffectsSettings
    settings_type = VisualEffectsSettings

    def load(self, device: str = "cpu") -> None:
        import scenedetect.detectors  # noqa: F401  (slow to import: here, not in the first clip)

    def begin(self, clip: ClipFacts) -> effect_curves.CurvesState:
        return effect_curves.begin(self.settings)

    def feed(
        self, chunk: Chunk, state: effect_curves.CurvesState
    ) -> tuple[effect_curves.CurvesFound, effect_curves.CurvesState]:
        return effect_curves.follow(chunk, state, self.settings, self.settings.flash_gain)

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[effect_curves.CurvesFound],
        state: effect_curves.CurvesState,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        rate = shots.frame_rate(clip, self.settings)
        settings, along = self.settings, effect_curves.finish(clip, found, state, self.settings)
        seen, curves = along.shots, along.curves
        edges = np.append(seen.times_s, max(clip.duration_s, float(seen.times_s[-1])))
        effects = self._flashes(along, shots.flash_frames(clip, settings))
        effects += self._fades(seen, effects)
        # Frames of a flash or a fade say nothing about the picture.
        picture = curves.contrast >= settings.min_contrast
        for effect in effects:
            picture[effect.start : effect.stop] = False
        effects += self._freezes(curves.stir, curves.common_stir, rate, seen.cuts, effects)
        lost = np.zeros(len(picture))
        near, least = max(2, round(_BLUR_S * rate)), 1 - settings.blur_share
        for shot in (slice(*span) for span in seen.spans()):
            sharp = curves.sharpness[shot]
            detail = blur.lost_detail(sharp, picture[shot])
            lost[shot] = blur.without_motion(detail, least, sharp, curves.common_stir[shot], near)
        effects += self._monochromes(seen, curves, picture, edges, rate)
        two = self._two_pictures(
            seen, curves, along.seams, effect_curves.every(clip, settings, effect_curves.SIDES_PER_S)
        )
        for label, values, threshold, visible in (
            ("letterbox", curves.bars, settings.bar_share, picture),
            ("split_screen", two, settings.seam_share, picture & (curves.bars == 0)),
            ("blur", lost, least, picture),
        ):
            effects += self._stretches(label, values, threshold, visible, edges)
        return sorted(
            (effect.segment(edges) for effect in effects), key=lambda each: (each.start_s, each.label)
        )

    def _flashes(self, along: effect_curves.Along, reach: int) -> list[Effect]:
        """Nearly the whole picture brightens at once, and loses half of the gain within `reach` frames."""
        levels, least = along.shots.levels, self.settings.flash_gain
        found, index = [], 1
        while index < len(levels):
            base = levels[index - 1]
            if levels[index] - base >= least:
                ahead = levels[index : index + reach + 1]
                gain, peak = float(ahead.max() - base), int(np.argmax(ahead))
                # Counted from the peak, so that a ramp of two frames is not the end.
                over = ahead[peak:] <= base + gain / 2
                if over.any() and along.rises[index] > 0.75:
                    stop = index + peak + int(np.argmax(over))
                    found.append(Effect("flash", index, stop, gain / 255, gain / (gain + least)))
                    index = stop
            index += 1
        return found

    def _fades(self, seen: shots.Shots, flashes: list[Effect]) -> list[Effect]:
        """The ramps of the fades through black and white."""
        flash = np.zeros(len(seen.levels), bool)
        for effect in flashes:
            flash[effect.start : effect.stop] = True
        found = []
        for fade in seen.fades:
            if flash[fade.plain : fade.resume].any():
                continue
            ramps = (("fade_out", fade.start, fade.plain), ("fade_in", fade.resume, fade.stop))
            for label, start, stop in ramps:
                if stop > start:
                    depth = float(np.ptp(seen.levels[max(0, start - 1) : stop + 1])) / 255
                    confidence = depth / (depth + self.settings.black / 255)
                    found.append(Effect(label, start, stop, depth, confidence))
        return found

    def _freezes(
        self, stir: np.ndarray, common: np.ndarray, rate: float, cuts: list[int], lights: list[Effect]
    ) -> list[Effect]:
        """Frames that repeat after the picture of the same shot had moved.

        A camera at rest is not a freeze: its noise changes from frame to frame, and a rendered picture
        without noise did not move before. Somebody who stops before a background that never changed is none
        either (`common`: the change in the middle block). A change of light (`lights`: flashes and fades) is
        not motion.
        Confidence is highest if the motion continues afterwards.
        """
        settings, stir = self.settings, stir.copy()
        repeats = stir <= settings.freeze_stir
        # A single keyframe of the codec does not end it.
        repeats[1:-1] |= repeats[:-2] & repeats[2:]
        repeats[[0, *cuts]] = False
        for light in lights:
            stir[light.start : light.stop + 1] = 0
            repeats[light.start : light.stop + 1] = False
        before, least = max(2, round(0.2 * rate)), max(2, round(settings.min_freeze_s * rate))
        bounds = [0, *cuts, len(stir)]
        found = []
        for start, stop in runs(repeats):
            first, last = bounds[bisect_right(bounds, start) - 1], bounds[bisect_left(bounds, stop)]
            moving = stir[max(first + 1, start - before) : start]
            if stop - start < least or len(moving) < 2 or np.median(moving) < settings.motion_stir:
                continue
            # A camera that comes to rest slows down.
            earlier = stir[max(first + 1, start - round(_SLOWING_S * rate)) : start]
            if moving[-2:].max() < 0.5 * float(np.median(earlier)):
                continue
            around = float(np.median(common[start - len(moving) : start]))
            if around < _COMMON or around < 2 * float(np.median(common[start:stop])):
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
        for start, stop in runs(~there):
            if start > 0 and stop < len(there) and stop - start <= 2:
                there[start:stop] = True
        return [
            self._stretch(label, start, stop, float(np.median(values[start:stop])), threshold)
            for start, stop in runs(there)
            if edges[stop] - edges[start] >= self.settings.min_duration_s
        ]

    def _stretch(self, label: str, start: int, stop: int, strength: float, threshold: float) -> Effect:
        confidence = 0.5 + 0.5 * min(1.0, max(0.0, strength - threshold) / max(1 - threshold, 1e-9))
        return Effect(label, start, stop, strength, confidence)

    def _monochromes(
        self,
        seen: shots.Shots,
        curves: effect_curves.Curves,
        picture: np.ndarray,
        edges: np.ndarray,
        rate: float,
    ) -> list[Effect]:
        """Where a shot has one tint: each is decided alone, so that none is stretched into the next."""
        limit, found = self.settings.mono_chroma, []
        for first, end in seen.spans():
            frames = first + np.flatnonzero(picture[first:end])
            measured = first + np.flatnonzero(np.isfinite(curves.most[first:end]))
            if not len(frames) or not len(measured):
                continue
            nearest = measured[np.searchsorted((measured[1:] + measured[:-1]) / 2, frames)]
            most, broad = curves.most[nearest], curves.broad[nearest]
            for start, stop in tints.colourless(most, broad, limit, max(2, round(_SWITCH_S * rate))):
                strength = 1 / (1 + float(np.median(most[start:stop])) / limit)
                begin, after = int(frames[start]), int(frames[stop - 1]) + 1
                if edges[after] - edges[begin] >= self.settings.min_duration_s:
                    found.append(self._stretch("monochrome", begin, after, strength, 0.5))
        return found

    def _two_pictures(
        self, seen: shots.Shots, curves: effect_curves.Curves, shares: np.ndarray, step: int
    ) -> np.ndarray:
        """The seams' shares, and 0 where the sides of a seam are those of one picture."""
        found = np.zeros(len(shares))
        sides = np.stack([curves.uneven, curves.across, curves.alike, curves.at], axis=1)
        for first, end in seen.spans():
            for start, stop in runs(shares[first:end] >= self.settings.seam_share):
                here = slice(first + start, first + stop)
                if seams.are_two_pictures(sides[here][np.isfinite(sides[here, 0])], step):
                    found[here] = shares[here]
        return found
