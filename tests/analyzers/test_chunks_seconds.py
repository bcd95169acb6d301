"""The descriptions of seconds are the same however a clip is cut into chunks."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers import threads
from clipbench.analyzers.base import Frames, Segment
from clipbench.analyzers.production.qwen2_vl_temporal import Qwen2VL7B, Qwen2VLSettings, seconds_of
from clipbench.analyzers.qwen2_vl_temporal import Qwen2VLTemporal
from tests.support.chunks import every, fed, slices
from tests.support.clip_views import ArrayClip
from tests.support.footage import photo

CUTS = [
    (0.37, 0.74, 1.11, 1.48, 1.85, 2.22, 2.59, 2.96, 3.33, 3.7, 4.07, 4.44),
    (1.0, 2.0, 3.0, 4.0),
    (2.5,),
    (0.75, 2.75, 4.25),  # amid seconds
    (2.2, 2.4, 2.6, 2.8, 3.05, 3.1, 3.15),  # chunks without a frame
]


class HeldClip(ArrayClip):
    """A clip whose frames have times of their own; some stand for more than a second."""

    def __init__(self, frames, times_s, duration_s):
        super().__init__(frames, fps=4, duration_s=duration_s)
        self.times_s = np.array(times_s, float)

    def frames(self, fps: float, size: int) -> Frames:
        return Frames(self.times_s, self._frames)


TIMES = [0.1, 0.25, 0.5, 0.75, 1.0, 1.2, 2.9, 3.0, 3.25, 4.4]
DURATION = 4.6


@pytest.fixture(scope="module")
def qwen() -> Qwen2VL7B:
    threads.limit(1)
    few = {"visual_tokens": 24, "max_new_tokens": 6, "question": "What is seen?", "size": 112}
    analyzer = Qwen2VL7B(Qwen2VLSettings(profile="random", model_size="tiny", **few))
    analyzer.load("cpu")
    threads.limit(None)
    return analyzer


@pytest.fixture(scope="module")
def noise() -> HeldClip:
    frames = np.random.default_rng(0).integers(0, 256, (len(TIMES), 112, 84, 3), np.uint8)
    return HeldClip(frames, TIMES, DURATION)


@pytest.fixture
def shown(qwen, monkeypatch) -> list[list[int]]:
    """Fills up with the frames that are shown of each second, by the values of their first pixels."""
    seen: list[list[int]] = []
    prefill = qwen.prefill

    def noting(frames, cells):
        seen.extend(frames[:, :, 0, 0, 0].tolist())
        return prefill(frames, cells)

    monkeypatch.setattr(qwen, "prefill", noting)
    return seen


@pytest.mark.parametrize("cuts", CUTS)
def test_a_second_that_a_chunk_cuts_is_described_once_it_is_complete(qwen, noise, shown, cuts):
    whole = qwen.analyze(noise, {})
    assert [s.start_s for s in whole] == [0, 1, 2, 3, 4]
    first = [noise.frames(4, 112).images[at, 0, 0, 0] for at in range(len(TIMES))]
    # The frames that stand at 1/8, 3/8, 5/8 and 7/8 of each second.
    chosen = [[0, 1, 2, 3], [4, 5, 5, 5], [5, 5, 5, 5], [7, 8, 8, 8], [8, 8, 8, 9]]
    assert shown == [[first[at] for at in second] for second in chosen]
    shown.clear()
    assert fed(qwen, noise, {}, *cuts) == whole
    assert shown == [[first[at] for at in second] for second in chosen]
    facts = qwen.facts()
    assert facts["prompt_tokens"] > 0 and facts["prefill_s"] > 0 and facts["batch"] <= 5


def test_frames_of_a_second_are_kept_and_no_more(qwen, noise):
    state, kept = qwen.begin(noise), []
    for chunk in slices(noise, *every(noise, 0.5)):
        _, state = qwen.feed(chunk, state)
        kept.append([round(float(time), 2) for time in state.frames.times_s])
    # At 0.5 s, 1.0, 1.5, …; the frame that stands at the end of a second shows in the next one.
    assert kept[:4] == [[0.1, 0.25], [0.75], [1.0, 1.2], [1.2]]
    assert max(map(len, kept)) <= 4
    assert state.frames.images.base is None, "a copy, not a part of the clip's memory"


def test_seconds_that_are_over():
    clip = ArrayClip(np.zeros((1, 4, 4, 3), np.uint8), duration_s=3.5)
    assert seconds_of(clip, 0, 3.2) == [(0.0, 1.0), (1.0, 2.0), (2.0, 3.0)]
    assert seconds_of(clip, 2, 3.5) == [(2.0, 3.0), (3.0, 3.5)]
    assert seconds_of(clip, 1, 1.9) == []


class Shades:
    """In place of the classifier: the shade of a picture is its class."""

    def __call__(self, clip, frames):
        probabilities = np.zeros((len(frames.images), 1000), np.float32)
        probabilities[np.arange(len(frames.images)), frames.images[:, 0, 0, 0]] = 0.9
        return type("Found", (), {"probabilities": probabilities})


@pytest.mark.parametrize("cuts", CUTS)
def test_sentences_across_chunks(cuts):
    """Every frame has a class of its own, and others' results begin and end amid seconds."""
    shades = np.arange(len(TIMES), dtype=np.uint8) * 20 + 20
    clip = HeldClip(np.broadcast_to(shades[:, None, None, None], (len(TIMES), 8, 8, 3)), TIMES, DURATION)
    analyzer = Qwen2VLTemporal()
    analyzer._classifier = Shades()
    upstream = {
        "object_detection": [Segment(t / 3, (t + 1) / 3, "person", 0.9) for t in range(2, 9)],
        "camera_analysis": [Segment(0, 1.6, "static"), Segment(1.6, 4.6, "pan_left")],
        "text_overlay": [Segment(0.5, 3.6, "HELLO", 0.9), Segment(0.2, 0.9, "world", 0.9)],
    }
    whole = analyzer.analyze(clip, upstream)
    assert [s.data["motion"] for s in whole] == ["static", "static", "pan_left", "pan_left", "pan_left"]
    assert [s.data["text"] for s in whole] == [["HELLO", "world"], *[["HELLO"]] * 3, []]
    assert fed(analyzer, clip, upstream, *cuts) == whole


def test_photographs_across_chunks():
    import cv2

    analyzer = Qwen2VLTemporal()
    analyzer.load()
    pictures = [cv2.resize(picture, (160, 120)) for picture in (photo("chelsea"), photo("coffee"))]
    clip = ArrayClip(np.repeat(np.stack(pictures), 3, axis=0), fps=2)
    whole = analyzer.analyze(clip, {})
    assert {s.label for s in whole} == {"A cat.", "A cup."}
    for cuts in ((1.0,), (1.5,), (0.37, 0.74, 1.11, 1.48, 1.85, 2.22)):
        assert fed(analyzer, clip, {}, *cuts) == whole
    analyzer.unload()
