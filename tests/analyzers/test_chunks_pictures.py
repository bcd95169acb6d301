"""Analyzers of pictures find the same in a clip that comes in chunks, wherever these end."""

from __future__ import annotations

import pickle
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from clipbench.analyzers.background_segmentation import BackgroundSegmentation
from clipbench.analyzers.base import Segment
from clipbench.analyzers.camera_analysis import CameraAnalysis
from clipbench.analyzers.color_analysis import ColorAnalysis
from clipbench.analyzers.cut_analysis import CutAnalysis
from clipbench.analyzers.scene_segmentation import SceneSegmentation, SceneSegmentationSettings
from clipbench.analyzers.visual_effects import VisualEffects
from clipbench.bench.clips.decoding import decode
from tests.support.chunks import every, fed, slices
from tests.support.clip_views import ArrayClip
from tests.support.footage import FPS, photo, recorded, shoot
from tests.support.photographs import drifting, photographs

REFERENCE = Path(__file__).parents[2] / "clips" / "reference.mp4"
LENGTHS_S = (0.2, 0.37, 1.0, 2.5)
SMALL = (90, 160)
#: Those whose arithmetic is the same frame by frame.
EXACT = (CutAnalysis, VisualEffects, CameraAnalysis, ColorAnalysis)


def shot(name, count, speed=0.0):
    return shoot(photo(name), count, lambda t: {"x": speed * t}, size=SMALL)


@cache
def edited() -> tuple[np.ndarray, dict[str, int]]:
    """A clip in which one event follows another, and the first frame of each."""
    import cv2

    parts = [shot("astronaut", 40, 0.3), shot("chelsea", 70, 0.3), shot("coffee", 85, -0.3)]
    parts += [shot("rocket", 40), shot("astronaut", 60, 0.4), shot("chelsea", 45, 0.2)]
    cuts = np.cumsum([0, *map(len, parts)]).tolist()
    frames = np.concatenate(parts)
    at = {"cut": cuts[1], "flash": 60, "fade": 90, "dip": 210, "freeze": 255, "blur": 310, "mono": 150}
    frames[60:63] = 255
    ramp = np.linspace(0, 1, 20)[:, None, None, None]
    frames[90:110] = frames[90:110] * (1 - ramp)
    frames[110:130] = frames[110:130] * ramp
    frames[150:170] = frames[150:170].mean(axis=3, keepdims=True)
    dip = np.array([0.6, 0.2, 0, 0, 0.2, 0.6])[:, None, None, None]
    frames[210:216] = frames[210:216] * dip
    for frame in frames[310:]:
        frame[:] = cv2.GaussianBlur(frame, (0, 0), 2.5)
    frames[175:195, :20] = frames[175:195, -20:] = 0
    noisy = recorded(frames)
    noisy[255:275] = noisy[255]
    return noisy, at


def divided() -> np.ndarray:
    """A shot, two pictures side by side, and another shot."""
    halves = [
        shoot(photo(name), 40, lambda t, v=speed: {"x": v * t}, size=(45, 160))
        for name, speed in (("coffee", 0.3), ("astronaut", -0.3))
    ]
    return recorded(
        np.concatenate([shot("rocket", 30, 0.2), np.concatenate(halves, axis=2), shot("chelsea", 30)])
    )


@pytest.fixture(scope="module")
def clip():
    return ArrayClip(edited()[0], FPS)


@pytest.fixture(scope="module", params=EXACT)
def analyzer(request):
    analyzer = request.param()
    analyzer.load()
    return analyzer


@pytest.fixture(scope="module")
def whole(analyzer, clip):
    found = analyzer.analyze(clip, {})
    assert len({segment.label for segment in found}) > 1
    return found


