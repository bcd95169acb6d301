"""The production back ends on a GPU: what only shows there. Skipped where there is none."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from clipbench.analyzers.registry import back_ends
from tests.support.clip_views import ArrayClip
from tests.support.sounds import recording

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
DEVICE = "cuda:0"


def back_end(name: str, **settings):
    cls = back_ends()[name]
    return cls(cls.settings_type(**({"profile": "random", "model_size": "tiny"} | settings)))


def clip() -> ArrayClip:
    frames = np.random.default_rng(0).integers(0, 256, (12, 112, 84, 3), np.uint8)
    return ArrayClip(frames, fps=4, audio=recording("austen"))


@pytest.mark.parametrize("name", back_ends())
def test_the_same_after_offload_and_wake_and_the_memory_is_given_back(name):
    before = torch.cuda.memory_allocated(DEVICE)
    analyzer = back_end(name)
    analyzer.load(DEVICE)
    first = analyzer.analyze(clip(), {})
    loaded = torch.cuda.memory_allocated(DEVICE)
    analyzer.offload()
    parked = torch.cuda.memory_allocated(DEVICE)
    assert parked < loaded and parked - before < 1e6
    analyzer.wake()
    assert analyzer.analyze(clip(), {}) == first
    analyzer.unload()
    assert torch.cuda.memory_allocated(DEVICE) - before < 1e6


def test_a_recorded_step_writes_what_single_kernels_write():
    written, facts = [], []
    for graph in (True, False):
        analyzer = back_end("qwen2_vl_temporal", cuda_graph=graph)
        analyzer.load(DEVICE)
        written += [analyzer.analyze(clip(), {}) for _ in range(2)]  # recorded in the first, replayed in both
        facts.append(analyzer.facts())
        analyzer.unload()
    assert facts[0]["cuda_graph"] is True, facts[0]["why_no_cuda_graph"]
    assert facts[1]["cuda_graph"] is False
    assert all(segments == written[0] for segments in written)


def test_whisper_is_in_half_precision():
    analyzer = back_end("speech_transcription")
    analyzer.load(DEVICE)
    assert analyzer.networks["whisper"].encoder.conv1.weight.dtype == torch.float16
    assert analyzer.analyze(clip(), {})
    analyzer.unload()
