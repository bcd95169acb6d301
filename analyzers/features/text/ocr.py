"""Finding and reading lines of text in pictures: PP-OCR through RapidOCR, on the CPU, without downloads.

Source: RapidOCR (Apache-2.0), whose pre- and postprocessing this calls; the networks are PaddleOCR's
PP-OCRv6, a differentiable-binarization detector (Liao et al., "Real-time Scene Text Detection with
Differentiable Binarization", AAAI 2020) and a CTC recogniser.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from clipbench.analyzers import weights
from clipbench.analyzers.features.onnx_networks import new_session

#: Lines that are less than so many pixels high in the searched picture are better found in a larger one.
SMALL = 20


class Reading(NamedTuple):
    """The text of a line, and the mean probability of its characters."""

    text: str
    confidence: float


class LineReader(Protocol):
    """Finds lines of text in pictures and reads them."""

    def find(self, image: np.ndarray, small: bool) -> np.ndarray:
        """Lines of text in `image` (uint8 RGB [H, W, 3]): corners in pixels, float32 [N, 4, 2].

        The corners go clockwise from the text's top left. `small` asks for small letters too, at a cost.
        """

    def read(self, image: np.ndarray, quads: Sequence[np.ndarray]) -> list[Reading]:
        """The text of the lines at `quads` (from `find`) of `image`, which may be empty."""


class PpOcr:
    """A LineReader on PP-OCR's two networks.

    `detection_size` is the longer side in pixels of the picture that `find` searches: its cost grows with the
    square, and letters that are less than about 8 pixels high at that size are not found. For small letters
    it is `small_size`. `read` always works on the pixels of the full picture.
    """

    def __init__(
        self,
        detector: str,
        recognizer: str,
        *,
        detection_size: int,
        small_size: int,
        box_threshold: float,
        batch: int,
    ) -> None:
        from omegaconf import OmegaConf
        from rapidocr.ch_ppocr_det import TextDetector
        from rapidocr.ch_ppocr_rec import TextRecognizer
        from rapidocr.utils.log import logger
        from rapidocr.utils.typings import EngineType, LangRec

        logger.setLevel("ERROR")  # it would print which engine and file it uses
        self._size, self._small_size = detection_size, max(small_size, detection_size)
        common = {"engine_type": EngineType.ONNXRUNTIME}
        finding = {
            "session": new_session(weights.resolve(detector)),
            "limit_side_len": self._small_size,
            "limit_type": "max",
            "box_thresh": box_threshold,
            "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5],
        }
        reading = {
            "session": new_session(weights.resolve(recognizer)),
            "rec_batch_num": batch,
            "rec_img_shape": [3, 48, 320],
            "lang_type": LangRec.CH,  # PP-OCRv6 has one network for Chinese, Latin and Japanese
            "font_path": None,
        }
        config = {"allow_objects": True}  # sessions are not configuration values
        finder: Any = OmegaConf.create(common | finding, flags=config)  # declared as a dict, used as this
        reader: Any = OmegaConf.create(common | reading, flags=config)
        self._detector, self._recognizer = TextDetector(finder), TextRecognizer(reader)

    def find(self, image: np.ndarray, small: bool) -> np.ndarray:
        found = self._find(image, self._size)
        if not small or self._small_size == self._size:
            return found
        # Lines that the usual size sees well keep their boxes, since lines are followed by what is in them.
        seen = [quad for quad in found if _height(quad) >= SMALL * max(image.shape[:2]) / self._size]
        fine = self._find(image, self._small_size)
        new = [quad for quad in fine if not any(_covers(other, quad) for other in seen)]
        return np.array([*seen, *new], np.float32).reshape(-1, 4, 2)

    def _find(self, image: np.ndarray, size: int) -> np.ndarray:
        import cv2

        height, width = image.shape[:2]
        scale = size / max(height, width)
        area = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        shape = (max(32, round(width * scale)), max(32, round(height * scale)))
        small = cv2.resize(image, shape, interpolation=area)
        found = self._detector(small[..., ::-1])
        if found.boxes is None:
            return np.empty((0, 4, 2), np.float32)
        scales = np.array([width / shape[0], height / shape[1]], np.float32)
        quads: np.ndarray = np.array(found.boxes, np.float32) * scales
        return quads

    def read(self, image: np.ndarray, quads: Sequence[np.ndarray]) -> list[Reading]:
        from rapidocr.ch_ppocr_rec.typings import TextRecInput
        from rapidocr.utils.process_img import get_rotate_crop_image

        if not len(quads):
            return []
        crops = [get_rotate_crop_image(image, quad)[..., ::-1] for quad in quads]
        found = self._recognizer(TextRecInput(img=crops))
        texts = zip(found.txts or (), found.scores, strict=True)
        return [Reading(text.strip(), float(score)) for text, score in texts]


def _height(quad: np.ndarray) -> float:
    """The height of a line in pixels, by its corners [4, 2]."""
    return float(np.linalg.norm(quad[3] - quad[0]))


def _covers(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two lines, by their corners [4, 2], are about the same, also if one has more of it."""
    sides = np.minimum(one.max(0), other.max(0)) - np.maximum(one.min(0), other.min(0))
    areas = [float(np.prod(np.ptp(quad, axis=0))) for quad in (one, other)]
    return bool((sides > 0).all() and sides.prod() >= 0.25 * max(areas))
