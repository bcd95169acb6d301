"""The folder of a run with frames for its report, as a run leaves it, without running anything."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from clipbench.analyzers.base import Segment
from clipbench.bench.runs import kept_frames
from clipbench.bench.runs.kept_frames import ClipFrames, KeptFrame, KeptFrames
from clipbench.bench.runs.results import Result
from clipbench.bench.runs.storage import write_result

SENTENCE = "A person stands in front of a wall."


def found_at(start_s: float, end_s: float, text: str = "EXIT") -> dict[str, Segment]:
    """A finding of each analyzer that is drawn; `text` is every label that comes from outside."""
    span = start_s, end_s
    keypoints = {"nose": [0.3, 0.2, 0.9], "left_shoulder": [0.2, 0.4, 0.8], "right_shoulder": [0.4, 0.4, 0.1]}
    mask = {"size": [4, 8], "counts": [10, 4, 4, 4, 10]}
    return {
        "object_detection": Segment(*span, "person", 0.92, {"box": [0.1, 0.2, 0.5, 0.9]}),
        "text_overlay": Segment(*span, text, 0.9, {"box": [0.6, 0.05, 0.95, 0.15]}),
        "background_segmentation": Segment(*span, "person", 0.9, {"person_share": 0.25, "mask": mask}),
        "age_estimation": Segment(*span, "female", 0.8, {"age": 31.4, "box": [0.2, 0.15, 0.4, 0.35]}),
        "eye_tracking": Segment(
            *span,
            "left",
            0.8,
            {"iris": {"left": [0.26, 0.2], "right": [0.34, 0.2]}, "box": [0.2, 0.1, 0.4, 0.3]},
        ),
        "body_pose": Segment(*span, "standing", 0.7, {"keypoints": keypoints, "box": [0.1, 0.2, 0.5, 0.9]}),
        "qwen2_vl_temporal": Segment(*span, SENTENCE if text == "EXIT" else text, None, {}),
    }


def leave(result: Result, folder: Path, shots: int = 3, text: str = "EXIT", side: int = 640) -> Path:
    """Write the result of a run into `folder`, with its segments and the frames of so many shots."""
    found: dict[str, list[Segment]] = {}
    for shot in range(shots):
        for name, segment in found_at(2.0 * shot, 2.0 * shot + 2, text).items():
            found.setdefault(name, []).append(segment)
    write_result(result, found, folder)
    names = [f"1-{shot + 1:02}.jpg" for shot in range(shots)]
    frames = [
        KeptFrame(name, 2.0 * at + 1, 2.0 * at, 2.0 * at + 2, side, side * 9 // 16, at)
        for at, name in enumerate(names)
    ]
    picture = np.full((side * 9 // 16, side, 3), 128, np.uint8)
    data = cv2.imencode(".jpg", picture)[1].tobytes()
    kept = KeptFrames([ClipFrames("a.mp4", "segments", shots, frames)], 1)
    kept_frames.write(kept, dict.fromkeys(names, data), folder)
    return folder
