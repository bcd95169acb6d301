"""AST and wav2vec 2.0: spectra and scores held to the library's, random weights, and folders of weights."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from clipbench.analyzers import threads
from clipbench.analyzers.base import NothingToAnalyze
from clipbench.analyzers.production.audio_environment import log_mel, padded
from clipbench.analyzers.production.base import MissingWeights
from clipbench.analyzers.production.hub import configuration, library_class
from clipbench.analyzers.production.speech_emotion import emotion_model
from clipbench.analyzers.registry import back_ends
from tests.support.clip_views import ArrayClip
from tests.support.sounds import RATE, noise, recording, silence

NAMES = ("audio_environment", "speech_emotion")


def back_end(name: str, **settings):
    cls = back_ends()[name]
    return cls(cls.settings_type(**({"profile": "random", "model_size": "tiny"} | settings)))


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads.limit(1)
    yield
    threads.limit(None)


@pytest.fixture(scope="module")
def loaded():
    ready = {name: back_end(name) for name in NAMES}
    for analyzer in ready.values():
        analyzer.load("cpu")
    yield ready
    for analyzer in ready.values():
        analyzer.unload()


@pytest.fixture
def clip() -> ArrayClip:
    """Four and a half seconds, three of them speech."""
    return ArrayClip(audio=np.concatenate([silence(1), recording("austen"), silence(0.5)]))


def test_the_full_ast_has_the_parameters_of_its_checkpoint():
    cls = library_class("ASTForAudioClassification")
    with torch.device("meta"):
        net = cls(cls.config_class(**configuration("ast", "full")))
    assert net.audio_spectrogram_transformer.embeddings.position_embeddings.shape == (1, 1214, 768)
    assert round(sum(p.numel() for p in net.parameters()) / 1e6, 1) == 86.6  # the paper says 87 million


def test_the_full_wav2vec_has_the_parameters_of_its_checkpoint():
    cls = emotion_model()
    with torch.device("meta"):
        net = cls(cls.config_class(**configuration("wav2vec2", "full")))
    assert len(net.wav2vec2.encoder.layers) == 12 and net.classifier.out_proj.out_features == 3
    assert round(sum(p.numel() for p in net.parameters()) / 1e6) == 165  # "165M" on its model card


@pytest.mark.parametrize("name", NAMES)
def test_the_same_twice_and_well_formed(name, loaded, clip):
    found = loaded[name].analyze(clip, {})
    assert found and found == loaded[name].analyze(ArrayClip(audio=clip.audio()), {})
    assert [s.start_s for s in found] == sorted(s.start_s for s in found)
    for segment in found:
        assert 0 <= segment.start_s < segment.end_s <= clip.duration_s
        json.dumps(segment.data, allow_nan=False)


def test_windows_of_sound(loaded, clip):
    found = loaded["audio_environment"].analyze(clip, {})
    assert [segment.start_s for segment in found[:3]] == [0.0, 0.5, 1.0]
    assert found[0].end_s == 1.0 and found[-1].end_s == pytest.approx(clip.duration_s, abs=0.5)
    for segment in found:
        scores = [tag["score"] for tag in segment.data["tags"]]
        assert len(scores) == 5 and scores == sorted(scores, reverse=True)
        assert segment.label == segment.data["tags"][0]["tag"]


@pytest.mark.parametrize("seconds", [0.03, 0.4, 1.0, 1.01])
def test_short_sounds_are_a_window(loaded, seconds):
    found = loaded["audio_environment"].analyze(ArrayClip(audio=noise(seconds)), {})
    assert len(found) == (2 if seconds > 1.02 else 1) and found[-1].end_s <= max(seconds, 0.1)


def test_too_short_and_no_sound(loaded):
    with pytest.raises(NothingToAnalyze):
        loaded["audio_environment"].analyze(ArrayClip(audio=noise(0.02)), {})
    for name in NAMES:
        with pytest.raises(NothingToAnalyze):
            loaded[name].analyze(ArrayClip(duration_s=1.0), {})


def test_nobody_speaks(loaded):
    assert loaded["speech_emotion"].analyze(ArrayClip(audio=silence(2)), {}) == []


@pytest.mark.filterwarnings("ignore:At least one mel filter")
def test_spectra_are_those_of_the_librarys_extractor():
    extractor = library_class("ASTFeatureExtractor")()
    sound = recording("austen")[:RATE]
    theirs = extractor(sound, sampling_rate=RATE, return_tensors="np").input_values[0]
    bands = log_mel(torch.from_numpy(sound).unfold(0, 400, 160), 128)
    ours = padded(bands[None], 1024)[0].numpy()
    assert ours.shape == theirs.shape == (1024, 128)
    assert np.abs(ours - theirs).max() < 1e-3


def test_windows_are_filled_up_with_nothing():
    windows = torch.arange(30.0).reshape(3, 10, 1).repeat(1, 1, 2)  # frame t has the value t
    filled = padded(windows, 12) * 2 * 4.5689974 - 4.2677393
    assert filled.shape == (3, 12, 2)
    assert filled[2, :10, 1].tolist() == pytest.approx(list(range(20, 30)), abs=1e-4)
    assert filled[:, 10:].abs().max() < 1e-4


def test_feelings_in_the_format_of_the_embedded_analyzer(loaded, clip):
    for segment in loaded["speech_emotion"].analyze(clip, {}):
        assert segment.label in {"calm", "excited", "tense", "sad", "neutral"}
        assert -1 <= segment.data["arousal"] <= 1 and -1 <= segment.data["valence"] <= 1
        assert set(segment.data) == {
            "arousal", "valence", "f0_hz", "energy_db", "syllables_per_s", "pitch"
        }  # fmt: skip
        assert segment.start_s >= 1.0 and segment.end_s <= 1.2 + len(recording("austen")) / RATE


def test_a_sound_is_judged_alike_alone_and_beside_a_longer_one(loaded):
    """Filling up is not heard: neither by the network's attention, nor in the mean over time."""
    judge = loaded["speech_emotion"].judge_sounds
    short, long = recording("austen")[:RATE], recording("cards")[: 2 * RATE]
    beside = judge([short, long]).numpy()
    assert beside.shape == (2, 3)
    assert np.allclose(beside[1], judge([long]).numpy()[0], atol=1e-4)
    # The first convolutions see the last samples against what follows.
    assert np.allclose(beside[0], judge([short]).numpy()[0], atol=0.05)


