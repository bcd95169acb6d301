"""Pictures of hardly any pixels, and very long ones, are analyzed like others."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers.camera_analysis import CameraAnalysis
from clipbench.analyzers.color_analysis import ColorAnalysis
from clipbench.analyzers.content_quality import ContentQuality
from clipbench.analyzers.cut_analysis import CutAnalysis
from clipbench.analyzers.visual_effects import VisualEffects
from tests.support.clip_views import ArrayClip

#: Width and height in pixels; decoded frames are at least a pixel high.
SIZES = [(1, 1), (2, 2), (3, 1), (1, 7), (8, 5), (320, 1), (1, 320), (320, 2), (2, 320), (640, 3), (3, 640)]


ANALYZERS = (CameraAnalysis, ColorAnalysis, ContentQuality, CutAnalysis, VisualEffects)


@pytest.fixture(scope="module", params=ANALYZERS)
def analyzer(request):
    one = request.param()
    one.load()
    yield one
    one.unload()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_no_size_fails(analyzer, size):
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 255, (12, size[1], size[0], 3), np.uint8)
    frames[6:9] = frames[5]
    for clip in (frames, np.full_like(frames, 90), frames // 255 * 255, np.sort(frames, axis=2)):
        segments = analyzer.analyze(Whole(clip, 10.0), {})
        assert (segments and segments[-1].end_s > 0) or analyzer.name == "visual_effects"


class Whole(ArrayClip):
    """A clip that gives its frames as they are, as they may have been stored in this size."""

    def frames(self, fps, size):
        return super().frames(fps, 0)
