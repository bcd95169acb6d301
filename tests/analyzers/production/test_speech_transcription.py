"""Whisper's production back end: on the weights of the small one, and on random weights of few layers."""

from __future__ import annotations

import contextlib
import json

import numpy as np
import pytest
import torch

from clipbench.analyzers import threads, weights
from clipbench.analyzers.production import torch_device
from clipbench.analyzers.production.base import MissingWeights
from clipbench.analyzers.production.speech_transcription import (
    DIMENSIONS,
    WhisperLargeSettings,
    WhisperLargeV3,
    halve,
    median_filter,
)
from clipbench.analyzers.registry import back_ends
from clipbench.analyzers.speech_transcription import SpeechTranscription
from clipbench.analyzers.weights import whisper_ct2
from tests.support.clip_views import ArrayClip
from tests.support.sounds import recording, silence


def back_end(**settings) -> WhisperLargeV3:
    return WhisperLargeV3(WhisperLargeSettings(**({"profile": "random", "model_size": "tiny"} | settings)))


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads.limit(1)
    yield
    threads.limit(None)


@pytest.fixture(scope="module")
def clip() -> ArrayClip:
    return ArrayClip(audio=np.concatenate([silence(1), recording("austen"), silence(0.5)]))


@pytest.fixture(scope="module")
def loaded() -> WhisperLargeV3:
    analyzer = back_end()
    analyzer.load("cpu")
    return analyzer


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """The embedded Whisper in a file as openai-whisper publishes them: dimensions and weights in float16."""
    model = whisper_ct2.load(weights.resolve("whisper-tiny.en"))
    path = tmp_path_factory.mktemp("whisper") / "tiny.en.pt"
    state = {name: value.half() for name, value in model.state_dict().items()}
    torch.save({"dims": vars(model.dims), "model_state_dict": state}, path)
    return path


def test_it_is_the_back_end_of_its_name():
    assert back_ends()["speech_transcription"] is WhisperLargeV3
    assert back_end().models() == ("whisper-large-v3", "silero-vad")


def test_the_full_architecture_has_the_parameters_of_large():
    from whisper.model import AudioEncoder, TextDecoder

    sizes = {part: [DIMENSIONS["full"][f"n_{part}_{key}"] for key in ("ctx", "state", "head", "layer")]
             for part in ("audio", "text")}  # fmt: skip
    with torch.device("meta"):
        halves = AudioEncoder(128, *sizes["audio"]), TextDecoder(51866, *sizes["text"])
    # Whisper's README rounds to 1550 M; the encoder's positions are computed, not learnt.
    assert sum(p.numel() for half in halves for p in half.parameters()) == 1_541_570_560


def test_random_weights_write_their_budget_in_words_with_times(loaded, clip):
    found = loaded.analyze(clip, {})
    assert found == loaded.analyze(clip, {})
    # 3 s of speech with a margin of 0.3 s around it, and 4 tokens a second.
    assert loaded.facts()["tokens"] == pytest.approx(4 * len(recording("austen")) / 16000, abs=3)
    assert loaded.facts()["windows"] == loaded.facts()["batch"] == 1
    for segment in found:
        words = segment.data["words"]
        assert segment.label == " ".join(word["word"] for word in words)
        assert (segment.start_s, segment.end_s) == (words[0]["start_s"], words[-1]["end_s"])
        assert set(words[0]) == {"word", "start_s", "end_s", "probability"}
        json.dumps(segment.data, allow_nan=False)
        assert 0.5 <= segment.start_s <= segment.end_s <= clip.duration_s


def test_nobody_speaks(loaded):
    assert loaded.analyze(ArrayClip(audio=silence(2)), {}) == []


def test_the_network_is_tiny(loaded):
    assert sum(p.numel() for p in loaded.networks["whisper"].parameters()) < 1e6


def test_a_checkpoint_is_loaded_and_hears_what_the_embedded_one_hears(checkpoint, clip):
    full = back_end(profile="full", model_size="full", weights=str(checkpoint))
    full.fetch()
    full.load("cpu")
    embedded = SpeechTranscription()
    embedded.load()
    (ours,), (theirs,) = (analyzer.analyze(clip, {}) for analyzer in (full, embedded))
    assert ours.label == theirs.label and "amiable" in ours.label
    # Which heads to align by is told by the embedded file only: the times differ a little.
    assert ours.start_s == pytest.approx(theirs.start_s, abs=0.3)
    full.offload()
    full.wake()
    full.unload()
    embedded.unload()
    assert not full.networks


def test_windows_in_one_run_are_heard_as_one_by_one(loaded):
    sound = np.concatenate([recording("austen"), recording("cards")])
    packed = [[(0.0, 3.0)], [(3.0, 4.0), (4.5, 6.0)]]
    together = loaded.decode_windows(sound, packed)
    assert loaded.facts()["windows"] == loaded.facts()["batch"] == 2
    for spans, result in zip(packed, together, strict=True):
        (alone,) = loaded.decode_windows(sound, [spans])
        # All windows of a run write as much as the longest has time for.
        assert result.tokens[: len(alone.tokens)] == alone.tokens and len(result.tokens) == 12


def test_cudnn_s_attention_is_off_while_keys_grow(loaded, monkeypatch):
    inside, seen = [], []

    @contextlib.contextmanager
    def off(device):
        inside.append(device)
        yield
        inside.clear()

    monkeypatch.setattr(torch_device, "no_cudnn_attention", off)
    hook = loaded.networks["whisper"].decoder.register_forward_hook(lambda *_: seen.append(list(inside)))
    loaded.decode_windows(recording("austen"), [[(0.0, 1.0)]])
    hook.remove()
    assert len(seen) > 1 and all(each == ["cpu"] for each in seen) and not inside


def test_half_precision_leaves_what_must_stay_whole(loaded):
    other = back_end()
    other.load("cpu")
    model = other.networks["whisper"]
    halve(model)
    kinds = {name: value.dtype for name, value in model.named_parameters()}
    assert kinds["encoder.conv1.weight"] == kinds["decoder.token_embedding.weight"] == torch.float16
    assert kinds["encoder.blocks.0.attn.query.weight"] == torch.float16
    assert kinds["decoder.blocks.0.mlp_ln.weight"] == kinds["decoder.positional_embedding"] == torch.float32
    with torch.inference_mode():
        logits = model(torch.zeros(1, 128, 3000).half(), torch.tensor([[50258]]))
    assert logits.shape == (1, 1, 51866) and logits.isfinite().all()
    other.unload()


def test_the_median_of_neighbours():
    values = torch.from_numpy(np.random.default_rng(0).random((2, 3, 40), np.float32))
    padded = np.pad(values.numpy(), ((0, 0), (0, 0), (3, 3)), mode="reflect")
    expected = np.median(np.lib.stride_tricks.sliding_window_view(padded, 7, -1), -1)
    assert np.array_equal(median_filter(values, 7).numpy(), expected)
    assert torch.equal(median_filter(values[..., :3], 7), values[..., :3])


def test_without_weights_it_says_which_and_how(tmp_path):
    with pytest.raises(MissingWeights, match=r"large-v3\.pt \(3\.1 GB\).*put it into .*whisper"):
        back_end(profile="full", weights=str(tmp_path / "large-v3.pt")).fetch()
