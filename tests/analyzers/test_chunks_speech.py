"""The analyzers of speech find the same whether a clip comes in one chunk or in many."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from clipbench.analyzers import registry
from tests.support.chunks import every, fed
from tests.support.clip_views import ArrayClip
from tests.support.same_segments import same
from tests.support.sounds import noise, recording

NAMES = ("speech_transcription", "speech_emotion", "speech_flow", "content_quality")
CHUNKS_S = (0.37, 1.0, 2.5, 7.0)


@pytest.fixture(scope="module")
def clip():
    """Two readings with a pause, some noise before and between, and pictures beside them."""
    audio = np.concatenate(
        [noise(0.7, 0.003), recording("austen"), noise(1.3, 0.003), recording("cards"), noise(0.4, 0.003)]
    )
    seconds = len(audio) / 16_000
    frames = np.random.default_rng(0).integers(0, 255, (int(seconds * 5), 36, 64, 3), np.uint8)
    return ArrayClip(frames, 5.0, audio, seconds)


@pytest.fixture(scope="module", params=NAMES)
def analyzed(request, clip):
    """An analyzer, and what it finds in the whole clip."""
    known = registry.discover()[request.param]
    analyzer = registry.create(request.param, known.settings_type())
    analyzer.load("cpu")
    yield analyzer, analyzer.analyze(clip, {})
    analyzer.unload()


@pytest.mark.parametrize("chunk_s", CHUNKS_S)
def test_chunks_find_what_the_whole_clip_has(analyzed, clip, chunk_s):
    analyzer, whole = analyzed
    assert len(whole) > 1
    found = fed(analyzer, clip, {}, *every(clip, chunk_s))
    same([dataclasses.asdict(s) for s in found], [dataclasses.asdict(s) for s in whole], analyzer.name)


def test_a_boundary_at_the_edge_of_a_word_changes_nothing(analyzed, clip):
    analyzer, whole = analyzed
    edges = sorted({s.start_s for s in whole if s.start_s > 0} | {s.end_s for s in whole})
    for shift in (-1 / 16_000, 0.0, 1 / 16_000):
        found = fed(analyzer, clip, {}, *(edge + shift for edge in edges))
        same([dataclasses.asdict(s) for s in found], [dataclasses.asdict(s) for s in whole], analyzer.name)
