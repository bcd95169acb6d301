"""Where somebody speaks, and at which pitch: shared by the analyzers of speech, computed once per worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analyzers.base import ClipView, Settings, setting
from analyzers.sound import SAMPLE_RATE, centred

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analyzers.nets import Net

_FRAME, _CONTEXT, _STATE = 512, 64, 128  # samples, samples, width of the recurrent state (silero_vad 6)
_FRAMES_PER_CALL = 512


class Region(NamedTuple):
    """A stretch of speech in seconds, and the mean probability that it is speech."""

    start_s: float
    end_s: float
    probability: float


class Pitch(NamedTuple):
    """The fundamental frequency in Hz every `step_s` seconds from `start_s`; NaN where there is none."""

    start_s: float
    step_s: float
    hz: np.ndarray

    def between(self, start_s: float, end_s: float) -> Pitch:
        """The part of the track in `[start_s, end_s)`."""
        first, last = (int(np.ceil(round((t - self.start_s) / self.step_s, 6))) for t in (start_s, end_s))
        return Pitch(self.start_s + max(0, first) * self.step_s, self.step_s, self.hz[max(0, first) : last])


@dataclass
class SpeechSettings(Settings):
    """What every analyzer that looks for speech can be told; the defaults are silero-vad's own."""

    vad_model: str = setting("silero-vad", "model card of the network that finds speech")
    speech_threshold: float = setting(0.5, "probability from which a frame is speech", low=0.05, high=0.95)
    min_speech_s: float = setting(0.25, "shorter speech is dropped", low=0.0, high=10)
    min_silence_s: float = setting(0.1, "shorter silence does not end a region", low=0.0, high=10)
    speech_pad_s: float = setting(0.03, "added to both ends of a region", low=0.0, high=1)


def regions(clip: ClipView, net: Net, settings: SpeechSettings) -> list[Region]:
    """The stretches of speech in the clip, in order of time; raises NothingToAnalyze without sound."""
    audio = clip.audio()
    probabilities = clip.memo(("speech", settings.vad_model), lambda: speech_probabilities(audio, net))
    return find_regions(probabilities, len(audio), settings)


