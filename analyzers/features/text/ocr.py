"""Finding and reading lines of text in pictures: PP-OCR through RapidOCR, on CPU, without any download.

Source: RapidOCR (Apache-2.0), whose pre- and postprocessing this calls; the networks are PaddleOCR's
PP-OCRv6, a differentiable-binarization detector (Liao et al., "Real-time Scene Text Detection with
Differentiable Binarization", AAAI 2020) and a CTC recogniser.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from clipbench.analyzers import threads, weights


class Reading(NamedTuple):
    """What a line says, and the mean probability of its characters."""

    text: str
    confidence: float


class Reader:
    """The two networks, ready to use.

    `detection_size` is the longer side in pixels of the picture in which text is looked for: the cost of
    `find` grows with its square, and letters lower than about 8 pixels at that size are not found. `read`
    always works on the pixels of the full picture.
    """

    def __init__(
        self, detector: str, recognizer: str, *, detection_size: int, box_threshold: float, batch: int
    ) -> None:
        from omegaconf import OmegaConf
        from rapidocr.ch_ppocr_det import TextDetector
        from rapidocr.ch_ppocr_rec import TextRecognizer
        from rapidocr.utils.log import logger
        from rapidocr.utils.typings import EngineType, LangRec

        logger.setLevel("ERROR")  # it reports on the console which engine and file it uses
        self._size = detection_size
        common = {"engine_type": EngineType.ONNXRUNTIME}
        finding = {
            "session": _session(detector),
            "limit_side_len": detection_size,
            "limit_type": "max",
            "box_thresh": box_threshold,
            "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5],
        }
        reading = {
            "session": _session(recognizer),
            "rec_batch_num": batch,
            "rec_img_shape": [3, 48, 320],
            "lang_type": LangRec.CH,  # PP-OCRv6 has one network for Chinese, Latin and Japanese
            "font_path": None,
        }
        config = {"allow_objects": True}  # the sessions are no configuration values
        self._detector = TextDetector(OmegaConf.create(common | finding, flags=config))
        self._recognizer = TextRecognizer(OmegaConf.create(common | reading, flags=config))

    def find(self, image: np.ndarray) -> np.ndarray:
        """Lines of text in `image` (uint8 RGB [H, W, 3]): corners in pixels, float32 [N, 4, 2].

        The corners go clockwise from the text's top left.
        """
        import cv2

        height, width = image.shape[:2]
        scale = self._size / max(height, width)
        area = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        shape = (max(32, round(width * scale)), max(32, round(height * scale)))
        small = cv2.resize(image, shape, interpolation=area)
        found = self._detector(small[..., ::-1])
        if found.boxes is None:
            return np.empty((0, 4, 2), np.float32)
        return np.float32(found.boxes) * np.float32([width / shape[0], height / shape[1]])

    def read(self, image: np.ndarray, quads: np.ndarray) -> list[Reading]:
        """What the lines at `quads` (as from `find`) of `image` say; may be empty text."""
        from rapidocr.ch_ppocr_rec.typings import TextRecInput
        from rapidocr.utils.process_img import get_rotate_crop_image

        if not len(quads):
            return []
        crops = [get_rotate_crop_image(image, quad)[..., ::-1] for quad in quads]
        found = self._recognizer(TextRecInput(img=crops))
        return [
            Reading(text.strip(), float(score)) for text, score in zip(found.txts, found.scores, strict=True)
        ]


def _session(model: str):
    """An ONNX Runtime session under the worker's thread budget: RapidOCR's own knows no such budget."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads.budget()
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        str(weights.resolve(model)), options, providers=["CPUExecutionProvider"]
    )
