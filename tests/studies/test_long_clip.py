"""The clip that `make long-clip` makes, and how it compares two runs."""

from __future__ import annotations

import json

import numpy as np

from clipbench.analyzers.base import FrameRequest, Needs
from clipbench.bench.clips.decoding import decode
from studies.long_clip import REFERENCE, differences, repeat


def test_the_repeated_clip_is_the_clip_twice(tmp_path):
    request = FrameRequest(1, 64)
    path = repeat(REFERENCE, tmp_path / "long.mp4", 2)
    with decode(path, [Needs((request,), audio=True)], 1) as clip:
        times, images = clip.frames(*request)
        assert abs(clip.duration_s - 20) < 0.05 and clip.info.frames == 600 and not clip.info.remarks
        np.testing.assert_allclose(times, np.arange(20), atol=1e-3)
        assert np.abs(images[:10].astype(int) - images[10:]).max() <= 2
        # Packets of sound do not end where the clip does: the second time it may be off by 15 ms.
        loudness = np.square(clip.audio()[: 20 * 16_000]).reshape(2, -1, 1600).mean(2)
        assert np.corrcoef(loudness)[0, 1] > 0.95


def test_what_differs_between_two_runs_is_named(tmp_path):
    for run, found in (("a", {"x": [1], "y": [2]}), ("b", {"x": [1], "y": [3], "z": []})):
        (tmp_path / run / "segments").mkdir(parents=True)
        for name, segments in found.items():
            (tmp_path / run / "segments" / f"{name}.json").write_text(json.dumps(segments))
    assert differences(tmp_path / "a", tmp_path / "b") == ["y", "z"]
