"""EasyOCR's two networks, in full and in tiny size, and the steps before and after them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from clipbench.analyzers.features.text.ocr import Reading
from clipbench.analyzers.production import device as devices
from clipbench.analyzers.production import torchvision_cpu

if TYPE_CHECKING:
    import torch

#: CRAFT's pictures have sides that are multiples of this, and its maps a half of them.
MULTIPLE, HALF = 32, 2
#: The reader's pictures are as high as this; lines shorter than the other in pixels are no text (EasyOCR's).
HEIGHT, SHORTEST = 64, 20
#: EasyOCR's thresholds: of links between characters, and of what belongs to one that is sure.
LINK, LOW = 0.4, 0.4
#: Which words form a line, as easyocr.Reader.readtext has it.
GROUPING = {"slope_ths": 0.1, "ycenter_ths": 0.5, "height_ths": 0.5, "width_ths": 0.5, "add_margin": 0.1}
#: Rows, as shares of the height, at which random networks are given lines to read.
DRAWN = (0.15, 0.35, 0.6, 0.85)


def finder(thinner: int = 1) -> torch.nn.Module:
    """CRAFT; `thinner` divides the width of its layers."""
    devices.require("easyocr")
    torchvision_cpu.prepare()
    from easyocr.craft import CRAFT

    if thinner == 1:
        return CRAFT()
    import torch

    with torch.device("meta"):
        net = CRAFT()
    for module in list(net.modules()):
        for name, layer in module.named_children():
            if isinstance(layer, torch.nn.Conv2d):
                ends = [c // thinner or c for c in (layer.in_channels, layer.out_channels)]
                options = (layer.kernel_size, layer.stride, layer.padding, layer.dilation)
                setattr(module, name, torch.nn.Conv2d(*ends, *options))
            elif isinstance(layer, torch.nn.BatchNorm2d):
                setattr(module, name, torch.nn.BatchNorm2d(layer.num_features // thinner))
    return net


def reader(thinner: int = 1) -> torch.nn.Module:
    """The recogniser of EasyOCR's second generation; `thinner` divides the width of its layers."""
    torchvision_cpu.prepare()
    from easyocr.model.vgg_model import Model

    return Model(1, 256 // thinner, 256 // thinner, len(alphabet()) + 1)


def alphabet() -> str:
    """The characters that the recogniser tells apart, after the blank."""
    from easyocr.config import recognition_models

    return recognition_models["gen2"]["english_g2"]["characters"]


def fit(frames: torch.Tensor, longest: int) -> tuple[torch.Tensor, float]:
    """Frames uint8 [T, 3, H, W] as CRAFT wants them, float32, and how many of its pixels one of theirs is.

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
    return devices.standardise(pixels, *devices.IMAGENET), scale


def draw_lines(maps: np.ndarray) -> None:
    """Replace the maps [N, h, w, 2] of a random network, which knows no letters, by those of four lines.

    So that cutting lines out and reading them costs what it does for pictures with some text.
    """
    height, width = maps.shape[1:3]
    maps[:] = 0
    for row in DRAWN:
        top = round(row * height)
        maps[:, top : top + max(5, height // 24), width // 8 : width // 2, 0] = 1


def lines(maps: np.ndarray, scale: float, threshold: float, shape: tuple[int, int]) -> np.ndarray:
    """The lines in one frame of `shape` (height, width), from its maps [h, w, 2]: corners, float32 [N, 4, 2].

    In pixels of the frame, clockwise from the text's top left.
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
    found = np.float32(quads).clip(0, np.float32([shape[1], shape[0]]))
    return found[np.ptp(found, axis=1).max(1) > SHORTEST]


def cut(image: np.ndarray, quads: np.ndarray) -> list[np.ndarray]:
    """The lines at `quads` out of `image` (uint8 RGB), upright and grey: uint8 [HEIGHT, W] each."""
    import cv2

    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    crops = []
    for quad in quads:
        sides = [max(np.linalg.norm(quad[a] - quad[b]), np.linalg.norm(quad[c] - quad[d]))
                 for a, b, c, d in ((0, 1, 3, 2), (0, 3, 1, 2))]  # fmt: skip
        width = max(1, math.ceil(HEIGHT * sides[0] / max(sides[1], 1)))
        corners = np.float32([[0, 0], [width, 0], [width, HEIGHT], [0, HEIGHT]])
        to_crop = cv2.getPerspectiveTransform(quad, corners)
        crops.append(cv2.warpPerspective(grey, to_crop, (width, HEIGHT), flags=cv2.INTER_CUBIC,
                                         borderMode=cv2.BORDER_REPLICATE))  # fmt: skip
    return crops


def read(net: torch.nn.Module, crops: list[np.ndarray], batch: int, device: str) -> list[Reading]:
    """What `crops` (uint8 [HEIGHT, W]) say, and how sure that is.

    Lines of like length are read together: the shorter ones repeat their last column, as in EasyOCR. Its own
    is the confidence: the product of the characters' probabilities to the power of 2 / sqrt(their number).
    """

    dtype = next(net.parameters()).dtype
    order = sorted(range(len(crops)), key=lambda index: crops[index].shape[1])
    best = []
    for part in devices.batches(len(crops), batch):
        group = [crops[index] for index in order[part]]
        widest = max(HEIGHT, group[-1].shape[1])
        pictures = np.stack([np.pad(c, ((0, 0), (0, widest - c.shape[1])), mode="edge") for c in group])
        pixels = devices.upload(pictures, device)[:, None].to(dtype) / 127.5 - 1
        best += net(pixels, None).float().softmax(2).max(2)
    arrays = devices.download(*best) if best else []
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
