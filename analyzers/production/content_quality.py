"""Quality of the picture as CLIP sees it, by pairs of descriptions (CLIP-IQA: Wang, Chan, Loy, AAAI 2023).

A picture is compared with "Good photo." and "Bad photo."; the softmax of the two similarities says how much
it is the former. `score` is that probability, in the place of the embedded profile's BRISQUE and mean.
Sharpness, noise and exposure are measured as ever, and so is speech.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clipbench.analyzers.base import ClipView, FrameSettings, setting
from clipbench.analyzers.content_quality import ContentQuality, exposure, noise, sharpness
from clipbench.analyzers.features import networks
from clipbench.analyzers.features.speech.voice_activity import SpeechSettings
from clipbench.analyzers.production import device as devices
from clipbench.analyzers.production.base import ProductionSettings
from clipbench.analyzers.production.clip_model import WithClip
from clipbench.analyzers.production.hub import configuration, library_class

#: What a quality is called in a segment's data, the description that has it, and the one that lacks it.
QUALITIES = {
    "score": ("Good photo.", "Bad photo."),
    "looks_sharp": ("Sharp photo.", "Blurry photo."),
    "looks_clean": ("Clean photo.", "Noisy photo."),
    "looks_bright": ("Bright photo.", "Dark photo."),
}
#: What CLIP multiplies similarities with: the exponential of its `logit_scale`, which was clipped there.
SCALE = 100.0


@dataclass
class ClipQualitySettings(FrameSettings, SpeechSettings, ProductionSettings):
    fps: float = setting(2.0, "frames read per second of clip", low=0.01, high=240)
    size: int = setting(640, "longer side of the frames in pixels, 0 for as stored", low=0, high=8192)
    batch: int = setting(64, "frames per run of the network, where memory allows", low=1, high=1024)
    speech_model: str = setting("dnsmos", "model card of the network for speech")
    join_s: float = setting(1.0, "pauses up to this many seconds belong to the speech", low=0, high=9)
    min_total_s: float = setting(0.5, "less speech than this is not scored", low=0.1, high=9)


class ClipContentQuality(WithClip, ContentQuality):
    """The embedded analyzer with CLIP's judgement of the picture."""

    name = "content_quality"
    settings_type = ClipQualitySettings

    def models(self) -> tuple[str, ...]:
        return (*super().models(), self.settings.speech_model, self.settings.vad_model)

    def load(self, device: str = "cpu") -> None:
        self._speech = networks.open_net(self.settings.speech_model)
        self._vad = networks.open_net(self.settings.vad_model)
        self._descriptions = self._described(device)
        self.open_eyes(device)

    def unload(self) -> None:
        if self.eyes is not None:
            self._speech.close()
            self._vad.close()
        super().unload()

    def _measured(self, clip: ClipView, images: np.ndarray) -> list[dict[str, float | None]]:
        import cv2

        seen = likeness(self.embeddings(clip), self._descriptions)
        measured = []
        for image, row in zip(images, seen, strict=True):
            grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
            data = {"sharpness": sharpness(grey), "noise": noise(grey), "exposure": exposure(grey)}
            measured.append(data | {"brisque": None} | dict(zip(QUALITIES, map(float, row), strict=True)))
        return measured

    def _described(self, device: str) -> np.ndarray:
        """CLIP's unit vectors of the descriptions, float32 [qualities, 2, D]; its text half is not kept."""
        import torch

        texts = [text for pair in QUALITIES.values() for text in pair]
        net = self.build(library_class("CLIPTextModelWithProjection"), device, part="text_config")
        with torch.inference_mode():
            vectors = net(input_ids=self._tokens(texts).to(device)).text_embeds.float()
            (found,) = devices.download(torch.nn.functional.normalize(vectors, dim=-1))
        del net, vectors
        devices.release(device)
        return found.reshape(len(QUALITIES), 2, -1)

    def _tokens(self, texts: list[str]):
        """The texts as CLIP's tokens, int64 [N, L]; for random weights any will do, as many as usual."""
        import torch

        if not self.random:
            tokenizer = library_class("AutoTokenizer").from_pretrained(self.folder(), local_files_only=True)
            return tokenizer(texts, padding=True, return_tensors="pt").input_ids
        config = library_class("CLIPTextConfig")(
            **configuration("clip", self.settings.model_size)["text_config"]
        )
        words = torch.arange(3 * len(texts)).reshape(len(texts), 3) + 300
        ends = torch.tensor([[config.bos_token_id, config.eos_token_id]]).repeat(len(texts), 1)
        return torch.cat([ends[:, :1], words, ends[:, 1:]], 1)


def likeness(vectors: np.ndarray, descriptions: np.ndarray) -> np.ndarray:
    """How much each picture [T, D] is the first of each pair [Q, 2, D] of descriptions: 0..1, [T, Q]."""
    similar = SCALE * np.einsum("td,qpd->tqp", vectors, descriptions)
    return 1 / (1 + np.exp(np.clip(similar[..., 1] - similar[..., 0], -80, 80)))
