"""How speech sounds: arousal and valence estimated from pitch, loudness, voice quality and rate.

The measures are parameters of the GeMAPS set (Eyben et al. 2016): median F0 and its range in semitones,
level, alpha ratio; and syllables per second, from intensity peaks (de Jong and Wempe 2009). Arousal raises
all of them (Scherer 2003). Valence hardly shows in the voice: listeners hear it, but acoustic parameters did
not predict it (Laukka, Juslin and Bresin 2005). Its weak signs are a livelier pitch (Kamiloglu, Fischer and
Sauter 2020) and spectral balance (Goudbeek and Scherer 2010), so its estimates stay small.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from clipbench.analyzers.base import (
    Chunk,
    ChunkedAnalyzer,
    ClipFacts,
    Needs,
    Segment,
    Settings,
    setting,
)
from clipbench.analyzers.features import onnx_networks
from clipbench.analyzers.features.sound.spectra import SAMPLE_RATE, centred, decibels, spectrogram
from clipbench.analyzers.features.speech.pitch import AROUND_S, Pitch, PitchSettings, track_pitch
from clipbench.analyzers.features.speech.voice_activity import Joiner, Listening, begin_listening, listen

_HOP = 160  # 10 ms between two frames of the intensity contour
_INTENSITY_FRAME = 512
_TRANSCRIPT = "speech_transcription"
_NEAR_S = 0.3  # the times of words are as wrong as this


class Voice(NamedTuple):
    """The measures of a stretch of speech; NaN if nothing in it is voiced."""

    f0_hz: float
    f0_range: float  # from the 20th to the 80th percentile, in semitones
    level_db: float  # RMS relative to full scale
    alpha_ratio_db: float  # energy in 1-5 kHz over that in 50-1000 Hz
    syllables_per_s: float


#: Seconds after which speech without a pause is divided: so much sound is carried from chunk to chunk.
LONGEST_S = 60.0


class Hearing(NamedTuple):
    """What is carried from chunk to chunk."""

    listening: Listening
    joiner: Joiner


class Spoken(NamedTuple):
    """A stretch of speech: its span in seconds, its measures, its pitch, and its arousal and valence."""

    span: tuple[float, float]
    voice: Voice
    pitch: Pitch
    feeling: tuple[float, float] | None


# The value that means no arousal, and the difference that means an arousal of one. The former are the means
# over windows of 2 s of five calm LibriVox recordings.
_F0_RANGE, _ALPHA_RATIO, _RATE = (4.6, 3.0), (-10.2, 5.0), (3.9, 1.5)


@dataclass
class SpeechEmotionSettings(PitchSettings):
    """Settings of speech_emotion."""

    window_s: float = setting(2.0, "seconds of speech judged at a time", low=0.5, high=30)
    join_gap_s: float = setting(0.3, "a shorter gap does not divide speech", low=0.0, high=5)
    neutral: float = setting(0.3, "distance from the middle up to which speech is neutral", low=0.0, high=1)


class SpeechEmotion(ChunkedAnalyzer[Hearing, list[Spoken]]):
    """Arousal and valence in windows of speech.

    Where a transcript was made and has no word, nobody speaks: the network that finds speech takes some music
    and sung vowels for it. What it cannot do: the measures say how a voice sounds, relative to the speaker's
    usual one, and not what somebody feels; two speakers in a clip are measured as one; without a transcript
    in the run, music may get an emotion.
    """

    name = "speech_emotion"
    upstream = (_TRANSCRIPT,)
    settings: SpeechEmotionSettings
    settings_type: ClassVar[type[Settings]] = SpeechEmotionSettings
    stand_in: ClassVar[str | None] = (
        "no package carries a small speech-emotion network: arousal and valence are estimated from pitch, "
        "loudness, spectral balance and syllable rate"
    )

    def models(self) -> tuple[str, ...]:
        return (self.settings.model, self.settings.vad_model)

    def needs(self) -> Needs:
        return Needs(audio=True)

    def load(self, device: str = "cpu") -> None:
        self._pitch = onnx_networks.open_network(self.settings.model)
        self._vad = onnx_networks.open_network(self.settings.vad_model)

    def begin(self, clip: ClipFacts) -> Hearing:
        joiner = Joiner(self.settings.join_gap_s, LONGEST_S, AROUND_S, self.settings.window_s / 2)
        return Hearing(begin_listening(clip), joiner)

    def feed(self, chunk: Chunk, state: Hearing) -> tuple[list[Spoken], Hearing]:
        listening, joiner = state
        regions = listen(chunk, self._vad, self.settings, listening)
        stretches = joiner.add(regions, listening, self.settings)
        found = self.measured(stretches, listening) if stretches else []
        listening.forget_before(joiner.needed_s(listening, self.settings) - 2 * AROUND_S)
        return found, state

    def measured(self, stretches: Sequence[tuple[float, float]], listening: Listening) -> list[Spoken]:
        """The parts of stretches of speech, of which there is at least one; what they feel is open."""
        found = []
        for start_s, end_s in stretches:
            track = track_pitch(
                listening.sound, self._pitch, (start_s, end_s), self.settings, listening.first
            )
            for span in split_region(start_s, end_s, self.settings.window_s):
                pitch = track.between(*span)
                voice = measure_voice(part_sound(listening, span), pitch)
                found.append(Spoken(span, voice, pitch, None))
        return found

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[list[Spoken]],
        state: Hearing,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        together = [spoken for each in found for spoken in each]
        if _TRANSCRIPT in upstream:
            words = [word for phrase in upstream[_TRANSCRIPT] for word in phrase.data["words"]]
            together = [spoken for spoken in together if has_word(spoken.span, words)]
        if not together:
            return []
        usual = [_median([spoken.voice[i] for spoken in together]) for i in (0, 2)]
        return [
            self._segment(s.span, s.voice, s.pitch, *(s.feeling or estimate_emotion(s.voice, *usual)))
            for s in together
        ]

    def unload(self) -> None:
        self._pitch.close()
        self._vad.close()

    def _segment(
        self, span: tuple[float, float], voice: Voice, track: Pitch, arousal: float, valence: float
    ) -> Segment:
        return Segment(
            round(span[0], 3),
            round(span[1], 3),
            emotion_name(arousal, valence, self.settings.neutral),
            None,
            {
                "arousal": round(arousal, 3),
                "valence": round(valence, 3),
                "f0_hz": _number(voice.f0_hz, 1),
                "energy_db": round(voice.level_db, 1),
                "syllables_per_s": round(voice.syllables_per_s, 2),
                "pitch": {
                    "start_s": round(track.start_s, 4),
                    "step_s": track.step_s,
                    "hz": [_number(hz, 1) for hz in track.hz],
                },
            },
        )


def has_word(span: tuple[float, float], words: Sequence[Mapping[str, Any]]) -> bool:
    """Whether any of these words of a transcript is said in a span of seconds, or next to it."""
    first, last = span[0] - _NEAR_S, span[1] + _NEAR_S
    return any(word["start_s"] < last and word["end_s"] > first for word in words)


def split_region(start_s: float, end_s: float, window_s: float) -> list[tuple[float, float]]:
    """A stretch in equal parts as close to `window_s` as possible (start and end in seconds)."""
    parts = max(1, round((end_s - start_s) / window_s))
    edges = np.linspace(start_s, end_s, parts + 1)
    return [(float(start), float(end)) for start, end in itertools.pairwise(edges)]


def part_sound(listening: Listening, span: tuple[float, float]) -> np.ndarray:
    """The sound of a part of the clip."""
    return listening.samples(*(round(at * SAMPLE_RATE) for at in span))


def measure_voice(sound: np.ndarray, track: Pitch) -> Voice:
    """The measures of the voice in a stretch of 16 kHz sound whose pitch is tracked."""
    hz = track.hz
    semitones = 12 * np.log2(hz[~np.isnan(hz)])
    power = spectrogram(sound, 512, 256) ** 2
    bins = np.fft.rfftfreq(512, 1 / SAMPLE_RATE)
    low = power[:, (bins >= 50) & (bins < 1000)].sum()
    high = power[:, (bins >= 1000) & (bins < 5000)].sum()
    peaks = nuclei(sound, track)
    return Voice(
        f0_hz=2 ** (float(np.median(semitones)) / 12) if len(semitones) else math.nan,
        f0_range=float(np.ptp(np.percentile(semitones, (20, 80)))) if len(semitones) else math.nan,
        level_db=float(decibels(np.mean(sound**2))),
        alpha_ratio_db=float(decibels((high + 1e-10) / (low + 1e-10))),
        syllables_per_s=len(peaks) * SAMPLE_RATE / len(sound),
    )


def nuclei(sound: np.ndarray, track: Pitch) -> np.ndarray:
    """The times of syllable nuclei, in seconds from the start of `sound`, after de Jong and Wempe (2009).

    A nucleus is a voiced peak of intensity that is 2 dB above the dips beside it and at most 25 dB below the
    loudest.
    """
    from scipy.signal import find_peaks

    frames = centred(sound, _INTENSITY_FRAME, _HOP) * np.hanning(_INTENSITY_FRAME)
    level = decibels((frames**2).mean(1))
    peaks, _ = find_peaks(level, height=level.max() - 25, prominence=2)
    times: np.ndarray = peaks * _HOP / SAMPLE_RATE
    steps = np.clip(np.rint(times / track.step_s).astype(int), 0, max(0, len(track.hz) - 1))
    return times[~np.isnan(track.hz[steps])] if len(track.hz) else times[:0]


def estimate_emotion(voice: Voice, usual_f0_hz: float, usual_level_db: float) -> tuple[float, float]:
    """Arousal and valence, -1..1, relative to calm reading and to the speaker's usual pitch and level."""
    raised = lively = 0.0
    if not math.isnan(voice.f0_hz):
        raised = _score(12 * math.log2(voice.f0_hz / usual_f0_hz), 0, 3)
        lively = _score(voice.f0_range, *_F0_RANGE)
    louder = _score(voice.level_db - usual_level_db, 0, 6)
    balance = _score(voice.alpha_ratio_db, *_ALPHA_RATIO)
    arousal = np.mean([raised, louder, lively, balance, _score(voice.syllables_per_s, *_RATE)])
    return float(np.tanh(arousal)), float(np.tanh((lively - balance) / 4))


def emotion_name(arousal: float, valence: float, neutral: float) -> str:
    """The quadrant of Russell's circumplex (1980), or `neutral` near its middle."""
    if math.hypot(arousal, valence) <= neutral:
        return "neutral"
    if arousal >= 0:
        return "excited" if valence >= 0 else "tense"
    return "calm" if valence >= 0 else "sad"


def _score(value: float, mean: float, deviation: float) -> float:
    """Deviations from the mean, at most two, so that one badly measured cue does not decide."""
    return max(-2.0, min(2.0, (value - mean) / deviation))


def _median(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.median(known)) if known else math.nan


def _number(value: float, digits: int) -> float | None:
    return None if math.isnan(value) else round(float(value), digits)
