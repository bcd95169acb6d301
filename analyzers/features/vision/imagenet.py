"""What frames show, by an ImageNet classifier: class probabilities, and embeddings for comparing frames."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from clipbench.analyzers import weights
from clipbench.analyzers.base import ClipView, Frames
from clipbench.analyzers.features import onnx_networks
from clipbench.analyzers.features.vision.everyday import NOUNS

SIDE = 224

#: Nouns that are less probable than this in a frame are not kept.
LEAST = 0.02


class Classification(NamedTuple):
    """T classified frames: `probabilities` float32 [T, 1000], unit vectors `embeddings` float32 [T, 1280]."""

    probabilities: np.ndarray
    embeddings: np.ndarray


@cache
def class_names() -> tuple[str, ...]:
    """ImageNet's 1000 classes, in the order of the network's outputs."""
    return tuple(weights.resolve("imagenet").read_text(encoding="utf-8").splitlines())


@cache
def _members() -> np.ndarray:
    """Which classes count for which of the everyday `NOUNS`: float32 [nouns, 1000]."""
    members = np.zeros((len(NOUNS), len(class_names())), np.float32)
    for row, classes in enumerate(NOUNS.values()):
        members[row, list(classes)] = 1
    return members


def nouns_of(probabilities: np.ndarray) -> dict[str, float]:
    """The everyday nouns for one frame's class probabilities [1000], each with its own probability.

    A small network is sure of a cat before it is sure which cat, so the classes of a noun count together.
    """
    together = _members() @ probabilities
    return {noun: float(one) for noun, one in zip(NOUNS, together, strict=True) if one >= LEAST}


class Classifier:
    """The network of the model card `model`, run on `batch` frames at a time."""

    def __init__(self, model: str, batch: int) -> None:
        self._network = onnx_networks.open_network(model)
        self._model, self._batch = model, batch

    def close(self) -> None:
        self._network.close()

    def __call__(self, clip: ClipView, frames: Frames) -> Classification:
        """The classification of `frames` of `clip`, which analyzers share: each frame is run only once."""
        known: dict[float, tuple[np.ndarray, np.ndarray]] = clip.memo(
            ("imagenet", self._model, frames.images.shape[1:3]), dict
        )
        times = [round(float(time), 4) for time in frames.times_s]
        new = [index for index, time in enumerate(times) if time not in known]
        if new:
            logits, embeddings = self._network(squares(frames.images[new]), batch=self._batch)
            embeddings = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-9)
            for index, *found in zip(new, softmax(logits), embeddings, strict=True):
                known[times[index]] = (found[0], found[1])
        probabilities, vectors = zip(*(known[time] for time in times), strict=True)
        return Classification(np.stack(probabilities), np.stack(vectors))


def squares(images: np.ndarray) -> np.ndarray:
    """Frames uint8 [T, H, W, 3] as squares [T, 224, 224, 3].

    From a long frame the middle is cut out in 4:3 and squeezed. The usual square crop would lose what is at
    the edges; squeezing all of a 9:16 frame distorts more than the network tolerates.
    """
    import cv2

    height, width = images.shape[1:3]
    tall, wide = min(height, width * 4 // 3), min(width, height * 4 // 3)
    top, left = (height - tall) // 2, (width - wide) // 2
    middle = images[:, top : top + max(tall, 1), left : left + max(wide, 1)]
    return np.stack([cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for image in middle])


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities of logits [N, C], along the last axis."""
    powers: np.ndarray = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: np.ndarray = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities
