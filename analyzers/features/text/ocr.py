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


class Reading(NamedTuple):
    """The text of a line, and the mean probability of its characters."""

    text: str
    confidence: float


class LineReader(Protocol):
    """Finds lines of text in pictures and reads them."""

    def find(self, image: np.ndarray) -> np.ndarray:
        """Lines of text in `image` (uint8 RGB [H, W, 3]): corners in pixels, float32 [N, 4, 2].

        The corners go clockwise from the text's top left.
        """

    def read(self, image: np.ndarray, quads: Sequence[np.ndarray]) -> list[Reading]:
        """The text of the lines at `quads` (from `find`) of `image`, which may be empty."""


class PpOcr:
    """A LineReader on PP-OCR's two networks.

    `detection_size` is the longer side in pixels of the picture that `find` searches: its cost grows with the
    square, and letters that are less than about 8 pixels high at that size are not found. `read` always works
    on the pixels of the full picture.
    """

    def __init__(
        self, detector: str, recognizer: str, *, detection_size: int, box_threshold: float, batch: int
    ) -> None:
        from omegaconf import OmegaConf
        from rapidocr.ch_ppocr_det import TextDetector
        from rapidocr.ch_ppocr_rec import TextRecognizer
        from rapidocr.utils.log import logger
        from rapidocr.utils.typings import EngineType, LangRec

        logger.setLevel("ERROR")  # it would print which engine and file it uses
        self._size = detection_size
        common = {"engine_type": EngineType.ONNXRUNTIME}
        finding = {
            "session": new_session(weights.resolve(detector)),
            "limit_side_len": detection_size,
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

    def find(self, image: np.ndarray) -> np.ndarray:
        import cv2

        height, width = image.shape[:2]
        scale = self._size / max(height, width)
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
