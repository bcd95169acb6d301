"""Quality of the picture as CLIP sees it, by pairs of descriptions (CLIP-IQA: Wang, Chan, Loy, AAAI 2023).

A picture is compared with "Good photo." and "Bad photo."; the softmax of the two similarities says how much
it is the former. `score` is that probability, instead of the embedded profile's geometric mean with BRISQUE.
Sharpness, noise and exposure are measured as in the embedded profile, and so is speech.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from clipbench.analyzers.base import Chunk, ClipFacts, Segment
from clipbench.analyzers.content_quality import (
    Hearing,
    QualityAnalyzer,
    QualitySettings,
    Seen,
    exposure,
    noise,
    sharpness,
)
from clipbench.analyzers.production import torch_device, transfers
from clipbench.analyzers.production.clip_encoder import ClipEncoderSettings, UsesClip
from clipbench.analyzers.production.hub import configuration, library_class

if TYPE_CHECKING:
    import torch

#: What a quality is called in a segment's data, the description of a picture that has it, and of one that
#: lacks it.
QUALITIES = {
    "score": ("Good photo.", "Bad photo."),
    "looks_sharp": ("Sharp photo.", "Blurry photo."),
    "looks_clean": ("Clean photo.", "Noisy photo."),
    "looks_bright": ("Bright photo.", "Dark photo."),
}
#: What CLIP multiplies similarities with: the exponential of its `logit_scale`, at the limit of its training.
SCALE = 100.0


@dataclass
class ClipQualitySettings(ClipEncoderSettings, QualitySettings):
    """Settings of content_quality on CLIP."""


class ClipContentQuality(UsesClip, QualityAnalyzer):
    """The embedded analyzer with CLIP's judgement of the picture."""

    name = "content_quality"
    settings: ClipQualitySettings
    settings_type = ClipQualitySettings

    def models(self) -> tuple[str, ...]:
        return (*UsesClip.models(self), self.settings.speech_model, self.settings.vad_model)

    def load(self, device: str = "cpu") -> None:
        self.open_speech_networks()
        self.descriptions = self._described(device)
        self.open_encoder(device)

    def unload(self) -> None:
        if self.encoder is not None:
            self.close_speech_networks()
        UsesClip.unload(self)

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[Seen],
        state: Hearing | None,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        self._facts = {"frames": sum(len(seen.times_s) for seen in found)}
        return super().finish(clip, found, state, upstream)

    def measure_frames(self, clip: Chunk, images: np.ndarray) -> list[dict[str, float | None]]:
        import cv2

        seen = likeness(self.embeddings(clip), self.descriptions)
        measured = []
        for image, row in zip(images, seen, strict=True):
            grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
            data: dict[str, float | None] = {
                "sharpness": sharpness(grey),
                "noise": noise(grey),
                "exposure": exposure(grey),
                "brisque": None,
            }
            measured.append(data | dict(zip(QUALITIES, map(float, row), strict=True)))
        return measured

    def _described(self, device: str) -> np.ndarray:
        """CLIP's unit vectors of the descriptions, float32 [qualities, 2, D]; its text half is not kept."""
        import torch

        texts = [text for pair in QUALITIES.values() for text in pair]
        network = self.build(library_class("CLIPTextModelWithProjection"), device, part="text_config")
        with torch.inference_mode():
            vectors = network(input_ids=self._tokens(texts).to(device)).text_embeds.float()
            (found,) = transfers.download(torch.nn.functional.normalize(vectors, dim=-1))
        del network, vectors
        torch_device.release(device)
        return found.reshape(len(QUALITIES), 2, -1)

    def _tokens(self, texts: list[str]) -> torch.Tensor:
        """The texts as CLIP's tokens, int64 [N, L]; random weights get the usual number of arbitrary ones."""
        import torch

        if not self.random:
            tokenizer = library_class("AutoTokenizer").from_pretrained(self.folder(), local_files_only=True)
            tokens: torch.Tensor = tokenizer(texts, padding=True, return_tensors="pt").input_ids
            return tokens
        config = library_class("CLIPTextConfig")(
            **configuration("clip", self.settings.model_size)["text_config"]
        )
        words = torch.arange(3 * len(texts)).reshape(len(texts), 3) + 300
        ends = torch.tensor([[config.bos_token_id, config.eos_token_id]]).repeat(len(texts), 1)
        return torch.cat([ends[:, :1], words, ends[:, 1:]], 1)


def likeness(vectors: np.ndarray, descriptions: np.ndarray) -> np.ndarray:
    """How much each picture [T, D] is the first of each pair of descriptions [Q, 2, D]: 0..1, [T, Q]."""
    similar = SCALE * np.einsum("td,qpd->tqp", vectors, descriptions)
    odds: np.ndarray = 1 / (1 + np.exp(np.clip(similar[..., 1] - similar[..., 0], -80, 80)))
    return odds
