"""Where somebody speaks, by Silero VAD: computed once per worker and shared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from clipbench.analyzers.base import ClipView, Settings, setting
from clipbench.analyzers.features.sound.spectra import SAMPLE_RATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clipbench.analyzers.features.onnx_networks import Network

_FRAME, _CONTEXT, _STATE = 512, 64, 128  # samples, samples, width of the recurrent state (silero_vad 6)
_FRAMES_PER_CALL = 512


class Region(NamedTuple):
    """A stretch of speech in seconds, and the mean probability that it is speech."""

    start_s: float
    end_s: float
    probability: float


@dataclass
class SpeechSettings(Settings):
    """Settings of an analyzer that looks for speech; the defaults are silero-vad's own."""

    vad_model: str = setting("silero-vad", "model card of the network that finds speech")
    speech_threshold: float = setting(0.5, "probability from which a frame is speech", low=0.05, high=0.95)
    min_speech_s: float = setting(0.25, "shorter speech is dropped", low=0.0, high=10)
    min_silence_s: float = setting(0.1, "shorter silence does not end a region", low=0.0, high=10)
    speech_pad_s: float = setting(0.03, "added to both ends of a region", low=0.0, high=1)


def find_speech(clip: ClipView, network: Network, settings: SpeechSettings) -> list[Region]:
    """The regions of speech in the clip, in order of time; raises NothingToAnalyze without sound."""
    audio = clip.audio()
    probabilities = clip.memo(("speech", settings.vad_model), lambda: speech_probabilities(audio, network))
    return regions_from_probabilities(probabilities, len(audio), settings)


def speech_probabilities(audio: np.ndarray, network: Network) -> np.ndarray:
    """The probability of speech in every 32 ms of 16 kHz sound, [T], by Silero VAD.

    Each frame follows the last 64 samples of the previous one. `network` is the variant that takes many
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
        probabilities, hidden, cell = network(np.ascontiguousarray(frames), hidden, cell)
        found.append(probabilities)
    return np.concatenate(found)


def regions_from_probabilities(
    probabilities: np.ndarray, samples: int, settings: SpeechSettings
) -> list[Region]:
    """Regions of speech from the probabilities of its frames, as silero-vad's `get_speech_timestamps` does.

    A region begins at the threshold and ends when the probability has stayed more than 0.15 below it for
    `min_silence_s`. Then short regions are dropped and the others padded, by at most half the gap between.
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


def join_regions(regions: Sequence[Region], gap_s: float) -> list[Region]:
    """The regions, joined if at most `gap_s` apart; the probability is their mean, weighted by length."""
    joined: list[Region] = []
    for region in regions:
        if joined and region.start_s - joined[-1].end_s <= gap_s:
            last = joined.pop()
            sizes = (last.end_s - last.start_s, region.end_s - region.start_s)
            mean = float(np.average((last.probability, region.probability), weights=sizes))
            region = Region(last.start_s, region.end_s, mean)
        joined.append(region)
    return joined
