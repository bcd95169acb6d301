"""CLIP ViT-L/14 (Radford et al. 2021), shared by the analyzers of a worker that look at whole pictures."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from clipbench.analyzers.base import ClipView
from clipbench.analyzers.production import device as devices
from clipbench.analyzers.production.hub import FromHub, library_class
from clipbench.analyzers.production.weights import HubModel

if TYPE_CHECKING:
    import torch

#: Mean and deviation of the pictures that CLIP was trained on, by channel.
MEAN, DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
#: Activations of one picture in MB, generously: 257 tokens, 1024 wide, and the four times wider layer beside.
PICTURE_MB = 12.0


#: Held where the users of one pair of eyes, who may be threads, open, park, wake or close it.
_lock = threading.Lock()


class Eyes:
    """The picture half of CLIP on a device, with those who use it."""

    def __init__(self, net: torch.nn.Module, device: str) -> None:
        self.net, self.device, self.users = net, device, 0
        self.side = int(net.config.image_size)
        self.batch = 0  # pictures in a run, at the last look
        self._parked: devices.Parked | None = None
        self._away = False

    def embeddings(self, clip: ClipView, fps: float, size: int, batch: int) -> np.ndarray:
        """Unit vectors float32 [T, D] of the clip's frames, computed once per worker and clip."""
        return clip.memo(
            ("clip embeddings", fps, size, self.device), lambda: self._look(clip, fps, size, batch)
        )

    def _look(self, clip: ClipView, fps: float, size: int, batch: int) -> np.ndarray:
        import torch

        frames = devices.frames_on(clip, fps, size, self.device)
        self.batch = min(len(frames), devices.fitting_batch(batch, PICTURE_MB, self.device))
        vectors = []
        with torch.inference_mode(), devices.phase(self.device, "CLIP"):
            for part in devices.batches(len(frames), self.batch):
                pixels = prepare(frames[part], self.side).to(self.net.dtype)
                vectors.append(self.net(pixel_values=pixels).image_embeds.float())
            (found,) = devices.download(torch.nn.functional.normalize(torch.cat(vectors), dim=-1))
        return np.nan_to_num(found)

    def park(self) -> None:
        """Weights to host memory, whoever of the users asks first."""
        with _lock:
            if devices.on_gpu(self.device) and not self._away:
                self._parked = self._parked or devices.Parked(self.net)
                self._parked.park()
                self._away = True
                devices.release_all(self.device)

    def wake(self) -> None:
        """Weights back to the device."""
        with _lock:
            if self._away:
                self._parked.wake(self.device)
                devices.wait(self.device)  # other users look in streams of their own
                self._away = False


_open: dict[tuple[str, ...], Eyes] = {}


class WithClip(FromHub):
    """A back end that looks with CLIP; `eyes` are there between `load` and `unload`."""

    hub_model = HubModel("openai/clip-vit-large-patch14", 1.7)
    config_name = "clip"
    memory_gb = 2.0
    eyes: Eyes | None = None

    def open_eyes(self, device: str) -> None:
        """Load the picture half of CLIP, or share it with another analyzer of this process."""
        settings = self.settings
        key = (settings.profile, settings.model_size, settings.weights, device)
        with _lock:
            if key not in _open:
                architecture = library_class("CLIPVisionModelWithProjection")
                net = self.build(architecture, device, part="vision_config")
                devices.wait(device)  # as in `Eyes.wake`
                _open[key] = Eyes(net, device)
            self.eyes, self._key = _open[key], key
            self.eyes.users += 1

    def embeddings(self, clip: ClipView) -> np.ndarray:
        """Unit vectors float32 [T, D] of the frames that the settings name."""
        found = self.eyes.embeddings(clip, self.settings.fps, self.settings.size, self.settings.batch)
        self._facts = {"frames": len(found)}
        return found

    def facts(self) -> dict[str, Any]:
        return {**self._facts, "batch": self.eyes.batch}  # the batch also where the look at the frames failed

    def unload(self) -> None:
        if self.eyes is None:
            return
        with _lock:
            self.eyes.users -= 1
            if not self.eyes.users:
                del _open[self._key]
        device, self.eyes = self.eyes.device, None
        devices.release_all(device)

    def offload(self) -> None:
        self.eyes.park()

    def wake(self) -> None:
        self.eyes.wake()


def prepare(frames: torch.Tensor, side: int) -> torch.Tensor:
    """Frames uint8 [T, 3, H, W] as float32 [T, 3, side, side]: the middle square, as CLIP was trained.

    The shorter side is resized to `side` with an antialiased bicubic filter (the processor's, which rounds to
    8 bits in between), the middle cut out, and the channels normalised.
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
    return devices.standardise(pixels, MEAN, DEVIATION)
