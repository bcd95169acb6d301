"""The analyzers of speech and of quality find the same whether a clip comes in one chunk or in many."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from clipbench.analyzers import threads
from clipbench.analyzers.base import NothingToAnalyze, is_chunked, whole
from clipbench.analyzers.content_quality import ContentQuality
from clipbench.analyzers.registry import back_ends
from clipbench.analyzers.speech_emotion import SpeechEmotion
from clipbench.analyzers.speech_flow import SpeechFlow
from clipbench.analyzers.speech_transcription import SpeechTranscription
from clipbench.bench.clips.decoding import decode
from tests.support.chunks import every, fed, slices
from tests.support.clip_views import ArrayClip
from tests.support.command_line import PROJECT
from tests.support.sounds import noise, recording, silence

EMBEDDED = (SpeechTranscription, SpeechEmotion, SpeechFlow, ContentQuality)
FRAME_S = 512 / 16_000


def filmed(*sounds):
    """A clip with these sounds, and pictures beside them that change all the time."""
    audio = np.concatenate(sounds)
    seconds = len(audio) / 16_000
    frames = np.random.default_rng(0).integers(0, 255, (int(seconds * 5) + 1, 36, 64, 3), np.uint8)
    return ArrayClip(frames, 5.0, audio, seconds)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads.limit(1)
    yield
    threads.limit(None)


@pytest.fixture(scope="module")
def clip():
    """Two readings with a pause, some noise before and between."""
    return filmed(
        noise(0.7, 0.003), recording("austen"), noise(1.3, 0.003), recording("cards"), noise(0.4, 0.003)
    )


@pytest.fixture(scope="module", params=EMBEDDED, ids=lambda cls: cls.name)
def analyzer(request):
    analyzer = request.param()
    analyzer.load()
    yield analyzer
    analyzer.unload()


@pytest.fixture(scope="module")
def expected(analyzer, clip):
    found = analyzer.analyze(clip, {})
    assert is_chunked(analyzer) and len(found) > 1
    return found


@pytest.mark.parametrize("chunk_s", [0.1, 0.37, 1.0, 2.5, 7.0])
def test_in_chunks_as_in_one(analyzer, clip, expected, chunk_s):
    """To the last bit; chunks of 0.1 s may have no frames."""
    assert fed(analyzer, clip, {}, *every(clip, chunk_s)) == expected


def test_a_boundary_at_the_edge_of_a_word_changes_nothing(analyzer, clip, expected):
    edges = sorted({s.start_s for s in expected if s.start_s > 0} | {s.end_s for s in expected})
    for shift in (-FRAME_S, -1 / 16_000, 0.0, 1 / 16_000, FRAME_S):
        assert fed(analyzer, clip, {}, *(edge + shift for edge in edges)) == expected


def test_more_speech_than_a_network_hears_at_once(analyzer):
    """More than half a minute, in which windows of all networks end."""
    clip = filmed(*[recording("austen"), recording("cards")] * 5)
    whole_clip = analyzer.analyze(clip, {})
    assert fed(analyzer, clip, {}, *every(clip, 3.1)) == whole_clip


def test_the_reference_clip(analyzer):
    """What is kept for the end has at most 2 kB per second, and what is carried on 2 MB: an hour fits."""
    with decode(PROJECT / "clips" / "reference.mp4", [analyzer.needs()], threads=1) as clip:
        state, kept = analyzer.begin(clip), []
        for chunk in slices(clip, *every(clip, 2.37)):
            found, state = analyzer.feed(chunk, state)
            kept.append(pickle.dumps(found))
            state = pickle.dumps(state)
            assert len(state) < 2e6
            state = pickle.loads(state)
        assert sum(map(len, kept)) < 2e3 * clip.duration_s
        found = analyzer.finish(clip, [pickle.loads(one) for one in kept], state, {})
        assert found == analyzer.analyze(clip, {})


def test_finish_may_be_asked_twice(analyzer, clip):
    found, state = analyzer.feed(whole(clip), analyzer.begin(clip))
    assert analyzer.finish(clip, [found], state, {}) == analyzer.finish(clip, [found], state, {})


@pytest.mark.parametrize("seconds", [0.0, 0.01, 1.0])
def test_nobody_speaks(analyzer, seconds):
    clip = ArrayClip(audio=silence(seconds), duration_s=1.0)
    found = fed(analyzer, clip, {}, 0.3, 0.31, 0.9)
    assert found == analyzer.analyze(clip, {})
    assert {segment.label for segment in found} <= {"video"}


def test_no_sound(analyzer):
    silent = ArrayClip(duration_s=1.0)
    if analyzer.name == "content_quality":
        assert {segment.label for segment in fed(analyzer, silent, {}, 0.4)} == {"video"}
        return
    with pytest.raises(NothingToAnalyze, match="no audio track"):
        analyzer.begin(silent)


def test_the_network_that_finds_speech_runs_once_per_chunk(clip):
    """Its work is shared, and so is what it goes on with: each analyzer finds what it finds alone."""
    analyzers = [SpeechFlow(), SpeechEmotion(), ContentQuality()]
    for analyzer in analyzers:
        analyzer.load()
    states, found = [one.begin(clip) for one in analyzers], [[] for _ in analyzers]
    for chunk in slices(clip, *every(clip, 1.1)):
        for index, analyzer in enumerate(analyzers):
            one, states[index] = analyzer.feed(chunk, states[index])
            found[index].append(one)
    for analyzer, state, one in zip(analyzers, states, found, strict=True):
        assert analyzer.finish(clip, one, state, {}) == fed(analyzer, clip, {}, *every(clip, 1.1))
        analyzer.unload()


@pytest.mark.parametrize("name", ["speech_transcription", "speech_emotion", "content_quality"])
def test_production_back_ends(name, clip):
    """Batches end where chunks do: what networks say may differ a little, with random weights, too."""
    cls = back_ends()[name]
    analyzer = cls(cls.settings_type(profile="random", model_size="tiny"))
    analyzer.load("cpu")
    assert is_chunked(analyzer)
    expected, facts = analyzer.analyze(clip, {}), dict(analyzer.facts())
    for seconds in (0.37, 2.5):
        found = fed(analyzer, clip, {}, *every(clip, seconds))
        assert [(s.start_s, s.end_s) for s in found] == [(s.start_s, s.end_s) for s in expected]
        for one, other in zip(found, expected, strict=True):
            assert one.data.keys() == other.data.keys()
            for key, value in other.data.items():
                if isinstance(value, float):
                    assert one.data[key] == pytest.approx(value, abs=0.05), key
        counted = "frames" if name == "content_quality" else "windows"
        assert analyzer.facts()[counted] == facts[counted] > 0
        assert 0 < analyzer.facts()["batch"] <= facts["batch"]
    analyzer.unload()
