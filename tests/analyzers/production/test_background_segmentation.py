"""background_segmentation on SegFormer: random, from a checkpoint, and beside the library's own steps."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from clipbench.analyzers import threads
from clipbench.analyzers.features.vision.person_masks import PIXELS
from clipbench.analyzers.production import background_segmentation as module
from clipbench.analyzers.production.base import MissingWeights
from clipbench.analyzers.production.hub import configuration, library_class
from clipbench.analyzers.production.random_weights import initialise
from clipbench.analyzers.production.transfers import frames_on_device
from clipbench.analyzers.registry import back_ends
from tests.support.chunks import every, fed
from tests.support.clip_views import ArrayClip

pytest.importorskip("transformers", reason="transformers is not installed")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads.limit(1)
    yield
    threads.limit(None)


def back_end(**settings):
    cls = back_ends()["background_segmentation"]
    return cls(cls.settings_type(**{"profile": "random", "model_size": "tiny", **settings}))


def clip(count: int = 4) -> ArrayClip:
    return ArrayClip(np.random.default_rng(0).integers(0, 256, (count, 90, 160, 3), np.uint8), fps=2)


@pytest.fixture(scope="module")
def loaded():
    ready = back_end()
    ready.load("cpu")
    return ready


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A tiny network in a folder as transformers writes it."""
    architecture = library_class("SegformerForSemanticSegmentation")
    config = architecture.config_class(**configuration("segformer", "tiny"))
    net = initialise(architecture(config))
    folder = tmp_path_factory.mktemp("segformer")
    net.save_pretrained(folder)
    return folder, net.eval()


def test_segments_are_in_the_embedded_format(loaded):
    segments = loaded.analyze(clip(), {})
    assert [(s.start_s, s.end_s) for s in segments] == [(0, 0.5), (0.5, 1), (1, 1.5), (1.5, 2)]
    for segment in segments:
        assert segment.label in ("person", "no_person")
        height, width = segment.data["mask"]["size"]
        assert (height, width) == (108, 192)
        assert sum(segment.data["mask"]["counts"]) == height * width
        assert 0 <= segment.data["person_share"] <= 1
        assert segment.data["background_rgb"]
    assert loaded.analyze(clip(), {}) == segments


def test_chunks_are_segmented_like_the_whole_clip(loaded):
    expected = loaded.analyze(clip(), {})
    for length in (0.2, 0.5, 1.5):
        found = fed(loaded, clip(), {}, *every(clip(), length))
        for one, other in zip(found, expected, strict=True):
            assert (one.start_s, one.end_s, one.label) == (other.start_s, other.end_s, other.label)
            assert one.data["person_share"] == pytest.approx(other.data["person_share"], abs=1e-2)
    assert loaded.facts() == {"batch": 3}  # frames of the last chunks' length


def test_batches_are_equal(loaded):
    ready, sizes = back_end(batch=5), []
    ready.load("cpu")
    network = ready.networks["segformer"]

    network.register_forward_pre_hook(
        lambda module, args, kwargs: sizes.append(len(kwargs["pixel_values"])), with_kwargs=True
    )
    found = ready.person_probabilities(clip(12))
    assert sizes == [4, 4, 4] and ready.facts() == {"batch": 4}
    assert np.allclose(found, loaded.person_probabilities(clip(12)), atol=1e-5)


def test_masks_wait_for_nobody():
    assert back_ends()["background_segmentation"].upstream == ()


def test_what_is_likely_a_person_is_the_mask(loaded, monkeypatch):
    """A network that sees a person in the left half."""

    class Sees(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(1))

        def forward(self, pixel_values):
            logits = torch.zeros(len(pixel_values), 150, 16, 16)
            logits[:, module.PERSON, :, :8] = 20
            return type("Output", (), {"logits": logits})

    monkeypatch.setattr(loaded, "networks", {"segformer": Sees()})
    (segment,) = loaded.analyze(clip(1), {})
    assert segment.label == "person"
    assert segment.data["person_share"] == pytest.approx(0.5, abs=0.02)
    assert segment.data["mask"]["counts"][:2] == [0, 96]


def test_a_checkpoint_gives_what_the_library_makes_of_it(checkpoint):
    folder, net = checkpoint
    ready = back_end(profile="full", model_size="full", weights=str(folder), size=160, pixels=64)
    ready.fetch()
    ready.load("cpu")
    masks = ready.person_probabilities(clip(2))
    assert masks.shape == (2, PIXELS, PIXELS)
    pixels = library_class("SegformerImageProcessor")(size={"height": 64, "width": 64})(
        list(clip(2).frames(2, 160).images), return_tensors="pt"
    )["pixel_values"]
    ours = module.prepare(frames_on_device(clip(2), 2, 160, "cpu"), 64)
    # The processor rounds resized pixels to 8 bits.
    assert (pixels - ours).abs().max() < 0.02
    with torch.inference_mode():
        person = net(pixel_values=ours).logits.softmax(1)[:, module.PERSON]
    assert masks.mean() == pytest.approx(float(person.mean()), rel=0.05)


def test_the_full_architecture_has_the_published_number_of_parameters():
    """84.7 million: table 1 of the paper."""
    architecture = library_class("SegformerForSemanticSegmentation")
    with torch.device("meta"):
        net = architecture(architecture.config_class(**configuration("segformer", "full")))
    assert sum(p.numel() for p in net.parameters()) == pytest.approx(84.7e6, rel=0.005)


def test_the_tiny_one_is_tiny_and_can_be_unloaded():
    ready = back_end()
    ready.load("cpu")
    assert sum(p.numel() for p in ready.networks["segformer"].parameters()) < 1_000_000
    ready.networks["segformer"].apply(
        lambda m: [p.data.fill_(float("nan")) for p in m.parameters(recurse=False)]
    )
    assert {s.label for s in ready.analyze(clip(), {})} == {"no_person"}
    ready.unload()
    assert not ready.networks


def test_missing_weights_are_named_with_the_way_to_get_them(tmp_path):
    with pytest.raises(MissingWeights, match="segformer-b5-finetuned-ade") as missing:
        back_end(profile="full", model_size="full", weights=str(tmp_path)).fetch()
    assert "models.production.background_segmentation.weights" in missing.value.how
