"""qwen2_vl_temporal, the stand-in: photographs with known subjects, made-up results of other analyzers."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from clipbench.analyzers.base import Segment
from clipbench.analyzers.features.text.english import counted, listed, plural, sentence
from clipbench.analyzers.qwen2_vl_temporal import Qwen2VLTemporal
from tests.support.clip_views import ArrayClip


@pytest.fixture(scope="module")
def analyzer():
    analyzer = Qwen2VLTemporal()
    analyzer.load()
    yield analyzer
    analyzer.unload()


def clip(*photos: np.ndarray, fps: float = 4, last_s: float = 1.0) -> ArrayClip:
    """A second of each photograph, of the last only `last_s` seconds."""
    frames = [cv2.resize(photo[..., :3], (320, 240)) for photo in photos for _ in range(int(fps))]
    frames = frames[: len(frames) - int(fps) + max(1, round(last_s * fps))]
    return ArrayClip(np.stack(frames), fps)


def seen(label: str, start_s: float, confidence: float = 0.8) -> Segment:
    return Segment(start_s, start_s + 1 / 3, label, confidence, {"box": [0, 0, 1, 1]})


def test_a_sentence_per_second_from_the_pictures_alone(analyzer):
    found = analyzer.analyze(clip(data.chelsea(), data.coffee(), data.coffee(), last_s=0.5), {})
    assert [(s.start_s, s.end_s) for s in found] == [(0, 1), (1, 2), (2, 2.5)]
    assert [s.label for s in found] == ["A cat.", "A cup.", "A cup."]
    assert found[0].data["subjects"] == ["cat"] and found[0].data["motion"] is None
    assert [s.data["scene"] for s in found[:2]] == ["Egyptian cat", "espresso"]
    assert found[0].data["text"] == []


def test_everything_known_goes_into_the_sentence(analyzer):
    people = [seen("person", t / 3) for t in range(3)] + [seen("person", t / 3, 0.7) for t in range(3)]
    upstream = {
        "object_detection": [*people, seen("cat", 0.0), seen("cat", 1 / 3), seen("tie", 2 / 3, 0.3)],
        "camera_analysis": [Segment(0, 0.2, "static"), Segment(0.2, 1, "pan_right")],
        "text_overlay": [Segment(0, 0.5, "HELLO", 0.9), Segment(0.5, 2, "world!", 0.9)],
    }
    found = analyzer.analyze(clip(data.chelsea()), upstream)
    assert [s.label for s in found] == [
        "Two people and a cat; the camera pans right; the text reads “HELLO” and “world!”."
    ]
    assert found[0].data["subjects"] == ["person", "cat"]
    assert found[0].data["motion"] == "pan_right" and found[0].data["text"] == ["HELLO", "world!"]


def test_a_detection_that_flickers_is_not_named(analyzer):
    detections = [seen("person", t / 3) for t in range(3)] + [seen("bench", 1 / 3)]
    found = analyzer.analyze(clip(data.chelsea()), {"object_detection": detections})
    assert "bench" not in found[0].label and found[0].data["subjects"][0] == "person"


def test_plain_frames_and_short_clips(analyzer):
    found = analyzer.analyze(ArrayClip(np.full((1, 20, 20, 3), 128, np.uint8), 30), {"camera_analysis": []})
    assert len(found) == 1 and found[0].end_s == pytest.approx(1 / 30, abs=1e-3)
    assert found[0].label.endswith(".")


def test_it_says_that_it_stands_in():
    assert "vision-language" in Qwen2VLTemporal.stand_in


@pytest.mark.parametrize(
    ("noun", "count", "said"),
    [
        ("apple", 1, "an apple"),
        ("unicycle", 1, "a unicycle"),
        ("person", 2, "two people"),
        ("wine glass", 3, "three wine glasses"),
        ("bus", 9, "several buses"),
        ("skis", 1, "skis"),
        ("teddy bear", 2, "two teddy bears"),
    ],
)
def test_nouns_are_counted(noun, count, said):
    assert counted(noun, count) == said


def test_words_and_sentences():
    assert [plural("bench"), plural("cherry"), plural("toy")] == ["benches", "cherries", "toys"]
    assert [listed([]), listed(["a"]), listed(["a", "b", "c"])] == ["", "a", "a, b and c"]
    assert sentence("a cat", "", "it sleeps") == "A cat; it sleeps."
