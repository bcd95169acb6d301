"""The pitch of speech, by CREPE (Kim et al. 2018): computed once per worker and shared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from clipbench.analyzers.base import setting
from clipbench.analyzers.features.sound.spectra import SAMPLE_RATE
from clipbench.analyzers.features.speech.voice_activity import SpeechSettings

if TYPE_CHECKING:
    from clipbench.analyzers.features.onnx_networks import Network

# CREPE's frames have 1024 samples; its class i is a pitch of 20 i + 1997.38 cents above 10 Hz.
_PITCH_FRAME = 1024
_CENTS = 20 * np.arange(360) + 1997.3794084376191
_NEAR = 4  # classes on each side of the chosen one that are averaged, as in CREPE's own decoder
# Glides of this many classes per second and more are the least likely: on read speech this value left the
# fewest octave errors (1 % of the voiced frames, against 10 % without a path and 2 % with CREPE's own 1200).
_GLIDE = 1800


class Pitch(NamedTuple):
    """The fundamental frequency in Hz every `step_s` seconds from `start_s`; NaN where it has none."""

    start_s: float
    step_s: float
    hz: np.ndarray

    def between(self, start_s: float, end_s: float) -> Pitch:
        """The part of the track in `[start_s, end_s)`."""
        first, last = (int(np.ceil(round((t - self.start_s) / self.step_s, 6))) for t in (start_s, end_s))
        return Pitch(self.start_s + max(0, first) * self.step_s, self.step_s, self.hz[max(0, first) : last])


@dataclass
class PitchSettings(SpeechSettings):
    """Settings of an analyzer that tracks pitch."""

    model: str = setting("crepe-tiny", "model card of the network that finds pitch")
    pitch_step_s: float = setting(0.02, "seconds between two pitches", low=0.005, high=0.1)
    pitch_low_hz: float = setting(60.0, "lowest pitch of a voice", low=32, high=1900)
    pitch_high_hz: float = setting(500.0, "highest pitch of a voice", low=40, high=1900)
    voicing_threshold: float = setting(0.2, "strength from which there is a pitch", low=0.0, high=1)
    batch: int = setting(64, "pitch frames per call of the network", low=1, high=4096)


#: Seconds of sound that are needed on either side of a span whose pitch is tracked.
AROUND_S = _PITCH_FRAME / 2 / SAMPLE_RATE


def track_pitch(
    audio: np.ndarray, network: Network, span: tuple[float, float], settings: PitchSettings, first: int = 0
) -> Pitch:
    """The pitch in a span of a clip (start and end in seconds), at the clip's steps, by CREPE.

    `audio` is 16 kHz sound that begins with sample `first` of the clip and reaches `AROUND_S` beyond the span
    on either side, unless the clip ends there. `network` maps frames [T, 1024] to the strength of 360 pitches
    [T, 360]. The pitch follows the path that is strong and glides little; it is the mean of the classes
    around that path, weighted by their strength. Pitches outside the range of the span's speaker count as
    unvoiced.
    """
    hop = max(1, round(settings.pitch_step_s * SAMPLE_RATE))
    step_s = hop / SAMPLE_RATE
    steps = np.arange(int(span[0] / step_s), int(span[1] / step_s) + 2)
    steps = steps[(steps * step_s >= span[0]) & (steps * step_s < span[1])]
    steps = steps[steps * hop <= first + len(audio)]
    low, high = 1200 * np.log2(np.array([settings.pitch_low_hz, settings.pitch_high_hz]) / 10)
    allowed = np.flatnonzero((low <= _CENTS) & (high >= _CENTS))
    if len(steps) == 0 or len(allowed) == 0:
        return Pitch(span[0], step_s, np.full(len(steps), np.nan))
    padded = np.pad(audio, _PITCH_FRAME)
    starts = steps * hop - first + _PITCH_FRAME // 2
    frames = np.lib.stride_tricks.sliding_window_view(padded, _PITCH_FRAME)[starts]
    (strength,) = network(np.ascontiguousarray(frames), batch=settings.batch)
    chosen = allowed[smooth_path(strength[:, allowed], max(1.0, _GLIDE * step_s))]
    near = np.clip(chosen[:, None] + np.arange(-_NEAR, _NEAR + 1), allowed[0], allowed[-1])
    weights = np.take_along_axis(strength, near, 1) + 1e-12
    cents = (weights * _CENTS[near]).sum(1) / weights.sum(1)
    voiced = strength[np.arange(len(chosen)), chosen] >= settings.voicing_threshold
    hz = _in_range(np.where(voiced, 10 * 2 ** (cents / 1200), np.nan))
    return Pitch(float(steps[0] * step_s), step_s, hz)


def _in_range(hz: np.ndarray) -> np.ndarray:
    """The pitches, NaN where they are too far from the speaker's quartiles (De Looze and Hirst 2008)."""
    if np.isnan(hz).all():
        return hz
    first, third = np.nanpercentile(hz, (25, 75))
    return np.where((hz >= 0.75 * first) & (hz <= 2.5 * third), hz, np.nan)


def smooth_path(strength: np.ndarray, glide: float) -> np.ndarray:
    """The likeliest class of every frame [T], by the Viterbi algorithm, from their strengths [T, classes].

    The probability of a step falls linearly with its size and is almost zero from `glide` classes on.
    """
    index = np.arange(strength.shape[1])
    move = np.maximum(glide - np.abs(index[:, None] - index), 0)
    move = np.log(move / move.sum(1, keepdims=True) + 1e-12)
    seen = np.log(strength / (strength.sum(1, keepdims=True) + 1e-12) + 1e-12)
    score, back = seen[0], []
    for frame in seen[1:]:
        total = score[:, None] + move
        back.append(total.argmax(0))
        score = total[back[-1], index] + frame
    path = [int(score.argmax())]
    for step in reversed(back):
        path.append(int(step[path[-1]]))
    return np.array(path[::-1])
