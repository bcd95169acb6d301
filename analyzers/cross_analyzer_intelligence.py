"""What the analyzers know together: modalities that agree or contradict, and observations worth knowing.

The rules are in features/rules, in cross_modal.py and observations.py; every statement carries its evidence.
Only what is sure is evidence: findings of low confidence, and words where no speech is heard, are none. Where
two analyzers disagree about the same thing in the picture, the one that is sure is believed, and nothing is
said of the other.

It cannot know that an analyzer is sure and wrong, and understands a text only by the things that it names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clipbench.analyzers.base import ALL, ClipView, NothingToAnalyze, Segment, setting
from clipbench.analyzers.features.rules import cross_modal, hearing, observations
from clipbench.analyzers.features.rules.sightings import Sightings
from clipbench.analyzers.features.text.sentence_embeddings import SentenceSettings, UsesSentences

if TYPE_CHECKING:
    import numpy as np


@dataclass
class CrossAnalyzerIntelligenceSettings(SentenceSettings):
    """Settings of cross_analyzer_intelligence."""

    similarity: float = setting(0.65, "cosine similarity from which a word names a thing", low=0, high=1)
    min_confidence: float = setting(0.5, "confidence from which a detection counts", low=0, high=1)
    sure_sex: float = setting(0.8, "mean confidence from which a face's sex is stated", low=0, high=1)
    min_sound: float = setting(0.3, "score from which a sound's tag counts", low=0, high=1)
    # Somewhere in two recordings, speech reached 0.14 and 0.24 under music of the same level, 0.1 under music
    # 5 dB stronger, and 0.27 under white noise 10 dB stronger; music, noise and hum alone stayed at 0.
    min_speech: float = setting(0.1, "score of speech in a phrase from which it is spoken", low=0, high=1)
    speech_margin_s: float = setting(1.0, "seconds that speech may lead or trail the picture", low=0, high=60)
    min_stretch_s: float = setting(1.0, "shorter stretches get no statement", low=0, high=60)
    min_silence_s: float = setting(0.5, "the same, for silence", low=0, high=60)
    poor_picture: float = setting(0.3, "quality score of a picture worth a warning", low=0, high=1)
    poor_speech: float = setting(2.5, "mean opinion of speech worth a warning", low=1, high=5)


class CrossAnalyzerIntelligence(UsesSentences):
    """Statements over the results of all other analyzers."""

    name = "cross_analyzer_intelligence"
    upstream = (ALL,)
    settings: CrossAnalyzerIntelligenceSettings
    settings_type = CrossAnalyzerIntelligenceSettings

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        if not upstream:
            raise NothingToAnalyze("no other analyzer has a result")
        options = self.settings
        doubted = cross_modal.speech_without_sound(upstream, options.min_speech, options.min_sound)
        results = hearing.spoken(upstream, options.min_speech)
        shown = Sightings(results, options.min_confidence)
        texts = cross_modal.texts_of(results, options.speech_margin_s)
        found = [
            *cross_modal.naming(texts, shown, self._alike, options.similarity),
            *doubted,
            *cross_modal.subtitles(results, options.speech_margin_s),
            *cross_modal.sound_and_picture(results, shown, options.min_sound),
            *observations.longest_on_screen(results, options.min_confidence, options.min_stretch_s),
            *observations.people(results, options.sure_sex, options.min_stretch_s),
            *observations.fastest_passage(results),
            *observations.silence(results, options.min_silence_s),
            *observations.voice_over(results, options.min_stretch_s),
            *observations.music(results, options.min_sound),
            *observations.quality(results, options.poor_picture, options.poor_speech, options.min_confidence),
        ]
        return sorted(found, key=lambda segment: (segment.start_s, segment.end_s))

    def headline(self, segments: list[Segment]) -> str:
        first = next((s for s in segments if s.label == "contradiction"), segments[0])
        return str(first.data["statement"])

    def _alike(self, words: list[str], things: list[str]) -> np.ndarray:
        """Cosine similarities [words, things] of their embeddings."""
        assert self._embedder is not None
        vectors = self._embedder([*words, *things])
        similarities: np.ndarray = vectors[: len(words)] @ vectors[len(words) :].T
        return similarities
