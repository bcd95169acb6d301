"""qwen2_vl_temporal, the stand-in: photographs with known subjects, made-up results of other analyzers."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from clipbench.analyzers.base import Segment
from clipbench.analyzers.features.text.english import counted, listed, plural, sentence
from clipbench.analyzers.features.vision.everyday import NOUNS
from clipbench.analyzers.features.vision.imagenet import class_names
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
    assert [s.data["scene"] for s in found[:2]] == ["cat", "cup"]
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


def cut(at: float) -> Segment:
    return Segment(at, at, "hard_cut", 0.9, {"strength": 0.5})


@pytest.mark.parametrize("at", [0.75, 1.0, 1.25, 1.5])
def test_no_sentence_is_about_two_shots(analyzer, at):
    frames = [cv2.resize(photo[..., :3], (320, 240)) for photo in (data.chelsea(), data.coffee())]
    shots = ArrayClip(np.stack([frames[k >= 4 * at] for k in range(12)]), 4)
    found = analyzer.analyze(shots, {"cut_analysis": [cut(at)]})
    assert {s.label for s in found if s.end_s <= at} == {"A cat."}
    assert {s.label for s in found if s.start_s >= at} == {"A cup."}
    assert [s.start_s for s in found[1:]] == [s.end_s for s in found[:-1]], "no second is left out"
    assert min(s.end_s - s.start_s for s in found) > 0.25 and found[-1].end_s == 3


def test_what_was_seen_before_a_cut_is_not_in_the_next_shot(analyzer):
    people = [seen("person", k / 3) for k in range(4)]
    upstream = {
        "cut_analysis": [cut(1.1)],
        "object_detection": people,
        "text_overlay": [Segment(0, 1.5, "HELLO", 0.9)],
    }
    found = analyzer.analyze(clip(data.coffee(), data.coffee()), upstream)
    assert [s.label for s in found] == ["A person and a cup; the text reads “HELLO”.", "A cup."]


@pytest.mark.parametrize(
    ("detections", "said"),
    [
        ([("person", 0.45), ("car", 0.41)], "A person and a car."),
        ([("person", 0.55), *[("person", 0.37)] * 5], "Six people."),
        ([("person", 0.8), ("tie", 0.7)], "A person."),  # clothes are no subject beside who wears them
        ([("bus", 0.9), ("person", 0.6), ("person", 0.5)], "Two people and a bus."),
        ([("toaster", 0.45)], "Nothing is recognised."),
    ],
)
def test_what_the_detector_is_sure_of(analyzer, detections, said):
    upstream = {"object_detection": [seen(label, t / 3, p) for t in range(3) for label, p in detections]}
    plain = ArrayClip(np.full((4, 240, 320, 3), 128, np.uint8), 4)
    assert analyzer.analyze(plain, upstream)[0].label == said


@pytest.mark.parametrize(("confidence", "motion"), [(0.05, None), (0.4, None), (0.6, "pan_left")])
def test_a_motion_that_is_not_sure_is_not_stated(analyzer, confidence, motion):
    upstream = {"camera_analysis": [Segment(0, 1, "pan_left", confidence)]}
    [found] = analyzer.analyze(clip(data.chelsea()), upstream)
    assert found.data["motion"] == motion and ("camera" in found.label) == (motion is not None)


@pytest.mark.parametrize("seed", range(3))
def test_there_is_no_name_for_nothing_in_particular(analyzer, seed):
    rng = np.random.default_rng(seed)
    grey, level = rng.normal(rng.integers(40, 210), 8, (4, 240, 320, 3)), rng.integers(0, 256, 3)
    for frames in (grey, rng.integers(0, 256, (4, 240, 320, 3)), np.broadcast_to(level, (4, 240, 320, 3))):
        [found] = analyzer.analyze(ArrayClip(np.clip(frames, 0, 255).astype(np.uint8), 4), {})
        assert found.label == "Nothing is recognised." and found.data["scene"] is None


def test_names_are_everyday_words():
    """No class of ImageNet's has two nouns, and clothes and what is worn are somebody who wears them."""
    classes = [index for nouns in NOUNS.values() for index in nouns]
    assert len(classes) == len(set(classes)) and 0 <= min(classes) <= max(classes) < 1000
    of_class = {name: noun for noun, nouns in NOUNS.items() for name in (class_names()[at] for at in nouns)}
    assert {of_class.get(name) for name in ("suit", "bow tie", "military uniform", "groom")} == {"person"}
    assert [of_class.get(name) for name in ("minibus", "cab", "palace")] == ["bus", "car", "building"]
    assert not {"jinrikisha", "web site", "nematode", "bubble"} & of_class.keys()


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
