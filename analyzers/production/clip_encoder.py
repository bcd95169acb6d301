"""CLIP ViT-L/14 (Radford et al. 2021), shared by the analyzers of a worker that look at whole pictures."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from clipbench.analyzers.base import ClipView, FrameSettings, Settings, setting
from clipbench.analyzers.production import torch_device, transfers
from clipbench.analyzers.production.base import ProductionSettings
from clipbench.analyzers.production.batching import batches, fitting_batch
from clipbench.analyzers.production.hub import FromHub, library_class
from clipbench.analyzers.production.normalisation import CLIP, standardise
from clipbench.analyzers.production.parking import ParkedWeights
from clipbench.analyzers.production.pretrained import HubModel

if TYPE_CHECKING:
    import torch

#: Activations of one picture in MB, generously: 257 tokens, 1024 wide, and a layer four times as wide.
PICTURE_MB = 12.0

#: Hold this to open, park, wake or close an encoder: its users may be threads.
_lock = threading.Lock()


class ImageEncoder:
    """The image half of CLIP on a device, and how many analyzers use it."""

    def __init__(self, network: torch.nn.Module, device: str) -> None:
        self.network, self.device, self.users = network, device, 0
        config: Any = network.config
        self.side = int(config.image_size)
        self.batch = 0  # pictures in a run, at the last use
        self._parked: ParkedWeights | None = None
        self._away = False

    def embeddings(self, clip: ClipView, fps: float, size: int, batch: int) -> np.ndarray:
        """Unit vectors float32 [T, D] of the clip's frames, computed once per worker and chunk."""
        return clip.memo(
            ("clip embeddings", fps, size, self.device), lambda: self._encode(clip, fps, size, batch)
        )

    def _encode(self, clip: ClipView, fps: float, size: int, batch: int) -> np.ndarray:
        import torch

        frames = transfers.frames_on_device(clip, fps, size, self.device)
        self.batch = min(len(frames), fitting_batch(batch, PICTURE_MB, self.device))
        dtype = next(self.network.parameters()).dtype
        vectors = []
        with torch.inference_mode(), torch_device.phase(self.device, "CLIP"):
            for part in batches(len(frames), self.batch):
                pixels = prepare(frames[part], self.side).to(dtype)
                vectors.append(self.network(pixel_values=pixels).image_embeds.float())
            (found,) = transfers.download(torch.nn.functional.normalize(torch.cat(vectors), dim=-1))
        vectors_or_zero: np.ndarray = np.nan_to_num(found)
        return vectors_or_zero

    def park(self) -> None:
        """Move the weights to host memory; the first user that asks does it for all."""
        with _lock:
            if torch_device.on_gpu(self.device) and not self._away:
                self._parked = self._parked or ParkedWeights(self.network)
                self._parked.park()
                self._away = True
                torch_device.release_all(self.device)

    def wake(self) -> None:
        """Move the weights back to the device."""
        with _lock:
            if self._parked is not None and self._away:
                self._parked.wake(self.device)
                torch_device.wait(self.device)  # other users compute in streams of their own
                self._away = False


_open: dict[tuple[str, ...], ImageEncoder] = {}


@dataclass
class ClipEncoderSettings(FrameSettings, ProductionSettings):
    """Settings of a back end that reads frames as CLIP's embeddings."""

    fps: float = setting(2.0, "frames read per second of clip", low=0.01, high=240)
    size: int = setting(640, "longer side of the frames in pixels, 0 for as stored", low=0, high=8192)
    batch: int = setting(64, "frames per run of the network, if memory allows", low=1, high=1024)


class UsesClip(FromHub):
    """A back end that reads frames as CLIP's embeddings; `encoder` exists between `load` and `unload`."""

    settings: ClipEncoderSettings
    settings_type: ClassVar[type[Settings]] = ClipEncoderSettings
    hub_model = HubModel("openai/clip-vit-large-patch14", 1.7)
    config_name = "clip"
    memory_gb = 2.0
    encoder: ImageEncoder | None = None

    def open_encoder(self, device: str) -> None:
        """Load the image half of CLIP, or share it with another analyzer of this process."""
        settings = self.settings
        key = (settings.profile, settings.model_size, settings.weights, device)
        with _lock:
            if key not in _open:
                architecture = library_class("CLIPVisionModelWithProjection")
                network = self.build(architecture, device, part="vision_config")
                torch_device.wait(device)  # as in `ImageEncoder.wake`
                _open[key] = ImageEncoder(network, device)
            self.encoder, self._key = _open[key], key
            self.encoder.users += 1

    def loaded_encoder(self) -> ImageEncoder:
        """The encoder; raises RuntimeError if it is not loaded."""
        if self.encoder is None:
            raise RuntimeError(f"{self.name} is not loaded")
        return self.encoder

    def embeddings(self, clip: ClipView) -> np.ndarray:
        """Unit vectors float32 [T, D] of the frames that the settings ask for."""
        settings = self.settings
        found = self.loaded_encoder().embeddings(clip, settings.fps, settings.size, settings.batch)
        self._facts = {"frames": len(found)}
        return found

    def facts(self) -> dict[str, Any]:
        return {**self._facts, "batch": self.loaded_encoder().batch}  # the batch also if encoding failed

    def unload(self) -> None:
        if self.encoder is None:
            return
        with _lock:
            self.encoder.users -= 1
            if not self.encoder.users:
                del _open[self._key]
        device, self.encoder = self.encoder.device, None
        torch_device.release_all(device)

    def offload(self) -> None:
        self.loaded_encoder().park()

    def wake(self) -> None:
        self.loaded_encoder().wake()


def prepare(frames: torch.Tensor, side: int) -> torch.Tensor:
    """Frames uint8 [T, 3, H, W] as float32 [T, 3, side, side]: the middle square, as CLIP was trained.

    The shorter side is resized to `side` with an antialiased bicubic filter (that of CLIP's processor, which
    rounds to 8 bits in between), the middle is cut out, and the channels are normalised.
    """
    import torch

    height, width = frames.shape[-2:]
    scale = side / min(height, width)
    shape = (max(side, int(height * scale)), max(side, int(width * scale)))
    pixels = torch.nn.functional.interpolate(
        frames.float(), shape, mode="bicubic", align_corners=False, antialias=True
    )
    top, left = (shape[0] - side) // 2, (shape[1] - side) // 2
    pixels = pixels[..., top : top + side, left : left + side].clamp(0, 255) / 255
    return standardise(pixels, *CLIP)
