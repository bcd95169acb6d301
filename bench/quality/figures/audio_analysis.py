"""Quality of audio_analysis: whether loudness, tempo and key are right."""

from __future__ import annotations

from typing import Any

from clipbench.bench.quality import coverage
from clipbench.bench.quality.declaration import NothingFound, Scored, figure
from clipbench.bench.quality.matching import f1, frames_in
from clipbench.bench.quality.segment_form import Form, duplicates, malformed


@figure("audio_analysis", "loudness_error", "lower", "LU")
def loudness_error(scored: Scored) -> float:
    """Difference of the integrated loudness from that of the rendered sound."""
    lufs: float = scored.labelled("lufs")
    found: float = summary(scored)["lufs"]
    return abs(found - lufs)


@figure("audio_analysis", "tempo_error", "lower")
def tempo_error(scored: Scored) -> float:
    """Relative error of the tempo; half and double tempo count as errors."""
    tempo: float = scored.labelled("music")["tempo_bpm"]
    found: float = summary(scored)["tempo_bpm"] or 0.0
    return abs(found - tempo) / tempo


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


@figure("audio_analysis", "silence_f1", "higher")
def silence_f1(scored: Scored) -> float:
    """F1 of silence against sound, in frames of 10 ms; 1 where it is never silent and no silence is found."""
    real = frames_in([(s["start_s"], s["end_s"]) for s in scored.labelled("silence")], scored.duration_s)
    found = frames_in([(s.start_s, s.end_s) for s in scored.of("silence")], scored.duration_s)
    return f1(int((real & found).sum()), int(found.sum()), int(real.sum()))


def summary(scored: Scored) -> dict[str, Any]:
    """The data of the whole-clip segment of audio_analysis."""
    found = scored.of("summary")
    if not found:
        raise NothingFound("audio_analysis gave no summary")
    return found[0].data


#: What each kind of segment says.
AUDIO_FORM = Form(
    {
        "summary": ("tempo_bpm", "key", "key_strength", "lufs", "loudness_range", "peak_db"),
        "spectrum": ("rms_db", "centroid_hz", "rolloff_hz", "flatness", "zero_crossing_rate"),
        "silence": (),
    }
)
audio_coverage = coverage.of_time("audio_analysis", "lufs", "spectrum")
audio_malformed = malformed("audio_analysis", AUDIO_FORM)
audio_duplicates = duplicates("audio_analysis")
