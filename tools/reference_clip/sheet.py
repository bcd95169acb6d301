"""Pictures of the reference clip with its ground truth: `python -m tools.reference_clip.sheet FILE`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tools.reference_clip.scenes import CLIPS

COLUMNS, TILE = 9, (180, 320)
GREEN, GREY, PINK, RED, YELLOW, BLUE = (
    (0, 220, 0), (150, 150, 150), (255, 0, 255), (0, 0, 255), (0, 255, 255), (255, 140, 0)
)  # fmt: skip


def near(samples: list[dict[str, Any]], time_s: float) -> list[dict[str, Any]]:
    """The samples of one frame."""
    return [s for s in samples if abs(s["time_s"] - time_s) < 0.01]


def annotate(frame: np.ndarray, truth: dict[str, Any], time_s: float) -> None:
    """Draw what the truth says of the frame at `time_s` onto it (BGR)."""
    size = np.array([frame.shape[1], frame.shape[0]])

    def pixel(point: list[float]) -> tuple[int, int]:
        x, y = np.array(point) * size
        return int(x), int(y)

    for key, colour in (("ignore", GREY), ("objects", GREEN), ("faces", PINK)):
        for track in truth[key]:
            for sample in near(track["samples"], time_s):
                cv2.rectangle(frame, pixel(sample["box"][:2]), pixel(sample["box"][2:]), colour, 4)
                for eye in ("iris_left", "iris_right"):
                    if eye in sample:
                        cv2.circle(frame, pixel(sample[eye]), 7, RED, -1)
    for track in truth["poses"]:
        for sample in near(track["samples"], time_s):
            for point in sample["keypoints"].values():
                cv2.circle(frame, pixel(point), 9, YELLOW, -1)
    for sample in near(truth["masks"], time_s):
        for polygon in sample["polygons"]:
            cv2.polylines(frame, [np.array([pixel(p) for p in polygon])], True, BLUE, 4)
    motion = next(c["motion"] for c in truth["camera"] if c["start_s"] <= time_s + 1e-6 < c["end_s"])
    effects = [e["effect"] for e in truth["effects"] if e["start_s"] <= time_s + 1e-6 < e["end_s"]]
    for row, text in enumerate([f"{time_s:.1f} s", motion, *effects]):
        cv2.putText(frame, text, (14, 60 + 58 * row), cv2.FONT_HERSHEY_SIMPLEX, 1.7, (0, 0, 0), 12)
        cv2.putText(frame, text, (14, 60 + 58 * row), cv2.FONT_HERSHEY_SIMPLEX, 1.7, (255, 255, 255), 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, metavar="FILE", help="the picture to write")
    out = parser.parse_args().out
    truth = json.loads((CLIPS / "reference.json").read_text(encoding="utf-8"))
    capture = cv2.VideoCapture(str(CLIPS / "reference.mp4"))
    tiles = []
    wanted = {round(t * 30) for t in np.linspace(0.2, 9.8, 2 * COLUMNS)}
    for index in range(truth["clip"]["frames"]):
        _, frame = capture.read()
        if index in wanted:
            annotate(frame, truth, index / 30)
            tiles.append(cv2.resize(frame, TILE, interpolation=cv2.INTER_AREA))
    rows = [np.hstack(tiles[i : i + COLUMNS]) for i in range(0, len(tiles), COLUMNS)]
    cv2.imwrite(str(out), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