def assert_same_people(found, expected):
    """A network's results differ in the last digits with the frames that are run together."""
    assert [(s.start_s, s.end_s, s.label) for s in found] == [(s.start_s, s.end_s, s.label) for s in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.confidence == pytest.approx(other.confidence, abs=1e-3)
        assert one.data["person_share"] == pytest.approx(other.data["person_share"], abs=1e-3)
        assert one.data["background_blur"] == pytest.approx(other.data["background_blur"], abs=5e-3)
        assert np.mean(mask(one) != mask(other)) < 2e-3


def mask(segment) -> np.ndarray:
    runs = segment.data["mask"]["counts"]
    return np.repeat(np.arange(len(runs)) % 2, runs)


def assert_same_scenes(found, expected):
    """A network's results differ in the last digits with the frames that are run together."""
    assert [segment.start_s for segment in found] == [segment.start_s for segment in expected]
    assert [segment.end_s for segment in found] == [segment.end_s for segment in expected]
    for one, other in zip(found[1:], expected[1:], strict=True):
        assert one.data["distance"] == pytest.approx(other.data["distance"], abs=2e-4)
        assert one.confidence == pytest.approx(other.confidence, abs=2e-3)


def test_lengths_of_chunks_do_not_matter(analyzer, clip, whole):
    for length in LENGTHS_S:
        assert fed(analyzer, clip, {}, *every(clip, length)) == whole, length


def test_events_may_lie_across_chunks(analyzer, clip, whole):
    for offset in (-1, 0, 1, 2, 4):
        boundaries = [(frame + offset) / FPS for frame in sorted(edited()[1].values())]
        assert fed(analyzer, clip, {}, *boundaries) == whole, offset


def test_the_events_are_there(clip):
    cuts = [segment.label for segment in CutAnalysis().analyze(clip, {})]
    effects = {segment.label for segment in VisualEffects().analyze(clip, {})}
    assert set(cuts) == {"hard_cut", "fade", "shot"}
    assert cuts.count("fade") == 1  # after the dip the picture is back
    assert effects >= {"flash", "fade_out", "fade_in", "monochrome", "letterbox", "freeze", "blur"}


def test_a_flash_near_the_end_is_found_wherever_the_last_chunk_begins():
    frames = shot("coffee", 45, 0.2)
    frames[-7:-4] = 255
    analyzer, clip = VisualEffects(), ArrayClip(recorded(frames), FPS)
    whole = analyzer.analyze(clip, {})
    assert [segment.label for segment in whole] == ["flash"]
    for boundary in range(36, 45):
        assert fed(analyzer, clip, {}, boundary / FPS) == whole, boundary


def test_a_divided_screen_is_the_same_in_chunks():
    analyzer, clip = VisualEffects(), ArrayClip(divided(), FPS)
    whole = analyzer.analyze(clip, {})
    assert [segment.label for segment in whole] == ["split_screen"]
    for length in LENGTHS_S:
        assert fed(analyzer, clip, {}, *every(clip, length)) == whole, length
    for boundary in (29, 30, 31, 35, 69, 70, 71):
        assert fed(analyzer, clip, {}, boundary / FPS) == whole, boundary


@pytest.mark.parametrize("reach", [1, 5])
def test_scenes_are_the_same_in_chunks(clip, reach):
    analyzer = SceneSegmentation(SceneSegmentationSettings(fps=3.0, reach=reach))
    analyzer.load()
    whole = analyzer.analyze(clip, {})
    assert len(whole) > 2
    for length in (0.2, 1.0, 2.5):
        assert_same_scenes(fed(analyzer, clip, {}, *every(clip, length)), whole)
    cut_s = edited()[1]["cut"] / FPS
    for boundary_s in (cut_s - 1 / 3, cut_s, cut_s + 1 / 3):
        assert_same_scenes(fed(analyzer, clip, {}, boundary_s), whole)
    analyzer.unload()


def test_scenes_of_the_reference_clip_are_the_same_in_chunks():
    analyzer = SceneSegmentation()
    analyzer.load()
    with decode(REFERENCE, [analyzer.needs()], 1) as clip:
        whole = analyzer.analyze(clip, {})
        for length in (0.37, 2.5):
            assert_same_scenes(fed(analyzer, clip, {}, *every(clip, length)), whole)
    analyzer.unload()


def people() -> ArrayClip:
    """A person who moves down a little, then a cat, at two frames per second."""
    shown = photographs()
    clips = [drifting(shown[name][0], 6)[0] for name in ("admiral", "cat")]
    return ArrayClip(np.concatenate([clip.frames(2.0, 0).images for clip in clips]), fps=2.0)


@pytest.fixture(scope="module")
def segmentation():
    analyzer = BackgroundSegmentation()
    analyzer.load()
    yield analyzer
    analyzer.unload()


def test_people_are_the_same_in_chunks(segmentation):
    clip, box = people(), [0.0, 0.1, 0.9, 0.9]
    objects = [Segment(0.0, 2.0, "person", 0.9, {"box": box}), Segment(2.0, 4.0, "cat", 0.9, {"box": box})]
    for upstream in ({}, {"object_detection": objects}):
        whole = segmentation.analyze(clip, upstream)
        for length in (0.2, 0.5, 0.7, 2.5):
            assert_same_people(fed(segmentation, clip, upstream, *every(clip, length)), whole)
    assert {segment.label for segment in whole} == {"person", "no_person"}


def test_people_of_the_reference_clip_are_the_same_in_chunks_and_kept_small(segmentation):
    with decode(REFERENCE, [segmentation.needs()], 1) as clip:
        whole = segmentation.analyze(clip, {})
        assert_same_people(fed(segmentation, clip, {}, *every(clip, 2.2)), whole)
        kept, _ = segmentation.feed(next(slices(clip)), segmentation.begin(clip))
        assert len(pickle.dumps(kept)) < 60_000 * clip.duration_s


def test_a_camera_that_is_lost_for_a_flash_is_found_again_across_chunks():
    frames = shot("coffee", 60, 0.4)
    frames[30:36] = 255
    analyzer, clip = CameraAnalysis(), ArrayClip(recorded(frames), FPS)
    whole = analyzer.analyze(clip, {})
    assert [segment.label for segment in whole] == ["pan_right"]
    for boundary in range(26, 40):
        assert fed(analyzer, clip, {}, boundary / FPS) == whole, boundary


def test_chunks_may_have_no_frames(analyzer):
    slow = ArrayClip(edited()[0][::30], 1.0)
    assert fed(analyzer, slow, {}, *every(slow, 0.25)) == analyzer.analyze(slow, {})


def test_the_reference_clip_is_the_same_in_chunks(analyzer):
    with decode(REFERENCE, [analyzer.needs()], 1) as clip:
        whole = analyzer.analyze(clip, {})
        for length in (0.37, 2.5):
            assert fed(analyzer, clip, {}, *every(clip, length)) == whole, length


def test_what_a_chunk_yields_and_leaves_is_small(analyzer, clip):
    state = analyzer.begin(clip)
    for chunk in slices(clip, *every(clip, 1.0)):
        found, state = analyzer.feed(chunk, state)
        assert len(pickle.dumps(found)) < 50_000
        assert len(pickle.dumps(state)) < 2_000_000
