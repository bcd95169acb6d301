"""The flow of speech: its regions, the pauses between them, and the words per minute."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from clipbench.analyzers.base import Chunk, ChunkedAnalyzer, ClipFacts, Needs, Segment, setting
from clipbench.analyzers.features import onnx_networks
from clipbench.analyzers.features.sound.spectra import SAMPLE_RATE, decibels
from clipbench.analyzers.features.speech.voice_activity import (
    Listening,
    Region,
    SpeechSettings,
    begin_listening,
    join_regions,
    listen,
)

_TRANSCRIPT = "speech_transcription"
#: Seconds before the end of a region in which a cut is looked for, and before that of the clip.
_ABOUT_END_S, _AT_END_S = 0.3, 0.1
_LATER_S = 1.0  # enough for the silence and the start of speech after which a region is told
_STEP, _WITHIN = 160, 4  # samples of a frame, 10 ms; frames within which the sound stops
_FALL_DB, _NOTHING_DB = 40.0, -85.0


class Times(NamedTuple):
    """When a word is said, in seconds."""

    start_s: float
    end_s: float


@dataclass
class SpeechFlowSettings(SpeechSettings):
    """Settings of speech_flow."""

    min_pause_s: float = setting(0.25, "a shorter gap is articulation, not a pause", low=0.0, high=10)
    rate_words: int = setting(5, "fewer words than this have no rate", low=1, high=1000)
    rate_s: float = setting(2.0, "shorter speech has no rate", low=0.0, high=600)


class Heard(NamedTuple):
    """The regions that become known in a chunk, and the ends of those that were cut off."""

    regions: list[Region]
    cut_s: list[float]


class SpeechFlow(ChunkedAnalyzer[Listening, Heard]):
    """Regions by Silero VAD, words from the transcript.

    The shortest pause, 0.25 s, is Goldman-Eisler's (1968): shorter gaps are stops and other articulation. A
    region in which nothing could be transcribed is no speech: Silero takes sung vowels and some music for it.
    Rates need `rate_words` words in `rate_s` seconds; fewer say how long these words are, not how fast
    somebody speaks: the first 1.5 s of a sentence that is read at 171 words a minute have 237. Where the clip
    or digital silence cuts speech off, its last word is left out of the rate, because nobody knows how much
    of it was said.

    What it cannot do: without a transcript, it takes some singing and music for speech; with one, it leaves
    out speech in another language than the transcript's; it does not tell voices apart.
    """

    name = "speech_flow"
    upstream = (_TRANSCRIPT,)
    settings: SpeechFlowSettings
    settings_type = SpeechFlowSettings

    def models(self) -> tuple[str, ...]:
        return (self.settings.vad_model,)

    def needs(self) -> Needs:
        return Needs(audio=True)

    def load(self, device: str = "cpu") -> None:
        self._vad = onnx_networks.open_network(self.settings.vad_model)

    def begin(self, clip: ClipFacts) -> Listening:
        return begin_listening(clip)

    def feed(self, chunk: Chunk, state: Listening) -> tuple[Heard, Listening]:
        found = listen(chunk, self._vad, self.settings, state)
        cut_s = [region.end_s for region in found if is_cut_off(region.end_s, state)]
        settings = self.settings
        behind_s = settings.min_silence_s + settings.min_speech_s + 2 * settings.speech_pad_s
        behind_s += _ABOUT_END_S + _LATER_S
        state.forget_before(state.heard_s - behind_s)
        return Heard(found, cut_s), state

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[Heard],
        state: Listening,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        regions = join_regions(
            [region for heard in found for region in heard.regions], self.settings.min_pause_s
        )
        cut_s = {end_s for heard in found for end_s in heard.cut_s}
        words: list[list[Times] | None] = [None] * len(regions)
        if _TRANSCRIPT in upstream:
            words = [*words_of(regions, upstream[_TRANSCRIPT])]
        spoken = [each for each in zip(regions, words, strict=True) if each[1] != []]
        segments: list[Segment] = []
        for index, (region, said) in enumerate(spoken):
            if index:
                segments.append(Segment(segments[-1].end_s, round(region.start_s, 3), "pause"))
            cut_off = region.end_s in cut_s or region.end_s > clip.duration_s - _AT_END_S
            segments.append(self._segment(region, said, cut_off))
        return segments

    def _segment(self, region: Region, said: list[Times] | None, cut_off: bool) -> Segment:
        rate = None if said is None else self._rate(region, said, cut_off)
        return Segment(
            round(region.start_s, 3),
            round(region.end_s, 3),
            "speech",
            round(region.probability, 4),
            {"words": None if said is None else len(said), "words_per_minute": rate},
        )

    def _rate(self, region: Region, said: Sequence[Times], cut_off: bool) -> float | None:
        """Words per minute; None if there are too few, in too short a time."""
        count, end_s = len(said), region.end_s
        if cut_off:
            # Words that are squeezed into the end were guessed, not heard.
            end_s = min(end_s, said[-1].start_s)
            count = sum(word.end_s <= end_s and word.end_s > word.start_s for word in said[:-1])
        length_s = end_s - region.start_s
        if count < self.settings.rate_words or length_s < max(self.settings.rate_s, 1e-3):
            return None
        return round(count * 60 / length_s, 1)

    def headline(self, segments: list[Segment]) -> str:
        rates = [s.data["words_per_minute"] for s in segments if s.data.get("words_per_minute")]
        counts = super().headline(segments)
        return f"{counts}, {min(rates):.0f}–{max(rates):.0f} words a minute" if rates else counts

    def unload(self) -> None:
        self._vad.close()


def words_of(regions: Sequence[Region], transcript: Sequence[Segment]) -> list[list[Times]]:
    """The words that are said in each region; a word is in the region that is nearest to its middle."""
    words: list[list[Times]] = [[] for _ in regions]
    ends = [region.end_s for region in regions]
    for segment in transcript:
        for word in segment.data["words"] if regions else ():
            middle = (word["start_s"] + word["end_s"]) / 2
            after = bisect.bisect_left(ends, middle)
            near = [index for index in (after - 1, after) if 0 <= index < len(regions)]
            nearest = min(near, key=lambda index: _distance(regions[index], middle))
            words[nearest].append(Times(word["start_s"], word["end_s"]))
    return words


def is_cut_off(end_s: float, state: Listening) -> bool:
    """Whether sound stops at once, and digital silence follows, near the end of a region.

    A voice fades: in recorded speech no level falls by `_FALL_DB` within 40 ms down to `_NOTHING_DB`.
    """
    last = round(end_s * SAMPLE_RATE)
    sound = state.samples(last - round(_ABOUT_END_S * SAMPLE_RATE), last)
    frames = sound[len(sound) % _STEP :].reshape(-1, _STEP)
    if len(frames) <= _WITHIN:
        return False
    level = decibels((frames**2).mean(1), floor=1e-12)
    before, after = level[:-_WITHIN], level[_WITHIN:]
    return bool(((before - after >= _FALL_DB) & (after <= _NOTHING_DB)).any())


def _distance(region: Region, time_s: float) -> float:
    """Seconds from a moment to a region; 0 within it."""
    return max(region.start_s - time_s, time_s - region.end_s, 0.0)
