"""object_detection and body_pose find the same however a clip is cut into chunks."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from clipbench.analyzers.body_pose import MOST_WAITING, PIXELS, BodyPose, BodyPoseSettings
from clipbench.analyzers.features.vision.nanodet import Detection
from clipbench.analyzers.features.vision.tracks import consistent
from clipbench.analyzers.object_detection import ObjectDetection, ObjectDetectionSettings
from tests.support.chunks import every, fed, slices
from tests.support.clip_views import ArrayClip
from tests.support.photographs import photographs, shown
from tests.support.same_segments import same

#: 24 seconds in which every frame is a sample.
SAMPLES, FPS = 72, 3.0
BOX = np.array([0.1, 0.1, 0.4, 0.6])


class Scripted:
    """In place of a CocoDetector: the script's detections of each sample."""

    def __init__(self, script):
        self.script = script

    def find(self, clip):
        times = clip.frames(FPS, 640).times_s
        return [self.script[round(float(time) * FPS)] for time in times]


class Keypoints:
    """In place of MoveNet: keypoints that follow from the picture, whose shade is the sample's number."""

    def __init__(self):
        self.shades = []

    def __call__(self, pictures, batch):
        assert pictures.shape[1:] == (PIXELS, PIXELS, 3)
        shades = pictures[:, PIXELS // 2, PIXELS // 2, 0]
        self.shades += shades.tolist()
        points = np.full((len(pictures), 1, 17, 3), 0.5, np.float32)
        points[..., 2] = 0.5 + shades[:, None, None] / 1000
        return [points]


def shaded(samples: int = SAMPLES) -> ArrayClip:
    """A clip whose frames are all of one shade each: the sample's number."""
    frames = np.broadcast_to(np.arange(samples, dtype=np.uint8)[:, None, None, None], (samples, 64, 64, 3))
    return ArrayClip(frames, fps=FPS)


def person(score: float, at: float = 0.0) -> Detection:
    return Detection("person", score, BOX + np.array([at, 0, at, 0]))


def flickering(seed: int) -> list[list[Detection]]:
    """Two people and a cat who come and go, sometimes seen too unclearly to count."""
    rng = np.random.default_rng(seed)
    script: list[list[Detection]] = []
    for _ in range(SAMPLES):
        seen = [person(score, at) for at, score in zip((0.0, 0.5), rng.uniform(0.2, 0.5, 2), strict=True)]
        seen.append(Detection("cat", float(rng.uniform(0.2, 0.9)), BOX))
        script.append(sorted((one for one in seen if rng.random() < 0.8), key=lambda one: -one.score))
    return script


def counting(script) -> list[list[Detection]]:
    """What counts of a whole script, by the default settings, in square frames."""
    return consistent(np.arange(len(script)) / FPS, script, 1.0, BodyPoseSettings().rule)


def poser(script, **settings) -> BodyPose:
    analyzer = BodyPose(BodyPoseSettings(**settings))
    analyzer._detector, analyzer._network = Scripted(script), Keypoints()
    return analyzer


def placed(segments) -> list[tuple[int, list[float], float]]:
    """Sample, box and shade of each pose."""
    return [(round(s.start_s * FPS), s.data["box"], round(1000 * (s.confidence - 0.5))) for s in segments]


@pytest.mark.parametrize("seconds", [0.2, 0.37, 1.0, 2.5, 7.0, 24.0])
@pytest.mark.parametrize("seed", range(3))
def test_poses_are_those_of_the_persons_that_are_steady_in_the_whole_clip(seed, seconds):
    script, clip = flickering(seed), shaded()
    steady = counting(script)
    expected = [
        (sample, np.round(one.box, 4).tolist(), sample)
        for sample, objects in enumerate(steady)
        for one in objects
        if one.label == "person"
    ]
    assert 20 < len(expected) < 100, "a script in which some persons count and some do not"
    assert placed(fed(poser(script), clip, {}, *every(clip, seconds))) == expected


@pytest.mark.parametrize("seconds", [0.37, 1.0, 24.0])
def test_keypoints_are_placed_once_and_not_of_what_flickers(seconds):
    """One person for three seconds, unclear at first; then a flicker; then one who is never clear.

    A flicker that is sure counts by itself: only an unclear one is dropped.
    """
    scores = [0.25, 0.3, 0.3, 0.6, 0.7, 0.7, 0.7, 0.7, 0.7]
    script = [[person(score)] for score in scores] + [[], [], [person(0.45, 0.5)], [], []]
    script += [[person(0.25)] for _ in range(6)]
    script += [[] for _ in range(SAMPLES - len(script))]
    clip, analyzer = shaded(), poser(script)
    segments = fed(analyzer, clip, {}, *every(clip, seconds))
    assert [sample for sample, _, _ in placed(segments)] == list(range(9))
    assert analyzer._network.shades == list(range(9))


def test_crops_that_wait_are_few():
    """A person who is there all the time and never clear, until the last seconds: all of it counts then."""
    script = [[person(0.34)] for _ in range(60)] + [[person(0.9)] for _ in range(12)]
    clip, analyzer = shaded(), poser(script)
    state, waiting = analyzer.begin(clip), []
    for chunk in slices(clip, *every(clip, 2.0)):
        _, state = analyzer.feed(chunk, state)
        waiting.append(len(state.waiting))
    assert max(waiting) == MOST_WAITING and waiting[-1] == 0
    assert len(fed(poser(script), clip, {}, *every(clip, 2.0))) == SAMPLES


@pytest.mark.parametrize("cuts", [(), (0.2,), (0.1, 0.2)])
def test_a_clip_of_one_sample_needs_no_second_one(cuts):
    clip = shaded(1)
    assert len(fed(poser([[person(0.5)]]), clip, {}, *cuts)) == 1
    assert fed(poser([[person(0.3)]]), clip, {}, *cuts) == []


def test_a_track_of_many_samples_may_lie_in_many_chunks():
    script = [[person(0.45)] if 3 <= sample < 12 else [] for sample in range(SAMPLES)]
    clip = shaded()
    assert len(fed(poser(script, min_samples=9), clip, {}, *every(clip, 0.5))) == 9
    assert fed(poser(script, min_samples=10), clip, {}, *every(clip, 0.5)) == []


@pytest.fixture(scope="module")
def photographed() -> ArrayClip:
    """Somebody for five samples, nobody for one, somebody else for four, and a cup for two."""
    pictures = photographs()
    frames = []
    for name, samples in (("astronaut", 5), ("", 1), ("admiral", 4), ("coffee", 2)):
        for index in range(samples):
            image = pictures[name][0] if name else np.full((64, 64, 3), 90, np.uint8)
            frames.append(shown(image, 60 + 20 * index)[0])
    return ArrayClip(np.stack(frames), fps=FPS)


@pytest.fixture(scope="module", params=[ObjectDetection, BodyPose])
def loaded(request, photographed):
    analyzer = request.param()
    analyzer.load()
    yield analyzer, analyzer.analyze(photographed, {})
    analyzer.unload()


@pytest.mark.parametrize(
    "cuts",
    [
        (1.0, 2.0, 3.0),
        (5 / 3, 2.0),  # at the end of the first person's last sample, and where the next one comes
        (4 / 3, 7 / 3),  # a sample before and after it
        (0.37, 0.4, 0.45, 2.7),  # chunks without a sample
        (1.3, 1.34),  # a chunk of one sample
    ],
)
def test_photographs_across_chunks(loaded, photographed, cuts):
    analyzer, whole = loaded
    assert {segment.start_s for segment in whole} > {0.0, 1.333333, 2.0, 3.0}, "on both sides of each cut"
    found = fed(analyzer, photographed, {}, *cuts)
    same([asdict(one) for one in found], [asdict(one) for one in whole], analyzer.name)


def test_two_objects_that_overlap_keep_their_tracks_across_a_boundary():
    """In the second sample both overlap both, and the surer one is nearer to the other's place."""
    first = [person(0.6, 0.0), person(0.3, 0.12)]
    second = [person(0.5, 0.1), person(0.3, 0.02)]
    script = [first, second, *([] for _ in range(SAMPLES - 2))]
    clip = shaded()
    expected = [one for objects in counting(script) for one in objects]
    found = fed(poser(script), clip, {}, 1 / 3)
    assert [s.data["box"] for s in found] == [np.round(one.box, 4).tolist() for one in expected]
    analyzer = ObjectDetection(ObjectDetectionSettings())
    analyzer._detector = Scripted(script)
    assert [s.confidence for s in fed(analyzer, clip, {}, 1 / 3)] == [one.score for one in expected]
