"""text_overlay on captions rendered over real photographs that move behind them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from clipbench.analyzers.features.text.ocr import PpOcr
from clipbench.analyzers.text_overlay import TextOverlay, TextOverlaySettings
from tests.support.clip_views import ArrayClip

WIDTH, HEIGHT, FPS = 360, 640, 2


@pytest.fixture(scope="module")
def analyzer():
    analyzer = TextOverlay()
    analyzer.load()
    yield analyzer
    analyzer.unload()


def pan(photo: np.ndarray, count: int) -> list[np.ndarray]:
    """`count` frames of a camera that pans across `photo`, 20 pixels per sample."""
    scale = max(HEIGHT / photo.shape[0], (WIDTH + 20 * count) / photo.shape[1])
    wide = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return [wide[:HEIGHT, 20 * k : 20 * k + WIDTH].copy() for k in range(count)]


def write(frame: np.ndarray, text: str, x: int, y: int, size: int = 30) -> np.ndarray:
    image = Image.fromarray(frame)
    font = ImageFont.load_default(size)
    ImageDraw.Draw(image).text((x, y), text, fill="white", font=font, stroke_width=2, stroke_fill="black")
    return np.asarray(image)


def captioned(captions: list[tuple[str, int]], x: int = 20, y: int = 520, size: int = 30) -> ArrayClip:
    """A pan over the cat with each caption for so many samples, at one place."""
    shown = [text for text, samples in captions for _ in range(samples)]
    frames = pan(data.chelsea(), len(shown))
    return ArrayClip([write(f, t, x, y, size) if t else f for f, t in zip(frames, shown, strict=True)], FPS)


def count_calls(monkeypatch) -> dict[str, int]:
    """How many frames are searched and lines read from now on."""
    calls = {"find": 0, "read": 0}
    find, read = PpOcr.find, PpOcr.read

    def counting_find(self, image, small):
        calls["find"] += 1
        return find(self, image, small)

    def counting_read(self, image, quads):
        calls["read"] += len(quads)
        return read(self, image, quads)

    monkeypatch.setattr(PpOcr, "find", counting_find)
    monkeypatch.setattr(PpOcr, "read", counting_read)
    return calls


def test_captions_are_read_once_while_the_picture_behind_them_moves(analyzer, monkeypatch):
    clip = captioned([("", 1), ("Look at the cat", 4), ("", 1), ("Goodbye, cat!", 3)])
    calls = count_calls(monkeypatch)
    found = analyzer.analyze(clip, {})
    assert [(s.label, s.start_s, s.end_s) for s in found] == [
        ("Look at the cat", 0.5, 2.5),
        ("Goodbye, cat!", 3.0, 4.5),
    ]
    assert calls["read"] <= 4, "standing captions were read again"
    x1, y1, x2, y2 = found[0].data["box"]
    assert x1 == pytest.approx(20 / WIDTH, abs=0.04) and y1 == pytest.approx(525 / HEIGHT, abs=0.03)
    assert x2 < 0.85 and y2 < 0.9 and found[0].confidence > 0.9


def test_one_changed_character_is_a_new_text(analyzer):
    found = analyzer.analyze(captioned([("Chapter 1", 3), ("Chapter 2", 3)]), {})
    assert [(s.label, s.start_s, s.end_s) for s in found] == [("Chapter 1", 0, 1.5), ("Chapter 2", 1.5, 3)]


def test_a_text_that_is_being_typed_is_one_text(analyzer):
    found = analyzer.analyze(captioned([("Once upon", 1), ("Once upon a", 1), ("Once upon a time", 2)]), {})
    assert [(s.label, s.start_s, s.end_s) for s in found] == [("Once upon a time", 0, 2)]


def test_small_print_is_found_at_the_sample_in_which_it_comes(analyzer):
    found = analyzer.analyze(captioned([("", 2), ("photograph: Stefan van der Walt", 2)], size=17), {})
    assert [(s.start_s, s.end_s) for s in found] == [(1.0, 2.0)]
    assert found[0].label.replace(" ", "") == "photograph:StefanvanderWalt"


def test_print_in_large_frames_is_read_from_frames_of_bounded_size(analyzer):
    """In 3840 x 2160, full frames would be 25 MB each and read no more."""
    frame = cv2.resize(data.coffee(), (3840, 2160), interpolation=cv2.INTER_CUBIC)
    clip = ArrayClip([write(frame, "Dr. Ilse Maier, Graz", 400, 1500, 60)] * 2, FPS)
    [request] = analyzer.needs().frames
    assert max(clip.frames(*request).images.shape[1:3]) == 1280
    [line] = analyzer.analyze(clip, {})
    assert line.label == "Dr. Ilse Maier, Graz"
    assert line.data["box"][:2] == pytest.approx([400 / 3840, 1510 / 2160], abs=0.01)


def test_a_sign_that_the_edge_cuts_off_is_no_overlay(analyzer):
    street = write(cv2.resize(data.chelsea(), (900, HEIGHT)), "BAKERY STREET", 60, 300, 40)
    frames = [street[:, 90 * k + 80 : 90 * k + 80 + WIDTH] for k in range(4)]
    assert analyzer.analyze(ArrayClip(frames, FPS), {}) == []


def test_photographs_without_text_give_nothing(analyzer):
    frames = pan(data.chelsea(), 3) + pan(data.coffee(), 3)
    assert analyzer.analyze(ArrayClip(frames, FPS), {}) == []


def test_a_still_is_searched_once(analyzer, monkeypatch):
    still = write(pan(data.coffee(), 1)[0], "Fresh coffee", 40, 80)
    calls = count_calls(monkeypatch)
    found = analyzer.analyze(ArrayClip([still] * 6, FPS), {})
    assert [(s.label, s.start_s, s.end_s) for s in found] == [("Fresh coffee", 0, 3)]
    assert calls == {"find": 1, "read": 1}


def test_single_samples_of_unsure_text_are_dropped():
    strict = TextOverlay(TextOverlaySettings(brief_confidence=1.0))
    strict.load()
    assert strict.analyze(captioned([("", 1), ("blink", 1), ("", 1)]), {}) == []


@pytest.mark.parametrize("shape", [(144, 176), (16, 16), (90, 640)])
def test_small_and_short_clips(analyzer, shape):
    assert analyzer.analyze(ArrayClip(np.zeros((1, *shape, 3), np.uint8), 30), {}) == []


@pytest.mark.parametrize("degrees", [0, 12, 25])
@pytest.mark.parametrize(
    ("text", "size"), [("Platform 9", 18), ("Open every day", 16), ("Exit to the left", 20)]
)
def test_small_and_slanted_text_is_read(analyzer, text, size, degrees):
    """In frames of 1280 x 720, as of a sign or a shop in a street."""
    letters = Image.new("L", (1280, 720))
    ImageDraw.Draw(letters).text((640, 360), text, fill=255, font=ImageFont.load_default(size), anchor="mm")
    share = np.asarray(letters.rotate(degrees, Image.Resampling.BICUBIC))[..., None] / 255
    frame = cv2.resize(data.coffee(), (1280, 720)) * 0.6 * (1 - share) + 255 * share
    found = analyzer.analyze(ArrayClip(np.stack([frame.astype(np.uint8)] * 2), FPS), {})
    assert [s.label for s in found] == [text]


@pytest.mark.parametrize("photo", ["coffee", "camera", "gravel", "brick", "rocket", "astronaut"])
@pytest.mark.parametrize("speed", [0, 20])
def test_no_text_is_found_in_textures(analyzer, photo, speed):
    """The letters on the astronaut's suit and the rocket are too small to be read."""
    picture = getattr(data, photo)()
    picture = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
    wide = cv2.resize(picture, (1280 + 5 * speed, 720), interpolation=cv2.INTER_CUBIC)
    rng = np.random.default_rng(0)
    frames = [wide[:, k * speed : k * speed + 1280] + rng.normal(0, 5, (720, 1280, 1)) for k in range(5)]
    found = analyzer.analyze(ArrayClip(np.clip(frames, 0, 255).astype(np.uint8), FPS), {})
    assert [s.label for s in found] == []
