"""CLIP in content_quality and scene_segmentation: shared, held to the library's processing, from a folder."""

from __future__ import annotations

import gc
import json
import threading
import weakref
from dataclasses import asdict

import cv2
import numpy as np
import pytest
import torch

from clipbench.analyzers import threads
from clipbench.analyzers.production import clip_encoder, torch_device
from clipbench.analyzers.production.base import MissingWeights
from clipbench.analyzers.production.clip_encoder import prepare
from clipbench.analyzers.production.content_quality import QUALITIES, likeness
from clipbench.analyzers.production.hub import configuration, library_class
from clipbench.analyzers.production.normalisation import CLIP
from clipbench.analyzers.registry import back_ends
from tests.support.chunks import every, fed
from tests.support.clip_views import ArrayClip
from tests.support.same_segments import same
from tests.support.sounds import recording

NAMES = ("content_quality", "scene_segmentation")


def back_end(name: str, **settings):
    cls = back_ends()[name]
    return cls(cls.settings_type(**({"profile": "random", "model_size": "tiny"} | settings)))


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads.limit(1)
    yield
    threads.limit(None)


@pytest.fixture
def clip() -> ArrayClip:
    """Two seconds of noise, then two of stripes, without sound."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (4, 60, 40, 3), np.uint8)
    stripes = np.broadcast_to((np.arange(40) // 5 % 2 * 200).astype(np.uint8)[:, None], (4, 60, 40, 3))
    return ArrayClip(np.concatenate([noise, stripes]), fps=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny CLIP as transformers saves it, with a tokenizer that knows single letters."""
    folder = tmp_path_factory.mktemp("clip")
    described = configuration("clip", "tiny")
    cls = library_class("CLIPModel")
    torch.manual_seed(0)
    cls(cls.config_class(**described)).save_pretrained(folder)
    letters = sorted(set("".join(text for pair in QUALITIES.values() for text in pair).lower()) - {" "})
    vocabulary = {piece: n for n, piece in enumerate(c + end for end in ("", "</w>") for c in letters)}
    text = described["text_config"]
    vocabulary |= {"<|startoftext|>": text["bos_token_id"], "<|endoftext|>": text["eos_token_id"]}
    library_class("CLIPTokenizer")(vocab=vocabulary, merges=[]).save_pretrained(folder)
    return folder


def test_the_full_architecture_has_the_parameters_of_vit_l_14():
    cls = library_class("CLIPModel")
    with torch.device("meta"):
        net = cls(cls.config_class(**configuration("clip", "full")))
    assert sum(p.numel() for p in net.parameters()) == 427_616_513  # as its model card's checkpoint


def test_pictures_are_prepared_as_the_librarys_processor_does():
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    rng = np.random.default_rng(0)
    # Smooth, because the processor rounds to 8 bits between its steps.
    picture = cv2.resize(rng.integers(0, 256, (12, 9, 3), np.uint8), (90, 120), interpolation=cv2.INTER_CUBIC)
    size = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    theirs = np.array(CLIPImageProcessorPil(**size)(picture)["pixel_values"])[0]
    ours = prepare(torch.from_numpy(picture).permute(2, 0, 1)[None], 32)[0].numpy()
    assert ours.shape == theirs.shape == (3, 32, 32)
    assert np.abs(ours - theirs).max() < 1.5 / 255 / min(CLIP[1])


@pytest.mark.parametrize("name", NAMES)
def test_the_same_twice_and_well_formed(name, clip):
    analyzer = back_end(name)
    analyzer.load("cpu")
    found = analyzer.analyze(clip, {})
    assert found and found == analyzer.analyze(clip, {})
    for segment in found:
        assert 0 <= segment.start_s <= segment.end_s <= clip.duration_s
        json.dumps(segment.data, allow_nan=False)
    analyzer.unload()
    assert analyzer.models()[0] == "openai/clip-vit-large-patch14" and analyzer.stand_in is None


def test_quality_has_the_keys_of_the_embedded_one_and_clips_own(clip):
    analyzer = back_end("content_quality")
    analyzer.load("cpu")
    found = analyzer.analyze(ArrayClip(clip.frames(2, 0).images, fps=2, audio=recording("austen")), {})
    video = [segment for segment in found if segment.label == "video"]
    assert [segment.start_s for segment in video] == [0.0, 1.0, 2.0, 3.0]
    assert set(video[0].data) == {"sharpness", "noise", "exposure", "brisque", *QUALITIES}
    assert all(0 <= segment.data[key] <= 1 for segment in video for key in QUALITIES)
    assert [set(s.data) for s in found if s.label == "speech"] == [
        {"mos_signal", "mos_background", "mos_overall"}
    ]
    assert "picture" in analyzer.headline(found)
    analyzer.unload()


