"""Quality of the analyzers that listen."""

from __future__ import annotations

import numpy as np

from clipbench.bench.quality.figures import NotLabelled, Scored, f1, figure

FRAME_S = 0.01


def words_of(text: str) -> str:
    """Lower case words without punctuation, for comparing transcripts."""
    kept = (c if c.isalnum() or c == "'" else " " for c in text.lower())
    return " ".join("".join(kept).split())


@figure("speech_transcription", "word_error_rate", "lower")
def word_error_rate(scored: Scored) -> float:
    """Substituted, deleted and inserted words per spoken word (jiwer)."""
    import jiwer

    heard = " ".join(s.label for s in scored.segments)
    return jiwer.wer(words_of(scored.labelled("transcript")), words_of(heard))


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


def frames_in(intervals: list[tuple[float, float]], duration_s: float) -> np.ndarray:
    """Which 10 ms frames lie in one of the intervals."""
    centres = np.arange(0, duration_s, FRAME_S) + FRAME_S / 2
    return np.any([(centres >= a) & (centres < b) for a, b in intervals] or [centres < 0], axis=0)


@figure("speech_flow", "speech_f1", "higher")
def speech_f1(scored: Scored) -> float:
    """F1 of speech against no speech, in frames of 10 ms."""
    real = frames_in([(r["start_s"], r["end_s"]) for r in scored.labelled("speech")], scored.duration_s)
    found = frames_in([(s.start_s, s.end_s) for s in scored.of("speech")], scored.duration_s)
    return f1(int((real & found).sum()), int(found.sum()), int(real.sum()))


@figure("speech_flow", "rate_error", "lower")
def rate_error(scored: Scored) -> float:
    """Relative error of the words per minute of speech, over the clip."""
    words = len(scored.labelled("words"))
    real = 60 * words / sum(r["end_s"] - r["start_s"] for r in scored.labelled("speech"))
    spoken = [s for s in scored.of("speech") if s.data.get("words") is not None]
    seconds = sum(s.end_s - s.start_s for s in spoken)
    if not seconds:
        raise NotLabelled("no speech with words was found")
    return abs(60 * sum(s.data["words"] for s in spoken) / seconds - real) / real


@figure("speech_emotion", "gross_pitch_error", "lower")
def gross_pitch_error(scored: Scored) -> float:
    """Share of the frames voiced in both whose pitch is more than 20 % off (gross pitch error)."""
    truth = scored.labelled("pitch")
    real = np.array([np.nan if hz is None else hz for hz in truth["hz"]], float)
    wrong = total = 0
    for segment in scored.segments:
        track = segment.data.get("pitch")
        for i, hz in enumerate(track["hz"] if track else []):
            index = round((track["start_s"] + i * track["step_s"] - truth["start_s"]) / truth["step_s"])
            if hz is None or not 0 <= index < len(real) or np.isnan(real[index]):
                continue
            total += 1
            wrong += abs(hz - real[index]) > 0.2 * real[index]
    if not total:
        raise NotLabelled("no frame is voiced in both")
    return wrong / total


@figure("audio_analysis", "loudness_error", "lower", "LU")
def loudness_error(scored: Scored) -> float:
    """Difference of the integrated loudness from that of the rendered sound."""
    return abs(summary(scored)["lufs"] - scored.labelled("lufs"))


@figure("audio_analysis", "tempo_error", "lower")
def tempo_error(scored: Scored) -> float:
    """Relative error of the tempo; half and double tempo count as errors."""
    tempo = scored.labelled("music")["tempo_bpm"]
    return abs((summary(scored)["tempo_bpm"] or 0.0) - tempo) / tempo


@figure("audio_analysis", "key_match", "higher")
def key_match(scored: Scored) -> float:
    """1 for the right key, 0.3 for its relative, 0.5 for a fifth away, else 0 (MIREX weights)."""
    names = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"]
    (root, mode), found = scored.labelled("music")["key"].split(), summary(scored)["key"]
    if found is None:
        return 0.0
    found_root, found_mode = found.split()
    if (root, mode) == (found_root, found_mode):
        return 1.0
    apart = (names.index(found_root) - names.index(root)) % 12
    if mode == found_mode:
        return 0.5 if apart in (5, 7) else 0.2 if apart == 0 else 0.0
    if apart == 0:
        return 0.2
    return 0.3 if apart == (3 if mode == "minor" else 9) else 0.0


def summary(scored: Scored) -> dict:
    """The data of the whole-clip segment of audio_analysis."""
    found = scored.of("summary")
    if not found:
        raise NotLabelled("audio_analysis gave no summary")
    return found[0].data


@figure("audio_environment", "top3_recall", "higher")
def top3_recall(scored: Scored) -> float:
    """Share of the labelled sounds with an accepted tag among the top three of the mean scores."""
    heard = []
    for sound in scored.labelled("sounds"):
        scores: dict[str, float] = {}
        for window in windows_in(scored, sound):
            for tag in window.data["tags"]:
                scores[tag["tag"]] = scores.get(tag["tag"], 0.0) + tag["score"]
        top = sorted(scores, key=scores.get, reverse=True)[:3]
        heard.append(any(tag in sound["accepted"] for tag in top))
    return float(np.mean(heard))


@figure("audio_environment", "window_accuracy", "higher")
def window_accuracy(scored: Scored) -> float:
    """Share of the windows within labelled sounds whose best tag is an accepted one."""
    right = [
        window.label in sound["accepted"]
        for sound in scored.labelled("sounds")
        for window in windows_in(scored, sound)
    ]
    if not right:
        raise NotLabelled("no window lies within a labelled sound")
    return float(np.mean(right))


def windows_in(scored: Scored, sound: dict) -> list:
    """The windows whose middle lies in a labelled sound."""
    return [s for s in scored.segments if sound["start_s"] <= (s.start_s + s.end_s) / 2 < sound["end_s"]]
