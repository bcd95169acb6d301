"""The flow of speech: its regions, the pauses between them, and the words per minute."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clipbench.analyzers.base import Chunk, ChunkedAnalyzer, ClipFacts, Needs, Segment, setting
from clipbench.analyzers.features import onnx_networks
from clipbench.analyzers.features.speech.voice_activity import (
    Listening,
    Region,
    SpeechSettings,
    begin_listening,
    join_regions,
    listen,
)

_TRANSCRIPT = "speech_transcription"


@dataclass
class SpeechFlowSettings(SpeechSettings):
    """Settings of speech_flow."""

    min_pause_s: float = setting(0.25, "a shorter gap is articulation, not a pause", low=0.0, high=10)


class SpeechFlow(ChunkedAnalyzer[Listening, list[Region]]):
    """Regions by Silero VAD, words from the transcript.

    The shortest pause, 0.25 s, is Goldman-Eisler's (1968): shorter gaps are stops and other articulation.
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

    def feed(self, chunk: Chunk, state: Listening) -> tuple[list[Region], Listening]:
        found = listen(chunk, self._vad, self.settings, state)
        state.forget_before(state.heard_s)
        return found, state

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[list[Region]],
        state: Listening,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        together = [region for regions in found for region in regions]
        return self._segments(join_regions(together, self.settings.min_pause_s), upstream)

    def _segments(self, found: list[Region], upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        counts: Sequence[int | None] = [None] * len(found)
        if _TRANSCRIPT in upstream:
            counts = count_words(found, upstream[_TRANSCRIPT])
        segments: list[Segment] = []
        for index, (region, words) in enumerate(zip(found, counts, strict=True)):
            if index:
                segments.append(Segment(segments[-1].end_s, round(region.start_s, 3), "pause"))
            minutes = (region.end_s - region.start_s) / 60
            rate = None if words is None else round(words / minutes, 1)
            segments.append(
                Segment(
                    round(region.start_s, 3),
                    round(region.end_s, 3),
                    "speech",
                    round(region.probability, 4),
                    {"words": words, "words_per_minute": rate},
                )
            )
        return segments

    def headline(self, segments: list[Segment]) -> str:
        rates = [s.data["words_per_minute"] for s in segments if s.data.get("words_per_minute")]
        counts = super().headline(segments)
        return f"{counts}, {min(rates):.0f}–{max(rates):.0f} words a minute" if rates else counts

    def unload(self) -> None:
        self._vad.close()


def count_words(regions: list[Region], transcript: list[Segment]) -> list[int]:
    """How many words are said in each region; a word counts in the region that is nearest to its middle."""
    counts = [0] * len(regions)
    ends = [region.end_s for region in regions]
    for segment in transcript:
        for word in segment.data["words"] if regions else ():
            middle = (word["start_s"] + word["end_s"]) / 2
            after = bisect.bisect_left(ends, middle)
            near = [index for index in (after - 1, after) if 0 <= index < len(regions)]
            counts[min(near, key=lambda index: _distance(regions[index], middle))] += 1
    return counts


def _distance(region: Region, time_s: float) -> float:
    """Seconds from a moment to a region; 0 within it."""
    return max(region.start_s - time_s, time_s - region.end_s, 0.0)
