"""Quality of photographs and of speech that were made worse on purpose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clipbench.analyzers import content_quality, weights
from clipbench.analyzers.content_quality import ContentQuality, spans_to_hear, together
from clipbench.analyzers.features.vision.brisque import Brisque, fit_gaussian
from tests.support.clip_views import ArrayClip
from tests.support.footage import photo, recorded, shoot
from tests.support.sounds import RATE, noise, silence

PHOTOS = ("astronaut", "chelsea", "coffee")


@pytest.fixture(scope="module")
def analyzer():
    analyzer = ContentQuality()
    analyzer.load()
    yield analyzer
    analyzer.unload()


def grey(name):
    import cv2

    return cv2.cvtColor(photo(name), cv2.COLOR_RGB2GRAY)


def degraded(image):
    """`image` with several distortions, each strong enough to be seen."""
    import cv2

    noisy = np.clip(image + np.random.default_rng(0).normal(0, 20, image.shape), 0, 255).astype(np.uint8)
    packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 10])[1]
    return {
        "blur": cv2.GaussianBlur(image, (0, 0), 2),
        "noise": noisy,
        "jpeg": cv2.imdecode(packed, cv2.IMREAD_UNCHANGED),
    }


@pytest.mark.parametrize("name", PHOTOS)
def test_brisque_ranks_photographs_above_their_distortions(name):
    machine = Brisque(weights.resolve("brisque"))
    clean = machine(grey(name))
    assert -10 < clean < 20
    for kind, worse in degraded(grey(name)).items():
        assert 40 < machine(worse) < 100, kind


def test_the_fit_finds_the_distribution_that_was_drawn_from():
    rng = np.random.default_rng(0)
    shape, mean, left, right = fit_gaussian(rng.normal(0, 2, 200_000))
    assert (shape, mean, left, right) == pytest.approx((2, 0, 4, 4), abs=0.06)
    shape, *_ = fit_gaussian(rng.laplace(0, 1, 200_000))
    assert shape == pytest.approx(1, abs=0.03)
    side = np.abs(rng.normal(0, 1, 200_000))
    skewed = np.where(rng.random(200_000) < 0.25, -side, 3 * side)
    _, mean, left, right = fit_gaussian(skewed)
    assert mean > 0 and (left, right) == pytest.approx((1, 9), rel=0.03)


def test_a_machine_for_other_features_is_refused(tmp_path):
    other = tmp_path / "svm.txt"
    other.write_text("kernel_type rbf\ngamma 0.05\nrho 1\nSV\n1 37:0.5\n")
    with pytest.raises(ValueError, match="feature 37"):
        Brisque(other)


def test_noise_is_measured():
    for sigma in (3, 10, 20):
        plain = np.full((400, 400), 128.0) + np.random.default_rng(1).normal(0, sigma, (400, 400))
        assert content_quality.noise(plain.astype(np.uint8)) == pytest.approx(sigma, rel=0.05)


def test_exposure():
    ramp = np.tile(np.arange(256, dtype=np.uint8), (50, 1))
    assert content_quality.exposure(ramp) > 0.9
    assert content_quality.exposure(np.minimum(ramp * 4.0, 255).astype(np.uint8)) < 0.5
    assert content_quality.exposure(ramp // 12) < 0.4
    assert content_quality.exposure(ramp * 0) == content_quality.exposure(ramp * 0 + 255) == 0


@pytest.mark.parametrize("name", PHOTOS)
def test_each_degraded_second_scores_lower(analyzer, name):
    frame = shoot(photo(name), 1, size=(360, 640))
    clean = recorded(frame)[0]
    frames = np.stack([each for image in (clean, *degraded(clean).values()) for each in (image, image)])
    seconds = analyzer.analyze(ArrayClip(frames, 2.0), {})
    assert [(s.label, s.start_s, s.end_s) for s in seconds] == [("video", t, t + 1) for t in range(4)]
    good, blurred, noisy, blocky = (s.data for s in seconds)
    assert good["score"] > 0.6 and good["score"] > max(d["score"] for d in (blurred, noisy, blocky)) + 0.05
    assert blurred["sharpness"] < good["sharpness"] and noisy["noise"] > 5 * good["noise"]
    assert blocky["brisque"] > good["brisque"] + 10


def test_a_second_is_the_mean_of_its_frames(analyzer):
    frames = recorded(shoot(photo("coffee"), 2, size=(360, 640)))
    frames[1] = 0
    (second,) = analyzer.analyze(ArrayClip(frames, 2.0), {})
    (first,) = analyzer.analyze(ArrayClip(frames[:1], 2.0), {})
    assert second.data["exposure"] == pytest.approx(first.data["exposure"] / 2, abs=1e-4)
    assert second.data["brisque"] == first.data["brisque"]


@pytest.mark.parametrize("shape", [(1, 640, 360), (1, 144, 176), (1, 9, 16), (1, 1, 1), (3, 144, 176)])
def test_plain_small_and_short_clips(analyzer, shape):
    for level in (0, 128, 255):
        segments = analyzer.analyze(ArrayClip(np.full((*shape, 3), level, np.uint8), 6.0), {})
        assert [s.data["brisque"] for s in segments] == [None]
        assert 0 <= segments[0].data["score"] < 0.25


def test_silence_noise_and_no_sound_have_no_speech(analyzer):
    frames = np.zeros((2, 144, 176, 3), np.uint8)
    for audio in (None, silence(2), noise(2), silence(0.01)):
        segments = analyzer.analyze(ArrayClip(frames, 1.0, audio=audio), {})
        assert {s.label for s in segments} == {"video"}


def test_speech_is_grouped_by_what_the_network_hears():
    parts = [(span, np.zeros(1)) for span in spans_to_hear([(0, 4), (5, 9), (10, 12), (20, 41)])]
    groups = [[span for span, _ in group] for group in together([], parts, over=True)]
    assert groups[0] == [(0, 4), (5, 9)] and groups[1][0] == (10, 12)
    assert all(np.diff(spans).sum() <= 9.01 for spans in groups)
    assert sum(np.diff(spans).sum() for spans in groups) == pytest.approx(31)
    kept, found = [], []
    for part in parts:  # one after the other
        found += together(kept, [part], over=part is parts[-1])
    assert [[span for span, _ in group] for group in found] == groups


def spoken():
    """Three seconds of a reading, 16 kHz mono in 16 bits."""
    import av

    with av.open(str(Path(__file__).parents[2] / "clips" / "sources" / "austen.flac")) as container:
        parts = [frame.to_ndarray().ravel() for frame in container.decode(audio=0)]
    return np.concatenate(parts).astype(np.float32) / 32768


def test_speech_scores_lower_with_noise_and_from_afar(analyzer):
    clean = spoken()
    echo = np.exp(-np.arange(RATE // 2) / 3000) * noise(0.5)
    far = np.convolve(clean, echo)[: len(clean)].astype(np.float32)
    noisy = clean + noise(len(clean) / RATE, 0.02)
    frames = np.zeros((3, 36, 64, 3), np.uint8)
    scores = []
    for audio in (clean, noisy, 0.3 * far / np.abs(far).max()):
        segments = analyzer.analyze(ArrayClip(frames, 1.0, audio=audio), {})
        (voice,) = [s for s in segments if s.label == "speech"]
        assert 0 <= voice.start_s < 1 and 2 < voice.end_s <= len(audio) / RATE
        scores.append(voice.data)
    good, noisy, distant = scores
    assert good["mos_overall"] > 2.5 and good["mos_background"] > 3.5
    assert noisy["mos_background"] < good["mos_background"] - 1
    assert max(noisy["mos_overall"], distant["mos_overall"]) < good["mos_overall"] - 0.5
