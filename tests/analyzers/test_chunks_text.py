"""text_overlay finds the same however a clip is cut into chunks."""

from __future__ import annotations

import importlib.util
import pickle

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from clipbench.analyzers import threads
from clipbench.analyzers.features.text.ocr import Reading
from clipbench.analyzers.registry import back_ends
from clipbench.analyzers.text_overlay import TextOverlay, TextOverlaySettings
from tests.support.chunks import every, fed, slices
from tests.support.clip_views import ArrayClip

WIDTH, HEIGHT, FPS = 240, 360, 2
CUTS = [
    (0.37, 0.74, 1.11, 1.48, 1.85, 2.22, 2.59, 2.96, 3.33, 3.7, 4.07, 4.44, 4.81, 5.18, 5.55, 5.92),
    (1.0, 2.0, 3.0, 4.0, 5.0),
    (2.5, 5.0),
    (1.5, 2.5, 4.5, 5.0),  # where captions come, change and go
    (0.55, 0.6, 0.65, 0.7, 3.1, 3.2, 3.3),  # chunks without a sample
]


def captioned() -> ArrayClip:
    """Nothing; a caption while the picture moves; one that is typed; one missed in a sample; a still."""
    wide = cv2.resize(data.chelsea(), (WIDTH + 20 * 13, HEIGHT), interpolation=cv2.INTER_CUBIC)
    texts = ["", "", "", "Part one", "Part one", "Once upon", "Once upon a", "Once upon a time", "",
             "The cat", "", "The cat", "The cat"]  # fmt: skip
    frames = []
    for sample, text in enumerate(texts):
        pan = 20 * min(sample, 11)
        image = Image.fromarray(wide[:, pan : pan + WIDTH].copy())
        if text:
            font = ImageFont.load_default(24)
            ImageDraw.Draw(image).text(
                (20, 280), text, fill="white", font=font, stroke_width=2, stroke_fill="black"
            )
        frames.append(np.asarray(image))
    return ArrayClip(np.stack(frames), FPS)


@pytest.fixture(scope="module")
def clip() -> ArrayClip:
    return captioned()


@pytest.fixture(scope="module")
def loaded(clip):
    analyzer = TextOverlay()
    analyzer.load()
    yield analyzer, analyzer.analyze(clip, {})
    analyzer.unload()


@pytest.mark.parametrize("cuts", CUTS)
def test_captions_across_chunks(loaded, clip, cuts):
    analyzer, whole = loaded
    assert [(s.label, s.start_s, s.end_s) for s in whole] == [
        ("Part one", 1.5, 2.5),
        ("Once upon a time", 2.5, 4.0),
        ("The cat", 4.5, 6.5),
    ]
    assert fed(analyzer, clip, {}, *cuts) == whole


class CountingReader:
    """In place of networks: it finds one line, of which it reads its size; and counts."""

    def __init__(self):
        self.searched = self.read_lines = 0

    def find(self, image, small):
        self.searched += 1
        return np.array([[[20, 270], [200, 270], [200, 320], [20, 320]]], np.float32)

    def read(self, image, quads):
        self.read_lines += len(quads)
        return [Reading("caption", 0.95) for _ in quads]


@pytest.mark.parametrize("cuts", CUTS)
def test_nothing_is_searched_or_read_twice_because_a_chunk_ends(clip, cuts):
    counts = []
    for chunks in ((), cuts):
        analyzer = TextOverlay()
        analyzer._reader = reader = CountingReader()
        fed(analyzer, clip, {}, *chunks)
        counts.append((reader.searched, reader.read_lines))
    assert counts[0] == counts[1]


def test_a_still_that_lies_in_many_chunks_is_searched_once():
    still = ArrayClip(np.repeat(captioned().frames(FPS, 0).images[3:4], 20, axis=0), FPS)
    analyzer = TextOverlay()
    analyzer._reader = reader = CountingReader()
    [line] = fed(analyzer, still, {}, *every(still, 0.7))
    assert (line.start_s, line.end_s) == (0.0, 10.0) and reader.searched == 1


def test_lines_that_ended_are_not_carried_along(clip):
    class Ever(CountingReader):
        """Another line in every sample."""

        def read(self, image, quads):
            self.read_lines += 1
            return [Reading(f"{self.read_lines:04d}" * 4, 0.95) for _ in quads]

    rng = np.random.default_rng(0)
    noise = ArrayClip(rng.integers(0, 256, (60, HEIGHT, WIDTH, 3), np.uint8), FPS)
    analyzer = TextOverlay(TextOverlaySettings(brief_confidence=0.9))
    analyzer._reader = Ever()
    state, sizes = analyzer.begin(noise), []
    for chunk in slices(noise, *every(noise, 5.0)):
        found, state = analyzer.feed(chunk, state)
        assert len(state.lines) <= 2 and len(pickle.dumps(found)) < 300 * 10
        sizes.append(len(pickle.dumps(state)))
    assert max(sizes) < 2 * min(sizes)
    assert len(fed(analyzer, noise, {}, *every(noise, 5.0))) == 60


needs_easyocr = pytest.mark.skipif(
    importlib.util.find_spec("easyocr") is None, reason="easyocr is not installed"
)


@needs_easyocr
@pytest.mark.parametrize("cuts", CUTS)
def test_easyocr_searches_each_changed_sample_once(clip, cuts, monkeypatch):
    threads.limit(1)
    cls = back_ends()["text_overlay"]
    quick = {"min_confidence": 0, "brief_confidence": 0, "min_letters": 1}
    analyzer = cls(cls.settings_type(profile="random", model_size="tiny", **quick))
    analyzer.load()
    threads.limit(None)
    searched, maps = [], analyzer._maps
    monkeypatch.setattr(
        analyzer, "_maps", lambda frames, samples: searched.append(len(samples)) or maps(frames, samples)
    )
    whole = analyzer.analyze(clip, {})
    once = sum(searched)
    found = fed(analyzer, clip, {}, *cuts)
    assert sum(searched) == 2 * once
    assert [(s.label, s.start_s, s.end_s, s.data) for s in found] == [
        (s.label, s.start_s, s.end_s, s.data) for s in whole
    ]
    assert analyzer.facts() == {"batch": 8, "read_batch": 64}
