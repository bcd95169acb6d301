"""Quality of speech_transcription: whether words are recognised, and when."""

from __future__ import annotations

import numpy as np

from clipbench.bench.quality.declaration import NotLabelled, Scored, figure
from clipbench.bench.quality.words import words_of


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
    if not errors:
        raise NotLabelled("no spoken word was recognised")
    return float(np.median(errors))
