"""Agreements and contradictions between modalities: what is said, written, shown and heard.

Every rule prefers to say nothing rather than something wrong: a contradiction requires a thing that the
detector would hardly miss, no trace of that thing, and clear evidence of something else instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from clipbench.analyzers.base import Segment
from clipbench.analyzers.features.rules import hearing
from clipbench.analyzers.features.rules.evidence import Results, statement, weakest
from clipbench.analyzers.features.rules.sightings import Sightings
from clipbench.analyzers.features.text import lexicon
from clipbench.analyzers.features.text.english import counted
from clipbench.analyzers.features.time_spans import by_time

if TYPE_CHECKING:
    import numpy as np

#: AudioSet tags that name a thing which can be seen as well.
AUDIBLE = {
    "dog": ("Dog", "Bark", "Bow-wow", "Growling"),
    "cat": ("Cat", "Meow", "Purr"),
    "bird": ("Bird", "Bird vocalization, bird call, bird song", "Chirp, tweet"),
    "horse": ("Horse", "Clip-clop", "Neigh, whinny"),
    "cow": ("Cattle, bovinae", "Moo"),
    "sheep": ("Sheep", "Bleat"),
    "car": ("Car", "Car passing by"),
    "motorcycle": ("Motorcycle",),
    "bus": ("Bus",),
    "truck": ("Truck",),
    "airplane": ("Aircraft", "Fixed-wing aircraft, airplane", "Jet engine"),
    "boat": ("Boat, Water vehicle", "Motorboat, speedboat", "Ship"),
}


class Text(NamedTuple):
    """A text that is said or written, and by how many seconds what it names may come earlier or later."""

    analyzer: str
    modality: str
    segment: Segment
    margin_s: float


def texts_of(results: Results, margin_s: float) -> list[Text]:
    """Everything that is written or said; speech may lead or trail the picture by up to `margin_s`."""
    written = [Text("text_overlay", "written", s, 0.0) for s in results.get("text_overlay", ())]
    said = [
        Text("speech_transcription", "said", s, margin_s) for s in results.get("speech_transcription", ())
    ]
    return written + said


def naming(
    texts: Sequence[Text],
    shown: Sightings,
    alike: Callable[[list[str], list[str]], np.ndarray],
    similarity: float,
) -> list[Segment]:
    """Statements about texts that name what is shown, or something that is not.

    `alike(words, things)` returns cosine similarities [words, things], for words outside the lexicon.
    """
    found = []
    for text in texts:
        segment = text.segment
        span = segment.start_s - text.margin_s, segment.end_s + text.margin_s
        seen = shown.surely(*span, share=0.2)
        names = [name for name in lexicon.named(segment.label) if not name.denied]
        matches = {name.thing: name.word for name in names if name.thing in seen}
        if seen and not matches:
            words = lexicon.other_words(segment.label)
            if words:
                table = alike(words, list(seen))
                for column, thing in enumerate(seen):
                    best = int(table[:, column].argmax())
                    if table[best, column] >= similarity:
                        matches[thing] = words[best]
        for thing, word in matches.items():
            sighting = seen[thing]
            how = f"names {word!r}" if text.modality == "written" else f"speaks of {word!r}"
            found.append(
                statement(
                    "agreement",
                    f"{_source(text)} {how}, and {counted(thing)} is shown.",
                    (segment.start_s, segment.end_s),
                    (text.modality, "shown"),
                    [(text.analyzer, segment), (sighting.analyzer, sighting.segment)],
                    weakest(segment.confidence, sighting.confidence),
                )
            )
        if names and not matches:
            found += _misnaming(text, names, shown)
    return found


def _misnaming(text: Text, names: list[lexicon.Named], shown: Sightings) -> list[Segment]:
    """A contradiction, if the things that a text names are certainly not shown, and something else is."""
    segment = text.segment
    around = max(1.0, 2 * text.margin_s)
    traces = shown.faintly(segment.start_s - around, segment.end_s + around)
    instead = shown.surely(segment.start_s, segment.end_s, share=0.5)
    if text.modality == "said":
        # A person on screen may speak of anything.
        instead.pop("person", None)
    missing = [name for name in names if name.thing in lexicon.TELLING and name.thing not in traces]
    mistaken = any(
        {name.thing, other} <= group for group in lexicon.ALIKE for name in names for other in traces
    )
    if len(missing) < len(names) or mistaken or not instead:
        return []
    other, sighting = max(instead.items(), key=lambda item: item[1].confidence or 0)
    verb = "names" if text.modality == "written" else "speaks of"
    return [
        statement(
            "contradiction",
            f"{_source(text)} {verb} {missing[0].word!r}, but {counted(other)} is shown.",
            (segment.start_s, segment.end_s),
            (text.modality, "shown"),
            [(text.analyzer, segment), (sighting.analyzer, sighting.segment)],
            weakest(segment.confidence, sighting.confidence),
        )
    ]


def _source(text: Text) -> str:
    return f"The {'text' if text.modality == 'written' else 'speaker'} ({quoted(text.segment.label)})"


def quoted(text: str, limit: int = 60) -> str:
    """A text in quotation marks, cut after a word if it is long."""
    if len(text) > limit:
        text = f"{text[:limit].rsplit(' ', 1)[0]} …"
    return f"“{text}”"


def subtitles(results: Results, margin_s: float) -> list[Segment]:
    """Texts on screen that repeat what is said at that time."""
    from rapidfuzz.fuzz import partial_ratio

    phrases = by_time(results.get("speech_transcription", ()))
    found = []
    for text in results.get("text_overlay", ()):
        words = lexicon.words_of(text.label)
        spoken = phrases.overlapping(text.start_s - margin_s, text.end_s + margin_s)
        said = lexicon.words_of(" ".join(s.label for s in spoken))
        if len(words) < 2 or len(said) < len(words):
            continue
        if partial_ratio(" ".join(words), " ".join(said)) >= 90:
            found.append(
                statement(
                    "agreement",
                    f"The text {quoted(text.label)} is what is said.",
                    (text.start_s, text.end_s),
                    ("written", "said"),
                    [("text_overlay", text), *(("speech_transcription", s) for s in spoken)],
                    weakest(*(s.confidence for s in (text, *spoken))),
                )
            )
    return found


def speech_without_sound(results: Results, min_speech: float, min_sound: float) -> list[Segment]:
    """Words that are transcribed where no speech is heard: a recogniser may invent words over music.

    That no speech is heard is only said where something else is, with a score of `min_sound`.
    """
    heard_at = hearing.windows_by_time(results)
    found = []
    for phrase in results.get("speech_transcription", ()):
        windows = heard_at.overlapping(phrase.start_s, phrase.end_s)
        heard = hearing.surest_tag(windows)
        if len(windows) < 2 or heard is None or hearing.may_be_spoken(windows, min_speech):
            continue
        tag, score = heard
        if score >= min_sound:
            found.append(
                statement(
                    "contradiction",
                    f"{quoted(phrase.label)} is transcribed where no speech is heard, but {tag}.",
                    (phrase.start_s, phrase.end_s),
                    ("said", "heard"),
                    [("speech_transcription", phrase), ("audio_environment", windows[0])],
                    round(score, 3),
                )
            )
    return found


def sound_and_picture(results: Results, shown: Sightings, min_score: float) -> list[Segment]:
    """Things that are heard while they are shown; things that are only heard may be outside the picture."""
    found: dict[str, Segment] = {}
    for window in results.get("audio_environment", ()):
        loud = {tag["tag"] for tag in window.data.get("tags", ()) if tag["score"] >= min_score}
        seen = shown.surely(window.start_s, window.end_s, share=0.5)
        for thing, tags in AUDIBLE.items():
            if thing in seen and not loud.isdisjoint(tags) and thing not in found:
                sighting = seen[thing]
                found[thing] = statement(
                    "agreement",
                    f"{counted(thing).capitalize()} is shown and heard.",
                    (window.start_s, window.end_s),
                    ("heard", "shown"),
                    [("audio_environment", window), (sighting.analyzer, sighting.segment)],
                    weakest(window.confidence, sighting.confidence),
                )
    return list(found.values())
