"""Where somebody speaks, and at which pitch: shared by the analyzers of speech, computed once per worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from clipbench.analyzers.base import ClipView, Settings, setting
from clipbench.analyzers.features.sound.spectra import SAMPLE_RATE, centred

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clipbench.analyzers.features.networks import Net

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
_NEAR = 4  # classes on each side of the chosen one that the average takes in, as CREPE's own decoder does
# A glide of so many classes per second is the least likely one: on read speech it left the fewest octave
# errors (1 % of the voiced frames, against 10 % without a path and 2 % with CREPE's own 1200).
_GLIDE = 1800


@dataclass
class PitchSettings(SpeechSettings):
    """What an analyzer that tracks pitch can be told."""

    model: str = setting("crepe-tiny", "model card of the network that finds pitch")
    pitch_step_s: float = setting(0.02, "seconds between two pitches", low=0.005, high=0.1)
    pitch_low_hz: float = setting(60.0, "lowest pitch of a voice", low=32, high=1900)
    pitch_high_hz: float = setting(500.0, "highest pitch of a voice", low=40, high=1900)
    voicing_threshold: float = setting(0.2, "strength from which there is a pitch", low=0.0, high=1)
    batch: int = setting(64, "pitch frames per call of the network", low=1, high=4096)


def pitch(clip: ClipView, net: Net, regions: Sequence[Region], settings: PitchSettings) -> Pitch:
    """The pitch within `regions`, every `settings.pitch_step_s` from the start of the clip, elsewhere NaN."""
    spans = tuple((region.start_s, region.end_s) for region in regions)
    chosen = (settings.model, settings.pitch_step_s, settings.pitch_low_hz, settings.pitch_high_hz)
    key = ("pitch", *chosen, settings.voicing_threshold, spans)
    return clip.memo(key, lambda: track_pitch(clip.audio(), net, spans, settings))


def track_pitch(
    audio: np.ndarray, net: Net, spans: Sequence[tuple[float, float]], settings: PitchSettings
) -> Pitch:
    """The pitch of 16 kHz sound at the steps that lie in `spans` (start and end in seconds), by CREPE.

    `net` takes frames [T, 1024] and gives the strength of 360 pitches [T, 360]. Within a span the pitch
    follows the path that is strong and glides little; it is the mean of the classes around that path,
    weighted by their strength. What lies outside the range of the span's speaker counts as unvoiced.
    """
    hop = max(1, round(settings.pitch_step_s * SAMPLE_RATE))
    step_s = hop / SAMPLE_RATE
    frames = centred(audio, _PITCH_FRAME, hop) if len(audio) else np.zeros((0, _PITCH_FRAME), np.float32)
    times = np.arange(len(frames)) * step_s
    hz = np.full(len(frames), np.nan)
    low, high = 1200 * np.log2(np.array([settings.pitch_low_hz, settings.pitch_high_hz]) / 10)
    allowed = np.flatnonzero((low <= _CENTS) & (high >= _CENTS))
    for start_s, end_s in spans:
        wanted = np.flatnonzero((times >= start_s) & (times < end_s))
        if len(wanted) == 0 or len(allowed) == 0:
            continue
        (strength,) = net(np.ascontiguousarray(frames[wanted]), batch=settings.batch)
        chosen = allowed[smooth_path(strength[:, allowed], max(1.0, _GLIDE * step_s))]
        near = np.clip(chosen[:, None] + np.arange(-_NEAR, _NEAR + 1), allowed[0], allowed[-1])
        weights = np.take_along_axis(strength, near, 1) + 1e-12
        cents = (weights * _CENTS[near]).sum(1) / weights.sum(1)
        voiced = strength[np.arange(len(chosen)), chosen] >= settings.voicing_threshold
        hz[wanted] = _in_range(np.where(voiced, 10 * 2 ** (cents / 1200), np.nan))
    return Pitch(0.0, step_s, hz)


def _in_range(hz: np.ndarray) -> np.ndarray:
    """The pitches without those that are too far from a speaker's quartiles (De Looze and Hirst 2008)."""
    if np.isnan(hz).all():
        return hz
    first, third = np.nanpercentile(hz, (25, 75))
    return np.where((hz >= 0.75 * first) & (hz <= 2.5 * third), hz, np.nan)


def smooth_path(strength: np.ndarray, glide: float) -> np.ndarray:
    """The likeliest class of every frame [T], by the Viterbi algorithm, from their strengths [T, classes].

    The probability of a step falls linearly with its size and is next to nothing from `glide` classes on.
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