def test_scenes_begin_where_the_picture_changes(clip):
    analyzer = back_end("scene_segmentation", min_distance=0.001)
    analyzer.load("cpu")
    scenes = analyzer.analyze(clip, {})
    analyzer.unload()
    assert 2.0 in [pytest.approx(scene.start_s, abs=0.3) for scene in scenes[1:]]
    assert scenes[0].start_s == 0 and scenes[-1].end_s == clip.duration_s


def test_scenes_are_the_same_in_chunks_and_all_frames_are_counted(clip):
    loaded = back_end("scene_segmentation")
    loaded.load("cpu")
    whole = loaded.analyze(clip, {})
    assert loaded.facts()["frames"] == 8
    for length in (0.3, 1.0, 2.5):
        found = fed(loaded, clip, {}, *every(clip, length))
        same([asdict(each) for each in found], [asdict(each) for each in whole], f"{length}")
        assert loaded.facts()["frames"] == 8
    loaded.unload()


def test_both_share_one_network_and_its_embeddings(clip):
    both = [back_end(name) for name in NAMES]
    for analyzer in both:
        analyzer.load("cpu")
    assert both[0].encoder is both[1].encoder
    runs = []
    both[0].encoder.network.register_forward_hook(lambda *_: runs.append(1))
    for analyzer in both:
        analyzer.analyze(clip, {})
    assert len(runs) == 1
    both[0].unload()
    assert both[1].analyze(clip, {})
    both[1].offload()
    both[1].wake()
    network = weakref.ref(both[1].encoder.network)
    both[1].unload()
    both[1].unload()
    gc.collect()
    assert network() is None


def test_the_second_user_that_wakes_the_network_waits_until_it_is_back(monkeypatch):
    analyzer = back_end("content_quality")
    analyzer.load("cpu")
    waking, there, woken = threading.Event(), threading.Event(), []

    class Parked:
        def __init__(self, network: torch.nn.Module) -> None: ...

        def park(self) -> None: ...

        def wake(self, device: str) -> None:
            waking.set()
            woken.append(there.wait(5))

    monkeypatch.setattr(clip_encoder, "ParkedWeights", Parked)
    with monkeypatch.context() as patch:
        patch.setattr(torch_device, "on_gpu", lambda device: True)
        patch.setattr(torch_device, "release_all", lambda device: None)
        analyzer.offload()
    users = [threading.Thread(target=analyzer.wake) for _ in range(2)]
    users[0].start()
    assert waking.wait(5)
    users[1].start()
    users[1].join(0.2)
    assert users[1].is_alive()
    there.set()
    for user in users:
        user.join(5)
    assert woken == [True]
    analyzer.unload()


def test_a_local_folder_is_loaded(folder, clip):
    """Embeddings and descriptions are those of the library's own model and tokenizer."""
    analyzer = back_end("content_quality", profile="full", model_size="full", weights=str(folder))
    analyzer.fetch()
    analyzer.load("cpu")
    vectors = analyzer.encoder.embeddings(clip, 2.0, 640, 3)
    whole = library_class("CLIPModel").from_pretrained(folder).eval()
    tokenizer = library_class("AutoTokenizer").from_pretrained(folder)
    pictures = torch.from_numpy(clip.frames(2.0, 640).images).permute(0, 3, 1, 2)
    texts = [text for pair in QUALITIES.values() for text in pair]
    with torch.inference_mode():
        answer = whole(
            pixel_values=prepare(pictures, 32), **tokenizer(texts, padding=True, return_tensors="pt")
        )
    assert np.allclose(vectors, answer.image_embeds.numpy(), atol=1e-5)
    assert np.allclose(analyzer.descriptions.reshape(len(texts), -1), answer.text_embeds.numpy(), atol=1e-5)
    assert len({tuple(row) for row in analyzer.descriptions.reshape(len(texts), -1).round(5)}) == len(texts)
    analyzer.unload()


@pytest.mark.parametrize("name", NAMES)
def test_without_weights_it_says_which_and_how(name, tmp_path):
    with pytest.raises(MissingWeights, match=r"openai/clip-vit-large-patch14.*hf download"):
        back_end(name, profile="full", weights=str(tmp_path)).fetch()


def test_likeness_is_the_softmax_of_a_pair():
    pair = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    seen = likeness(np.array([[1.0, 0.0], [0.0, 1.0], [0.5**0.5, 0.5**0.5], [0.52, 0.5]]), pair)
    assert seen[:3, 0].tolist() == pytest.approx([1.0, 0.0, 0.5])
    assert seen[3, 0] == pytest.approx(np.exp(52) / (np.exp(52) + np.exp(50)))
