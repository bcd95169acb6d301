"""Frames are uploaded once, and results downloaded together."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from clipbench.analyzers.production.transfers import download, frames_on_device
from tests.support.clip_views import ArrayClip


class Clip(ArrayClip):
    """A clip that counts how often it is asked for frames, which may be read-only as those of real clips."""

    asked = 0
    writeable = True

    def frames(self, fps, size):
        self.asked += 1
        found = super().frames(fps, size)
        found.images.flags.writeable = self.writeable
        return found


@pytest.fixture
def clip():
    return Clip(np.random.default_rng(0).integers(0, 256, (9, 36, 64, 3), np.uint8), fps=3)


def test_frames_are_uploaded_once_for_all_that_read_them(clip):
    first, again = frames_on_device(clip, 3, 0, "cpu"), frames_on_device(clip, 3, 0, "cpu")
    assert clip.asked == 1
    assert first is again
    assert first.dtype == torch.uint8
    assert first.shape == (9, 3, 36, 64)
    assert first.is_contiguous(memory_format=torch.channels_last)
    assert np.array_equal(first[4, 1].numpy(), clip.frames(3, 0).images[4, :, :, 1])


def test_frames_that_cannot_be_written_to_are_read_without_a_word(clip, recwarn):
    clip.writeable = False
    frames_on_device(clip, 3, 0, "cpu")
    assert not recwarn.list


def test_results_come_back_together():
    one, two = download(torch.arange(3), torch.ones(2, dtype=torch.bfloat16))
    assert one.tolist() == [0, 1, 2]
    assert two.dtype == np.float32


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_on_a_gpu_frames_are_the_same(clip):
    frames = frames_on_device(clip, 3, 0, "cuda")
    assert np.array_equal(download(frames)[0], frames_on_device(clip, 3, 0, "cpu").numpy())
