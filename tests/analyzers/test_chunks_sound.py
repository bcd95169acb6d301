"""audio_analysis and audio_environment find in chunks what they find in the whole clip."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from clipbench.analyzers.audio_analysis import AudioAnalysis
from clipbench.analyzers.audio_environment import AudioEnvironment
from clipbench.analyzers.base import NothingToAnalyze, is_chunked, whole
from clipbench.analyzers.registry import back_ends
from clipbench.bench.clips.decoding import decode
from tests.support.chunks import every, fed
from tests.support.clip_views import ArrayClip
from tests.support.sounds import chords, clicks, noise, recording, silence, tone

REFERENCE = Path(__file__).parents[2] / "clips" / "reference.mp4"
A_MINOR = [(57, 60, 64), (62, 65, 69), (64, 68, 71), (57, 60, 64)]
#: A pause from 1.3 to 2.8 s, a beat every half second, chords, and a pause at the end.
MIXED = np.concatenate(
    [noise(1.3, 0.02), silence(1.5), clicks(120, 7), chords(A_MINOR, 0.5, 4), silence(1.23)]
)
SOUNDS = {
    "mixed": MIXED,
    "speech": recording("austen"),
    "a whole second": tone(440, 1.0),
    "less than a spectrum of music": tone(440, 0.2),
    "next to nothing": noise(0.065),
}
#: Ends of chunks: at, before and after the beginning of the pause, in a beat, and one chunk without samples.
AT_EVENTS = (1.3, 1.34, 2.76, 2.8, 3.3, 3.3, 9.8)


@pytest.fixture(scope="module", params=[AudioAnalysis, AudioEnvironment])
def analyzer(request):
    analyzer = request.param()
    analyzer.load()
    yield analyzer
    analyzer.unload()


def cuts_of(clip) -> list[tuple[float, ...]]:
    return [*(tuple(every(clip, seconds)) for seconds in (0.2, 0.37, 1.0, 2.5, 7.0)), AT_EVENTS]


def assert_equal(analyzer, found, expected) -> None:
    """To the last bit; probabilities of tags to the last of their four digits."""
    if analyzer.name == "audio_analysis":
        assert found == expected
        return
    assert [(s.start_s, s.end_s) for s in found] == [(s.start_s, s.end_s) for s in expected]
    for one, other in zip(found, expected, strict=True):
        scores = [[tag["score"] for tag in segment.data["tags"]] for segment in (one, other)]
        assert scores[0] == pytest.approx(scores[1], abs=1.5e-4)
        sure = [tag["tag"] for tag in other.data["tags"] if tag["score"] > scores[1][-1] + 2e-4]
        assert set(sure) <= {tag["tag"] for tag in one.data["tags"]}


@pytest.mark.parametrize("name", SOUNDS)
def test_in_chunks_as_in_one(analyzer, name):
    assert is_chunked(analyzer)
    clip = ArrayClip(audio=SOUNDS[name])
    expected = analyzer.analyze(clip, {})
    assert expected or name == "next to nothing"  # which has no tag
    for cuts in cuts_of(clip):
        assert_equal(analyzer, fed(analyzer, clip, {}, *cuts), expected)


def test_the_reference_clip(analyzer):
    with decode(REFERENCE, [analyzer.needs()], threads=1) as clip:
        expected = analyzer.analyze(clip, {})
        for seconds in (1.0, 3.7):
            assert_equal(analyzer, fed(analyzer, clip, {}, *every(clip, seconds)), expected)


def test_what_there_is_to_find_is_found_across_boundaries():
    analyzer = AudioAnalysis()
    analyzer.load()
    found = fed(analyzer, ArrayClip(audio=MIXED), {}, *AT_EVENTS)
    pause, *_, end = (segment for segment in found if segment.label == "silence")
    assert (pause.start_s, pause.end_s) == pytest.approx((1.3, 2.8), abs=0.05)
    assert end.end_s == pytest.approx(len(MIXED) / 16000, abs=0.02)
    assert found[0].data["tempo_bpm"] == pytest.approx(120, rel=0.01)


def test_no_sound_and_too_little_of_it(analyzer):
    with pytest.raises(NothingToAnalyze, match="no audio track"):
        analyzer.begin(ArrayClip(duration_s=1.0))
    with pytest.raises(NothingToAnalyze, match="the sound has 100 samples"):
        fed(analyzer, ArrayClip(audio=noise(100 / 16000), duration_s=0.5), {}, 0.2)


def test_finish_may_be_asked_twice(analyzer):
    clip = ArrayClip(audio=recording("austen"))
    found, state = analyzer.feed(whole(clip), analyzer.begin(clip))
    assert analyzer.finish(clip, [found], state, {}) == analyzer.finish(clip, [found], state, {})


def test_what_is_kept_is_small(analyzer):
    clip = ArrayClip(audio=noise(20))
    found, state = analyzer.feed(whole(clip), analyzer.begin(clip))
    assert len(pickle.dumps(found)) < 20 * 20_000
    assert len(pickle.dumps(state)) < 200_000


def test_ast_finds_in_chunks_what_it_finds_in_one():
    cls = back_ends()["audio_environment"]
    for step_s, window_s in ((0.5, 1.0), (0.3, 2.0), (2.0, 0.5)):
        settings = {"profile": "random", "model_size": "tiny", "step_s": step_s, "window_s": window_s}
        analyzer = cls(cls.settings_type(**settings))
        analyzer.load()
        assert is_chunked(analyzer)
        clip = ArrayClip(audio=recording("austen"))
        expected = analyzer.analyze(clip, {})
        assert analyzer.facts()["windows"] == len(expected)
        assert all(segment.start_s < segment.end_s for segment in expected)
        for cuts in cuts_of(clip):
            assert_equal(analyzer, fed(analyzer, clip, {}, *cuts), expected)
        analyzer.unload()
