"""Where somebody speaks, by Silero VAD, in a clip that comes in chunks: computed once per worker."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from clipbench.analyzers.base import Chunk, ClipFacts, NothingToAnalyze, Settings, setting
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


class VadState(NamedTuple):
    """What the network carries on: its recurrent state, and the samples that its next frame begins with."""

    samples: np.ndarray
    hidden: np.ndarray
    cell: np.ndarray


def fresh_vad() -> VadState:
    """The state at the beginning of a clip."""
    silence = np.zeros((1, 1, _STATE), np.float32)
    return VadState(np.zeros(_CONTEXT, np.float32), silence, silence)


def speech_probabilities(
    audio: np.ndarray, network: Network, state: VadState, last: bool
) -> tuple[np.ndarray, VadState]:
    """The probability of speech in every further 32 ms of 16 kHz sound, [T], by Silero VAD.

    Each frame follows the last 64 samples of the previous one. What is left of the sound begins the next
    frame; where this is the `last` of it, it is filled up with silence. `network` is the variant that takes
    many frames per call (silero_vad/sequence_vad.py): frames [T, 576], hidden and cell state [1, 1, 128].
    """
    samples = np.concatenate([state.samples, audio])
    heard = len(samples) - _CONTEXT
    count = -(-heard // _FRAME) if last else heard // _FRAME
    if (lacking := count * _FRAME - heard) > 0:
        samples = np.concatenate([samples, np.zeros(lacking, np.float32)])
    hidden, cell = state.hidden, state.cell
    found = [np.zeros(0, np.float32)]
    for first in range(0, count, _FRAMES_PER_CALL):
        stretch = samples[first * _FRAME : min(count, first + _FRAMES_PER_CALL) * _FRAME + _CONTEXT]
        frames = np.lib.stride_tricks.sliding_window_view(stretch, _CONTEXT + _FRAME)[::_FRAME]
        probabilities, hidden, cell = network(np.ascontiguousarray(frames), hidden, cell)
        found.append(probabilities)
    return np.concatenate(found), VadState(samples[count * _FRAME :].copy(), hidden, cell)


@dataclass
class RegionTracker:
    """Regions of speech from the probabilities of frames, as silero-vad's `get_speech_timestamps` finds them.

    A region begins at the threshold and ends when the probability has stayed more than 0.15 below it for
    `min_silence_s`. Then short regions are dropped and the others padded, by at most half the gap between.
    So a region is known a little after it has ended. Positions are in samples.
    """

    frame: int = 0
    start: int | None = None
    quiet: int | None = None
    open: list[float] = field(default_factory=list)
    waiting: Region | None = None  # start (padded) and end in samples, until the padding of its end is known
    ended: int | None = None

    def feed(self, probabilities: np.ndarray, settings: SpeechSettings) -> list[Region]:
        """The regions that become known with these further frames, in seconds."""
        low = max(settings.speech_threshold - 0.15, 0.01)
        found: list[Region] = []
        for probability in probabilities:
            at = self.frame * _FRAME
            self.frame += 1
            if probability >= settings.speech_threshold:
                self.start, self.quiet = (at if self.start is None else self.start), None
            if self.start is None:
                continue
            self.open.append(float(probability))
            if probability < low:
                self.quiet = at if self.quiet is None else self.quiet
                if at - self.quiet >= settings.min_silence_s * SAMPLE_RATE:
                    self._end(self.quiet, settings, found)
        pad = settings.speech_pad_s * SAMPLE_RATE
        free = self.start if self.start is not None else self.frame * _FRAME
        room = (free - self.waiting.end_s) / 2 if self.waiting is not None else 0.0
        if self.waiting is not None and (room >= pad or self._certain_end(settings) is not None):
            self._tell(min(pad, room), found)
        return found

    def finish(self, samples: int, settings: SpeechSettings) -> list[Region]:
        """The regions that are left at the end of the sound, which has so many samples."""
        found: list[Region] = []
        if self.start is not None:
            self._end(samples, settings, found)
        if self.waiting is not None:
            self._tell(min(settings.speech_pad_s * SAMPLE_RATE, samples - self.waiting.end_s), found)
        return found

    def _end(self, end: int, settings: SpeechSettings, found: list[Region]) -> None:
        start = self.start
        assert start is not None
        frames = np.array(self.open[: -(-(end - start) // _FRAME)], np.float32)
        self.start, self.quiet, self.open = None, None, []
        if end - start <= settings.min_speech_s * SAMPLE_RATE:
            return
        pad = settings.speech_pad_s * SAMPLE_RATE
        if self.waiting is not None:
            self._tell(min(pad, (start - self.waiting.end_s) / 2), found)
        before = (start - self.ended) / 2 if self.ended is not None else start
        self.waiting, self.ended = Region(start - min(pad, before), end, float(np.mean(frames))), end

    def _tell(self, pad: float, found: list[Region]) -> None:
        assert self.waiting is not None
        start, end, probability = self.waiting
        found.append(Region(start / SAMPLE_RATE, (end + pad) / SAMPLE_RATE, probability))
        self.waiting = None

    def earliest_s(self, settings: SpeechSettings) -> float:
        """The earliest moment at which a region can begin that is not known yet."""
        if self.waiting is not None:
            return self.waiting.start_s / SAMPLE_RATE
        return max(0.0, self._opening(settings)) / SAMPLE_RATE

    def speaking_s(self, settings: SpeechSettings) -> tuple[float, float] | None:
        """Where the region that is under way begins, and how far it reaches at least; None without one."""
        until = self._certain_end(settings)
        return None if until is None else (self._opening(settings) / SAMPLE_RATE, until / SAMPLE_RATE)

    def _certain_end(self, settings: SpeechSettings) -> int | None:
        """How far the region that is under way reaches at least; None if it may still be dropped."""
        if self.start is None:
            return None
        # The last frame counts as empty, because the sound may end within it.
        until = self.quiet if self.quiet is not None else (self.frame - 1) * _FRAME
        return until if until - self.start > settings.min_speech_s * SAMPLE_RATE else None

    def _opening(self, settings: SpeechSettings) -> float:
        """The earliest padded start of the region that is under way, or of the next one."""
        start = self.start if self.start is not None else self.frame * _FRAME
        before = (start - self.ended) / 2 if self.ended is not None else start
        return start - min(settings.speech_pad_s * SAMPLE_RATE, before)


@dataclass
class Listening:
    """What is carried from chunk to chunk of a clip in which speech is looked for.

    `sound` is what may still be needed of what was heard; it begins with sample `first` of the clip.
    """

    vad: VadState = field(default_factory=fresh_vad)
    tracker: RegionTracker = field(default_factory=RegionTracker)
    first: int = 0
    sound: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    over: bool = False

    @property
    def heard_s(self) -> float:
        """How much was heard, in seconds."""
        return (self.first + len(self.sound)) / SAMPLE_RATE

    def samples(self, first: int, last: int) -> np.ndarray:
        """The samples `[first, last)` of the clip, as far as they were heard."""
        return self.sound[max(0, first - self.first) : max(0, last - self.first)]

    def forget_before(self, time_s: float) -> None:
        """Let go of the sound before this moment."""
        drop = min(len(self.sound), max(0, int(time_s * SAMPLE_RATE) - self.first))
        self.sound, self.first = self.sound[drop:].copy(), self.first + drop

    def earliest_s(self, settings: SpeechSettings) -> float:
        """The earliest moment at which a region can begin that is not known yet."""
        return float("inf") if self.over else self.tracker.earliest_s(settings)

    def speaking_s(self, settings: SpeechSettings) -> tuple[float, float] | None:
        """The region that is under way, as far as it is known."""
        return None if self.over else self.tracker.speaking_s(settings)


def begin_listening(clip: ClipFacts) -> Listening:
    """The state before the first chunk; raises NothingToAnalyze for a clip without sound."""
    if not clip.has_audio:
        raise NothingToAnalyze("the clip has no audio track")
    return Listening()


def listen(chunk: Chunk, network: Network, settings: SpeechSettings, state: Listening) -> list[Region]:
    """The regions of speech that become known with this chunk, in order; `state` is brought up to it."""
    audio, last = chunk.audio(), is_last(chunk)
    key = ("speech", settings.vad_model)
    probabilities, state.vad = chunk.memo(key, lambda: speech_probabilities(audio, network, state.vad, last))
    state.sound = np.concatenate([state.sound, audio])
    found = state.tracker.feed(probabilities, settings)
    if last:
        found += state.tracker.finish(state.first + len(state.sound), settings)
        state.over = True
    return found


def is_last(chunk: Chunk) -> bool:
    """Whether the clip ends with this chunk."""
    return chunk.end_s >= chunk.duration_s - 1e-9


@dataclass
class Joiner:
    """Joins regions at most `gap_s` apart, and divides what is longer than `longest_s`.

    So no more than that is carried, however long somebody speaks, and `least_s`, which is the least that is
    left of a stretch. `after_s` of sound is needed after the end of one.
    """

    gap_s: float
    longest_s: float
    after_s: float = 0.0
    least_s: float = 0.0
    spans: list[tuple[float, float]] = field(default_factory=list)
    begun_s: float = 0.0

    def add(
        self, regions: Sequence[Region], state: Listening, settings: SpeechSettings
    ) -> list[tuple[float, float]]:
        """The stretches (start and end in seconds) that are known now, in order."""
        for region in regions:
            self.spans = self._joined(self.spans, max(region.start_s, self.begun_s), region.end_s)
        growing = state.speaking_s(settings)
        known = list(self.spans)
        if growing is not None:
            known = self._joined(known, max(growing[0], self.begun_s), growing[1])
        done: list[tuple[float, float]] = []
        while known:
            start, end = known[0]
            if end - start > self.longest_s + self.least_s:
                end = start + self.longest_s
            elif len(known) == 1 and not self._final(end, state, settings):
                break
            if not state.over and state.heard_s < end + self.after_s:
                break
            done.append((start, end))
            self.begun_s = end
            known = [(max(a, end), b) for a, b in known if b > end]
            self.spans = [(max(a, end), b) for a, b in self.spans if b > end]
        return done

    def _final(self, end_s: float, state: Listening, settings: SpeechSettings) -> bool:
        """Whether nothing can be joined to the stretch that ends there."""
        return state.speaking_s(settings) is None and state.earliest_s(settings) - end_s > self.gap_s

    def _joined(
        self, spans: list[tuple[float, float]], start_s: float, end_s: float
    ) -> list[tuple[float, float]]:
        if spans and start_s - spans[-1][1] <= self.gap_s:
            return [*spans[:-1], (spans[-1][0], max(end_s, spans[-1][1]))]
        return [*spans, (start_s, end_s)]

    def needed_s(self, state: Listening, settings: SpeechSettings) -> float:
        """From when on the sound is still needed."""
        starts = [start for start, _ in self.spans]
        return min([*starts, max(state.earliest_s(settings), self.begun_s), state.heard_s])


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
