"""EasyOCR's two networks, in full and in tiny size, and the steps before and after them.

CRAFT finds words, which are joined to lines; a convolutional recurrent network reads the lines.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from clipbench.analyzers.features.text.ocr import Reading
from clipbench.analyzers.production import torchvision_cpu, transfers
from clipbench.analyzers.production.base import require_package
from clipbench.analyzers.production.batching import batches
from clipbench.analyzers.production.normalisation import IMAGENET, standardise

if TYPE_CHECKING:
    import torch

#: The sides of CRAFT's pictures are multiples of the first; the sides of its maps are theirs over the second.
MULTIPLE, HALF = 32, 2
#: The height of the reader's pictures; lines not longer than the second, in pixels, are no text (EasyOCR's).
HEIGHT, SHORTEST = 64, 20
#: EasyOCR's thresholds of links between characters, and of pixels beside those that reach box_threshold.
LINK, LOW = 0.4, 0.4
#: Which words form a line, as in easyocr.Reader.readtext.
GROUPING = {"slope_ths": 0.1, "ycenter_ths": 0.5, "height_ths": 0.5, "width_ths": 0.5, "add_margin": 0.1}
#: Rows, as shares of the height, at which random networks get lines to read.
DRAWN = (0.15, 0.35, 0.6, 0.85)


def finder(thinner: int = 1) -> torch.nn.Module:
    """CRAFT; `thinner` divides the width of its layers."""
    require_package("easyocr")
    torchvision_cpu.prepare()
    from easyocr.craft import CRAFT

    network: torch.nn.Module
    if thinner == 1:
        network = CRAFT()
        return network
    import torch

    with torch.device("meta"):
        network = CRAFT()
    for module in list(network.modules()):
        for name, layer in module.named_children():
            if isinstance(layer, torch.nn.Conv2d):
                arguments: list[Any] = [c // thinner or c for c in (layer.in_channels, layer.out_channels)]
                arguments += [layer.kernel_size, layer.stride, layer.padding, layer.dilation]
                setattr(module, name, torch.nn.Conv2d(*arguments))
            elif isinstance(layer, torch.nn.BatchNorm2d):
                setattr(module, name, torch.nn.BatchNorm2d(layer.num_features // thinner))
    return network


def reader(thinner: int = 1) -> torch.nn.Module:
    """The recogniser of EasyOCR's second generation; `thinner` divides the width of its layers."""
    torchvision_cpu.prepare()
    from easyocr.model.vgg_model import Model

    network: torch.nn.Module = Model(1, 256 // thinner, 256 // thinner, len(alphabet()) + 1)
    return network


def alphabet() -> str:
    """The characters that the recogniser distinguishes, after the blank."""
    from easyocr.config import recognition_models

    characters: str = recognition_models["gen2"]["english_g2"]["characters"]
    return characters


def fit(frames: torch.Tensor, longest: int) -> tuple[torch.Tensor, float]:
    """Frames uint8 [T, 3, H, W] as CRAFT's pictures, float32, and the scale from frame to picture.

    The longer side is at most `longest`; black is added on the right and below; channels are normalised.
    """
    import torch

    height, width = frames.shape[-2:]
    scale = min(1.0, longest / max(height, width))
    pixels = frames.float() / 255
    if scale < 1:
        shape = max(1, round(height * scale)), max(1, round(width * scale))
        pixels = torch.nn.functional.interpolate(pixels, shape, mode="bilinear", antialias=True)
    below, right = (-side % MULTIPLE for side in pixels.shape[-2:])
    pixels = torch.nn.functional.pad(pixels, (0, right, 0, below))
    return standardise(pixels, *IMAGENET), scale


def draw_lines(maps: np.ndarray) -> None:
    """Replace the maps [N, h, w, 2] of a random network, which knows no letters, by those of four lines.

    So cutting out and reading lines costs as much as for pictures with some text.
    """
    height, width = maps.shape[1:3]
    maps[:] = 0
    for row in DRAWN:
        top = round(row * height)
        maps[:, top : top + max(5, height // 24), width // 8 : width // 2, 0] = 1


def lines(maps: np.ndarray, scale: float, threshold: float, shape: tuple[int, int]) -> np.ndarray:
    """The lines in one frame of `shape` (height, width), from its maps [h, w, 2]: corners, float32 [N, 4, 2].

    The corners are in pixels of the frame, clockwise from the text's top left.
    """
    from easyocr.craft_utils import adjustResultCoordinates, getDetBoxes
    from easyocr.utils import group_text_box

    characters, links = np.ascontiguousarray(maps[..., 0]), np.ascontiguousarray(maps[..., 1])
    words, _, _ = getDetBoxes(characters, links, threshold, LINK, LOW)
    if not len(words):
        return np.empty((0, 4, 2), np.float32)
    words = adjustResultCoordinates(words, 1 / scale, 1 / scale, HALF)
    level, tilted = group_text_box([word.astype(np.int32).reshape(-1) for word in words], **GROUPING)
    quads = [
        *([[x1, y1], [x2, y1], [x2, y2], [x1, y2]] for x1, x2, y1, y2 in level),
        *tilted,
    ]
    found: np.ndarray = np.array(quads, np.float32).clip(0, np.array([shape[1], shape[0]], np.float32))
    kept: np.ndarray = found[np.ptp(found, axis=1).max(1) > SHORTEST]
    return kept


def cut(image: np.ndarray, quads: np.ndarray) -> list[np.ndarray]:
    """The lines at `quads` out of `image` (uint8 RGB), upright and grey: uint8 [HEIGHT, W] each."""
    import cv2

    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    crops = []
    for quad in quads:
        edges = np.array([np.linalg.norm(quad[k] - quad[(k + 1) % 4]) for k in range(4)], np.float32)
        across, down = max(edges[0], edges[2]), max(edges[1], edges[3])
        width = max(1, math.ceil(HEIGHT * across / np.maximum(down, 1)))
        corners = np.array([[0, 0], [width, 0], [width, HEIGHT], [0, HEIGHT]], np.float32)
        to_crop = cv2.getPerspectiveTransform(quad, corners)
        crops.append(cv2.warpPerspective(grey, to_crop, (width, HEIGHT), flags=cv2.INTER_CUBIC,
                                         borderMode=cv2.BORDER_REPLICATE))  # fmt: skip
    return crops


def read(network: torch.nn.Module, crops: list[np.ndarray], batch: int, device: str) -> list[Reading]:
    """The text of `crops` (uint8 [HEIGHT, W]), with confidences.

    Lines of similar length are read together: the shorter ones repeat their last column, as in EasyOCR. The
    confidence is EasyOCR's: the product of the characters' probabilities to the power of 2 / sqrt(their
    number).
    """
    dtype = next(network.parameters()).dtype
    order = sorted(range(len(crops)), key=lambda index: crops[index].shape[1])
    best: list[torch.Tensor] = []
    for part in batches(len(crops), batch):
        group = [crops[index] for index in order[part]]
        widest = max(HEIGHT, group[-1].shape[1])
        pictures = np.stack([np.pad(c, ((0, 0), (0, widest - c.shape[1])), mode="edge") for c in group])
        pixels = transfers.upload(pictures, device)[:, None].to(dtype) / 127.5 - 1
        best += network(pixels, None).float().softmax(2).max(2)
    arrays = transfers.download(*best) if best else []
    readings: list[Reading] = [Reading("", 0.0)] * len(crops)
    letters = np.array(["", *alphabet()])
    at = iter(order)
    for chances, characters in zip(arrays[::2], arrays[1::2], strict=True):
        for chance, character in zip(chances, characters, strict=True):
            new = np.concatenate([[True], character[1:] != character[:-1]])
            text = "".join(letters[character[new]])
            sure = chance[character != 0]
            confidence = float(sure.prod() ** (2 / math.sqrt(len(sure)))) if len(sure) else 0.0
            readings[next(at)] = Reading(text.strip(), confidence)
    return readings