@pytest.mark.parametrize(
    ("name", "architecture", "config"),
    [
        ("audio_environment", lambda: library_class("ASTForAudioClassification"), "ast"),
        ("speech_emotion", emotion_model, "wav2vec2"),
    ],
)
def test_a_local_folder_is_loaded(name, architecture, config, tmp_path, clip):
    cls = architecture()
    torch.manual_seed(1)
    made = cls(cls.config_class(**configuration(config, "tiny"))).eval()
    made.save_pretrained(tmp_path)
    analyzer = back_end(name, profile="full", model_size="full", weights=str(tmp_path))
    analyzer.fetch()
    assert analyzer.models()[0].endswith(f" in {tmp_path}")  # whatever is in there, it may be no other's
    analyzer.load("cpu")
    (net,) = analyzer.networks.values()
    assert all(torch.equal(net.state_dict()[key], value) for key, value in made.state_dict().items())
    assert analyzer.analyze(clip, {})
    analyzer.offload()
    analyzer.wake()
    analyzer.unload()
    assert not analyzer.networks


def test_the_weights_of_another_network_are_refused(loaded, tmp_path):
    net = loaded["speech_emotion"].networks["emotion"].wav2vec2  # all but what judges
    net.save_pretrained(tmp_path)
    analyzer = back_end("speech_emotion", profile="full", model_size="full", weights=str(tmp_path))
    with pytest.raises(MissingWeights, match=r"lacks 4 of its weights, such as classifier\.dense\.bias"):
        analyzer.load("cpu")


@pytest.mark.parametrize("name", NAMES)
def test_without_weights_it_says_which_and_how(name, tmp_path):
    analyzer = back_end(name, profile="full", weights=str(tmp_path))
    with pytest.raises(MissingWeights, match=rf"{analyzer.hub_model.repository}.*hf download"):
        analyzer.fetch()
    assert analyzer.stand_in is None


def test_the_networks_are_tiny(loaded):
    for analyzer in loaded.values():
        assert sum(p.numel() for net in analyzer.networks.values() for p in net.parameters()) < 1e6