def speech_probabilities(audio: np.ndarray, net: Net) -> np.ndarray:
    """The probability of speech in every 32 ms of 16 kHz sound, [T], by Silero VAD.

    Each frame goes in behind the last 64 samples of the one before. `net` is the variant that takes many
    frames per call (silero_vad/sequence_vad.py): frames [T, 576], hidden and cell state [1, 1, 128].
    """
    count = -(-len(audio) // _FRAME)
    samples = np.zeros(_CONTEXT + count * _FRAME, np.float32)
    samples[_CONTEXT : _CONTEXT + len(audio)] = audio
    hidden = cell = np.zeros((1, 1, _STATE), np.float32)
    found = [np.zeros(0, np.float32)]
    for first in range(0, count, _FRAMES_PER_CALL):
        stretch = samples[first * _FRAME : min(count, first + _FRAMES_PER_CALL) * _FRAME + _CONTEXT]
        frames = np.lib.stride_tricks.sliding_window_view(stretch, _CONTEXT + _FRAME)[::_FRAME]
        probabilities, hidden, cell = net(np.ascontiguousarray(frames), hidden, cell)
        found.append(probabilities)
    return np.concatenate(found)


def find_regions(probabilities: np.ndarray, samples: int, settings: SpeechSettings) -> list[Region]:
    """Regions of speech from the probabilities of its frames, as silero-vad's `get_speech_timestamps` does.

    A region begins at the threshold and ends where the probability has stayed more than 0.15 under it for
    `min_silence_s`; then the short ones go, and the others are padded, at most up to half the gap between.
    """
    low = max(settings.speech_threshold - 0.15, 0.01)
    found: list[list[int]] = []
    start = quiet = None
    for index, probability in enumerate(probabilities):
        at = index * _FRAME
        if probability >= settings.speech_threshold:
            start, quiet = (at if start is None else start), None
        elif start is not None and probability < low:
            quiet = at if quiet is None else quiet
            if at - quiet >= settings.min_silence_s * SAMPLE_RATE:
                found.append([start, quiet])
                start = quiet = None
    if start is not None:
        found.append([start, samples])
    found = [stretch for stretch in found if stretch[1] - stretch[0] > settings.min_speech_s * SAMPLE_RATE]
    pad = settings.speech_pad_s * SAMPLE_RATE
    regions = []
    for index, (start, end) in enumerate(found):
        before = (start - found[index - 1][1]) / 2 if index else start
        after = (found[index + 1][0] - end) / 2 if index + 1 < len(found) else samples - end
        regions.append(
            Region(
                (start - min(pad, before)) / SAMPLE_RATE,
                (end + min(pad, after)) / SAMPLE_RATE,
                float(np.mean(probabilities[start // _FRAME : -(-end // _FRAME)])),
            )
        )
    return regions


def join(regions: Sequence[Region], gap_s: float) -> list[Region]:
    """The regions, those at most `gap_s` apart made one; its probability is their mean by length."""
    joined: list[Region] = []
    for region in regions:
        if joined and region.start_s - joined[-1].end_s <= gap_s:
            last = joined.pop()
            sizes = (last.end_s - last.start_s, region.end_s - region.start_s)
            mean = float(np.average((last.probability, region.probability), weights=sizes))
            region = Region(last.start_s, region.end_s, mean)
        joined.append(region)
    return joined


# CREPE (Kim et al. 2018): frames of 1024 samples; class i is a pitch of 20 i + 1997.38 cents above 10 Hz.
_PITCH_FRAME = 1024
_CENTS = 20 * np.arange(360) + 1997.3794084376191
_NEAR = 4  # classes on each side of the strongest that the average takes in, as CREPE's own decoder does


@dataclass
class PitchSettings(SpeechSettings):
    """What an analyzer that tracks pitch can be told."""

    model: str = setting("crepe-tiny", "model card of the network that finds pitch")
    pitch_step_s: float = setting(0.02, "seconds between two pitches", low=0.005, high=0.1)
    pitch_low_hz: float = setting(60.0, "lowest pitch of a voice", low=32, high=2000)
    pitch_high_hz: float = setting(500.0, "highest pitch of a voice", low=32, high=2000)
    voicing_threshold: float = setting(0.4, "strength from which there is a pitch", low=0.0, high=1)
    batch: int = setting(64, "pitch frames per call of the network", low=1, high=4096)


def pitch(clip: ClipView, net: Net, regions: Sequence[Region], settings: PitchSettings) -> Pitch:
    """The pitch within `regions`, every `settings.pitch_step_s` from the start of the clip, elsewhere NaN."""
    spans = tuple((region.start_s, region.end_s) for region in regions)
    key = ("pitch", settings.model, settings.pitch_step_s, settings.pitch_low_hz, settings.pitch_high_hz,
           settings.voicing_threshold, spans)  # fmt: skip
    return clip.memo(key, lambda: track_pitch(clip.audio(), net, spans, settings))


def track_pitch(audio: np.ndarray, net: Net, spans, settings: PitchSettings) -> Pitch:
    """The pitch of 16 kHz sound at the steps that lie in `spans` (start and end in seconds), by CREPE.

    `net` takes frames [T, 1024] and gives the strength of 360 pitches, of which the strongest in the
    allowed range is refined to the mean of its neighbours, weighted by their strength.
    """
    hop = max(1, round(settings.pitch_step_s * SAMPLE_RATE))
    step_s = hop / SAMPLE_RATE
    frames = centred(audio, _PITCH_FRAME, hop) if len(audio) else np.zeros((0, _PITCH_FRAME), np.float32)
    times = np.arange(len(frames)) * step_s
    hz = np.full(len(frames), np.nan)
    wanted = np.flatnonzero([any(start <= time < end for start, end in spans) for time in times])
    if len(wanted) == 0:
        return Pitch(0.0, step_s, hz)
    (strength,) = net(np.ascontiguousarray(frames[wanted]), batch=settings.batch)
    low, high = 1200 * np.log2(np.array([settings.pitch_low_hz, settings.pitch_high_hz]) / 10)
    strength = np.where((low <= _CENTS) & (high >= _CENTS), strength, 0.0)
    best = strength.argmax(1)
    near = np.clip(best[:, None] + np.arange(-_NEAR, _NEAR + 1), 0, len(_CENTS) - 1)
    weights = np.take_along_axis(strength, near, 1) + 1e-12
    cents = (weights * _CENTS[near]).sum(1) / weights.sum(1)
    voiced = strength.max(1) >= settings.voicing_threshold
    hz[wanted] = np.where(voiced, 10 * 2 ** (cents / 1200), np.nan)
    return Pitch(0.0, step_s, hz)
