"""Quality of speech_transcription: whether words are recognised, and when."""

from __future__ import annotations

import numpy as np

from clipbench.bench.quality.declaration import NothingFound, NotLabelled, Scored, figure
from clipbench.bench.quality.segment_form import Form, duplicates, malformed
from clipbench.bench.quality.words import words_of

#: Seconds by which a word may be heard too early or too late.
EDGE_S = 0.3


@figure("speech_transcription", "word_error_rate", "lower")
def word_error_rate(scored: Scored) -> float:
    """Substituted, deleted and inserted words per spoken word (jiwer).

    Where nothing is spoken, the number of words heard: 0 is right, and each word costs as in a clip of one.
    """
    import jiwer

    heard = words_of(" ".join(s.label for s in scored.within("transcript", scored.segments)))
    spoken = words_of(scored.labelled("transcript"))
    return jiwer.wer(spoken, heard) if spoken else float(len(heard.split()))


@figure("speech_transcription", "word_time_error", "lower", "s")
def word_time_error(scored: Scored) -> float:
    """Median distance of a word's start from the labelled one, over the words in common."""
    from difflib import SequenceMatcher

    truth = scored.labelled("words")
    heard = [w for s in scored.segments for w in s.data.get("words", [])]
    a, b = [words_of(w["word"]) for w in truth], [words_of(w["word"]) for w in heard]
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    errors = [
        abs(truth[m.a + i]["start_s"] - heard[m.b + i]["start_s"]) for m in blocks for i in range(m.size)
    ]
    if not truth:
        raise NotLabelled("the ground truth has no words")
    if not errors:
        raise NothingFound("no spoken word was recognised")
    return float(np.median(errors))


@figure("speech_transcription", "words_in_silence", "lower")
def words_in_silence(scored: Scored) -> float:
    """Number of words transcribed where nobody speaks.

    Their middle is more than 0.3 s from all speech: the truth's `speech`, or its `words` if it has none; an
    empty `transcript` says that nobody speaks at all.
    """
    spoken = speech(scored)
    middles = [(start_s + end_s) / 2 for start_s, end_s in words_heard(scored)]
    return sum(not any(a - EDGE_S <= middle <= b + EDGE_S for a, b in spoken) for middle in middles)


def words_heard(scored: Scored) -> list[tuple[float, float]]:
    """Start and end of each word; one without times of its own has those of its segment."""
    heard: list[tuple[float, float]] = []
    for s in scored.within("speech", scored.segments):
        timed = [(w["start_s"], w["end_s"]) for w in s.data.get("words") or []]
        heard += timed or [(s.start_s, s.end_s)] * len(words_of(s.label).split())
    return heard


def speech(scored: Scored) -> list[tuple[float, float]]:
    """When somebody speaks, in seconds; raises NotLabelled if the truth does not say."""
    for key in ("speech", "words"):
        if scored.has(key):
            return [(part["start_s"], part["end_s"]) for part in scored.labelled(key)]
    if scored.labelled("transcript"):
        raise NotLabelled("the ground truth labels no speech: it says what is spoken, and not when")
    return []


transcript_malformed = malformed("speech_transcription", Form({"*": ("words",)}))
transcript_duplicates = duplicates("speech_transcription")
