"""What frames show, by an ImageNet classifier: class probabilities, and embeddings for comparing frames."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import numpy as np

from clipbench.analyzers import weights
from clipbench.analyzers.base import ClipView, Frames
from clipbench.analyzers.features import onnx_networks

SIDE = 224

#: Classes that are kinds of one thing, by its everyday name (ImageNet sorts animals by WordNet).
FAMILIES: dict[str, Iterable[int]] = {
    "fish": (*range(7), *range(389, 398)),
    "bird": (*range(7, 25), *range(80, 101), *range(127, 147)),
    "frog": range(30, 33),
    "turtle": range(33, 38),
    "lizard": range(38, 49),
    "snake": range(52, 69),
    "spider": range(72, 78),
    "crab": range(118, 122),
    "dog": range(151, 269),
    "wolf": range(269, 273),
    "fox": range(277, 281),
    "cat": range(281, 286),
    "bear": range(294, 298),
    "beetle": range(300, 308),
    "butterfly": range(321, 327),
    "rabbit": range(330, 333),
    "monkey": range(370, 383),
    "elephant": (385, 386),
    "airplane": (404, 895),
    "bicycle": (444, 671),
    "boat": (472, 484, 576, 625, 628, 780, 814, 871, 914),
    "car": (436, 468, 511, 609, 627, 656, 661, 751, 817),
    "cup": (504, 967, 968),
    "rocket": (657, 744, 812),
    "train": (466, 547, 820),
    "truck": (555, 569, 675, 717, 864, 867),
}


class Classification(NamedTuple):
    """T classified frames: `probabilities` float32 [T, 1000], unit vectors `embeddings` float32 [T, 1280]."""

    probabilities: np.ndarray
    embeddings: np.ndarray


@cache
def class_names() -> tuple[str, ...]:
    """ImageNet's 1000 classes, in the order of the network's outputs."""
    return tuple(weights.resolve("imagenet").read_text(encoding="utf-8").splitlines())


class Guess(NamedTuple):
    """What a picture is taken for: its `name`, the everyday name of its `kind`, and a probability."""

    name: str
    kind: str
    probability: float


def best_guess(probabilities: np.ndarray) -> Guess:
    """The best guess for class probabilities [1000].

    A small network is sure of a cat before it is sure which cat, so the classes of a kind count together; the
    name is that of the kind if no class has most of the kind's probability.
    """
    names = class_names()
    best = int(probabilities.argmax())
    guess = Guess(names[best], names[best], float(probabilities[best]))
    for kind, classes in FAMILIES.items():
        members = np.array(list(classes))
        together = float(probabilities[members].sum())
        if together >= guess.probability:
            finest = members[int(probabilities[members].argmax())]
            sure = probabilities[finest] > together / 2
            guess = Guess(names[finest] if sure else kind, kind, together)
    return guess


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
