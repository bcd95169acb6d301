"""A description of every second by Qwen2-VL-7B-Instruct (Wang et al. 2024), a chunk's seconds in one batch.

Every second gets the same number of frames, visual tokens and answer tokens, so all prompts are equally
long, and a clip costs the same whatever it shows. Frames are resized and cut into patches on the device. A
second that a chunk cuts is described with the next one, so its frames are kept until then.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from clipbench.analyzers.base import (
    Chunk,
    ChunkedAnalyzer,
    ClipFacts,
    Frames,
    FrameSettings,
    Segment,
    setting,
)
from clipbench.analyzers.features.text.lexicon import named
from clipbench.analyzers.production import qwen_inputs, qwen_layers, torch_device, transfers
from clipbench.analyzers.production.base import ProductionSettings
from clipbench.analyzers.production.batching import batches, equal_batch, fitting_batch
from clipbench.analyzers.production.hub import FromHub, library_class
from clipbench.analyzers.production.parking import OnDevice
from clipbench.analyzers.production.pretrained import HubModel
from clipbench.analyzers.production.qwen_decoder import Decoder, Run, facts_of
from clipbench.analyzers.production.qwen_inputs import Tokenizer

if TYPE_CHECKING:
    import torch

#: Activations, patches and cached keys of one second in MB, generously: 1152 patches through the vision half.
_SECOND_MB = 400.0


@dataclass
class Qwen2VLSettings(FrameSettings, ProductionSettings):
    """Settings of qwen2_vl_temporal on Qwen2-VL."""

    fps: float = setting(4.0, "frames read per second of clip", low=0.01, high=240)
    size: int = setting(448, "longer side of the frames in pixels, 0 for as stored", low=0, high=8192)
    batch: int = setting(32, "seconds described at a time, if memory allows", low=1, high=512)
    frames: int = setting(4, "frames shown of each second, an even number", low=2, high=64)
    visual_tokens: int = setting(288, "tokens at most for the frames of a second", low=2, high=16384)
    max_new_tokens: int = setting(48, "tokens written about each second", low=4, high=2048)
    cuda_graph: bool = setting(True, "on a GPU: record a decoding step once and replay it")
    question: str = setting(
        "Describe in one sentence what this second of a video shows: who or what, where, what happens.",
        "what is asked about each second",
    )


@dataclass
class QwenState:
    """The first second that is not described yet, and the frames that it may need.

    They are at most those of a second and the one before: 1.7 MB by default.
    """

    second: int = 0
    frames: Frames | None = None


class Described(NamedTuple):
    """The texts of the seconds that are complete with a chunk; no run if there are none."""

    texts: list[str]
    run: Run | None


class Qwen2VL7B(FromHub, OnDevice, ChunkedAnalyzer[QwenState, Described]):
    """Qwen2-VL instead of the composed sentences; it reads nothing but frames."""

    name = "qwen2_vl_temporal"
    settings: Qwen2VLSettings
    settings_type = Qwen2VLSettings
    hub_model = HubModel("Qwen/Qwen2-VL-7B-Instruct", 16.6)
    config_name = "qwen2_vl"
    memory_gb = 22.0
    _decoder: Decoder | None = None
    _model: Any = None

    def load(self, device: str = "cpu") -> None:
        network = self.build(library_class("Qwen2VLForConditionalGeneration"), device, "bfloat16")
        self._model = network  # the library's class, whose parts have no types
        qwen_layers.rewrite(network)
        self.place(device, qwen=network)
        self.tokenizer = self._open_tokenizer(self._model.config)

    def unload(self) -> None:
        self._decoder = self._model = None
        OnDevice.unload(self)

    def offload(self) -> None:
        self._decoder = None  # frees its cache, and a graph that holds addresses
        OnDevice.offload(self)

    def begin(self, clip: ClipFacts) -> QwenState:
        return QwenState()

    def feed(self, chunk: Chunk, state: QwenState) -> tuple[Described, QwenState]:
        times, images = chunk.frames(self.settings.fps, self.settings.size)
        carried = state.frames if state.frames is not None else Frames(times[:0], images[:0])
        times = np.concatenate([carried.times_s, times])
        spans = seconds_of(chunk, state.second, chunk.end_s) if len(times) else []
        described = Described([], None)
        if spans:
            described = self._describe(chunk, self._on_device(chunk, carried), times, spans)
            state.second += len(spans)
        # The frame that stands when the second begins, and those that came after it.
        first = max(0, int(np.searchsorted(times, state.second + 1e-6, side="right")) - 1)
        new = max(0, first - len(carried.images))
        state.frames = Frames(times[first:], np.concatenate([carried.images[first:], images[new:]]))
        return described, state

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[Described],
        state: QwenState,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        self._facts = facts_of([one.run for one in found if one.run]) | {"tokenizer": self.tokenizer.name}
        texts = [text for one in found for text in one.texts]
        return [
            Segment(
                *span,
                text or "nothing is described",
                None,
                {
                    "subjects": [thing.thing for thing in named(text) if not thing.denied],
                    "scene": None,
                    "motion": None,
                    "text": [],
                },
            )
            for span, text in zip(seconds_of(clip, 0, clip.duration_s), texts, strict=True)
        ]

    def _on_device(self, chunk: Chunk, carried: Frames) -> torch.Tensor:
        """The `carried` frames and the chunk's, as transfers.frames_on_device has them."""
        import torch

        frames = transfers.frames_on_device(chunk, self.settings.fps, self.settings.size, self.device)
        if not len(carried.images):
            return frames
        return torch.cat([transfers.upload(carried.images, self.device).permute(0, 3, 1, 2), frames])

    def _describe(
        self, clip: ClipFacts, frames: torch.Tensor, times_s: np.ndarray, spans: list[tuple[float, float]]
    ) -> Described:
        """A text for each span, in seconds, of `frames` [T, 3, H, W] at `times_s` [T]."""
        import torch

        settings, vision = self.settings, self._model.config.vision_config
        shown = settings.frames // vision.temporal_patch_size * vision.temporal_patch_size
        chosen = pick(times_s, spans, shown)
        blocks = shown // vision.temporal_patch_size
        rows, columns = qwen_inputs.grid(clip.width, clip.height, max(1, settings.visual_tokens // blocks))

        most = fitting_batch(settings.batch, _SECOND_MB, self.device)
        batch = equal_batch(len(spans), most)  # the last one is filled up, so that one recorded step fits all
        runs = math.ceil(len(spans) / batch)
        chosen = np.concatenate([chosen, np.repeat(chosen[-1:], runs * batch - len(spans), 0)])
        self._facts = {"batch": batch}
        timer = torch_device.DeviceTimer(self.device)
        found = []
        with torch.inference_mode():
            index = transfers.upload(chosen, self.device)
            for part in batches(len(chosen), batch):
                timer.mark("start")
                with torch_device.phase(self.device, "Qwen2-VL prefill"):
                    decoder = self.prefill(frames[index[part]], (blocks, rows, columns))
                timer.mark("prefill")
                with torch_device.phase(self.device, "Qwen2-VL decode"):
                    found.append(decoder.decode().clone())
                timer.mark("decode")
            (tokens,) = transfers.download(torch.cat(found)[: len(spans)])
        took = timer.seconds()
        run = Run(
            batch=batch,
            prompt_tokens=decoder.length,
            visual_tokens=blocks * rows * columns,
            prefill_s=took["prefill"],
            decode_s=took["decode"],
            # The first token of each second comes with the prefill.
            decoded_tokens=runs * batch * (decoder.budget - 1),
            cuda_graph=decoder.graph is not None,
            why_no_cuda_graph=decoder.why_no_graph,
        )
        return Described([self.text_of(row) for row in tokens.tolist()], run)

    def prefill(self, frames: torch.Tensor, cells: tuple[int, int, int]) -> Decoder:
        """A decoder that has read the prompts about `frames` [N, T, 3, H, W], in `cells` tokens each."""
        import torch

        model = self._model
        vision = model.config.vision_config
        count, (blocks, rows, columns) = len(frames), cells
        merge = vision.spatial_merge_size
        # On the host, because the library reads it element by element.
        sizes = torch.tensor([[blocks, rows * merge, columns * merge]])
        tokens, first = self.prompt_tokens(blocks * rows * columns)
        places = slice(first, first + blocks * rows * columns)
        kinds = torch.zeros(1, len(tokens), dtype=torch.int)
        kinds[:, places] = 2  # the library's number for video
        ids = torch.tensor([tokens])
        positions, _ = model.model.get_rope_index(ids, kinds, video_grid_thw=sizes)
        # Sent before the vision half is queued, so that neither the host nor the copies wait for it.
        ids, positions = (transfers.upload(one.numpy(), self.device) for one in (ids, positions))
        pixels = qwen_inputs.patches(
            frames, rows, columns, vision.patch_size, merge, vision.temporal_patch_size
        )
        seen = self._see(pixels.to(model.dtype), sizes.repeat(count, 1))
        embeddings = model.get_input_embeddings()(ids).repeat(count, 1, 1)
        embeddings[:, places] = seen.view(count, -1, embeddings.shape[-1])

        shape = (count, len(tokens), self.settings.max_new_tokens)
        if self._decoder is None or self._decoder.shape != shape:
            self._decoder = None
            self._decoder = Decoder(model, *shape, self.device, self.settings.cuda_graph)
        self._decoder.prefill(embeddings, positions.expand(3, count, -1))
        return self._decoder

    def _see(self, pixels: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
        """The visual tokens [N, D] of patches, by the vision half; every block of frames sees only itself.

        The library is given what it would otherwise compute from `sizes` on the device, and wait for.
        """
        import torch
        from transformers.vision_utils import get_vision_position_ids

        visual = self._model.model.visual
        places = transfers.upload(
            get_vision_position_ids(sizes, visual.spatial_merge_size).numpy(), self.device
        )
        known = {
            "position_ids": places,
            "cu_seqlens": torch.tensor(
                [0, len(pixels)]
            ),  # on the host; blocks are told apart by their length
            "max_seqlen": len(pixels),
            "block_length": int(sizes[0, 1] * sizes[0, 2]),
        }
        tokens: torch.Tensor = visual(pixels, grid_thw=sizes, **known).pooler_output
        return tokens

    def prompt_tokens(self, count: int) -> tuple[list[int], int]:
        """The prompt's tokens, and where its `count` video tokens begin."""
        config = self._model.config
        vision = (config.vision_start_token_id, config.video_token_id, config.vision_end_token_id)
        return qwen_inputs.prompt(self.tokenizer, self.settings.question, vision, count)

    def _open_tokenizer(self, config: Any) -> Tokenizer:
        """The model's own tokenizer; for random weights the same one from a package, or bytes without it."""
        if not self.random:
            return qwen_inputs.from_file(self.folder() / "tokenizer.json")
        package = None if self.tiny else qwen_inputs.from_package()
        return package or qwen_inputs.of_bytes(config.text_config.eos_token_id - 1)

    def text_of(self, tokens: list[int]) -> str:
        """The text of the tokens up to the end of the turn; random weights never end it."""
        if not self.random and self.tokenizer.end in tokens:
            tokens = tokens[: tokens.index(self.tokenizer.end)]
        return qwen_inputs.clean(self.tokenizer.decode(tokens))


def seconds_of(clip: ClipFacts, first: int, until_s: float) -> list[tuple[float, float]]:
    """The spans of the clip's seconds from `first` on that are over at `until_s`."""
    count = max(1, math.ceil(clip.duration_s - 1e-3))
    over = count if until_s >= clip.duration_s - 1e-6 else min(count, int(until_s + 1e-6))
    return [(float(s), round(min(s + 1.0, clip.duration_s), 3)) for s in range(first, over)]


def pick(times_s: np.ndarray, spans: list[tuple[float, float]], count: int) -> np.ndarray:
    """Which frames (at `times_s`) show each span: `count` of them, evenly spread, int64 [spans, count]."""
    share = (np.arange(count) + 0.5) / count
    wanted = np.array([start + (end - start) * share for start, end in spans])
    return np.clip(np.searchsorted(times_s, wanted + 1e-6, side="right") - 1, 0, len(times_s) - 1)
