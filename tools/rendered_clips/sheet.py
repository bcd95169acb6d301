"""Pictures of a rendered clip with its ground truth: `python -m tools.rendered_clips.sheet second FILE`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tools.rendered_clips.scenes import CLIPS, NAMES

GREEN, GREY, PINK, RED, YELLOW, BLUE, WHITE = (
    (0, 220, 0), (150, 150, 150), (255, 0, 255), (0, 0, 255), (0, 255, 255), (255, 140, 0), (255, 255, 255)
)  # fmt: skip


def near(samples: list[dict[str, Any]], time_s: float) -> list[dict[str, Any]]:
    """The samples of one frame."""
    return [s for s in samples if abs(s["time_s"] - time_s) < 0.01]


def annotate(frame: np.ndarray, truth: dict[str, Any], time_s: float) -> None:
    """Draw what the truth says of the frame at `time_s` onto it (BGR)."""
    size = np.array([frame.shape[1], frame.shape[0]])
    unit = max(1, round(min(frame.shape[:2]) / 180))

    def pixel(point: list[float]) -> tuple[int, int]:
        x, y = np.array(point) * size
        return int(x), int(y)

    def rectangle(box: list[float], colour: tuple[int, int, int]) -> None:
        cv2.rectangle(frame, pixel(box[:2]), pixel(box[2:]), colour, unit)

    for key, colour in (("ignore", GREY), ("objects", GREEN), ("faces", PINK)):
        for track in truth.get(key, []):
            for sample in near(track["samples"], time_s):
                rectangle(sample["box"], colour)
                for eye in ("iris_left", "iris_right"):
                    if eye in sample:
                        cv2.circle(frame, pixel(sample[eye]), 2 * unit, RED, -1)
    for track in truth.get("poses", []):
        for sample in near(track["samples"], time_s):
            for point in sample["keypoints"].values():
                cv2.circle(frame, pixel(point), 2 * unit, YELLOW, -1)
    for sample in near(truth.get("masks", []), time_s):
        for polygon in sample["polygons"]:
            cv2.polylines(frame, [np.array([pixel(p) for p in polygon])], True, BLUE, unit)
    for text in current(truth["texts"], time_s):
        rectangle(text["box"], WHITE)
    motion = next(c["motion"] for c in current(truth["camera"], time_s))
    effects = [e["effect"] for e in current(truth["effects"], time_s)]
    for row, line in enumerate([f"{time_s:.1f} s", motion, *effects]):
        for colour, thickness in (((0, 0, 0), 3 * unit), (WHITE, unit)):
            where = (4 * unit, 15 * unit * (row + 1))
            cv2.putText(frame, line, where, cv2.FONT_HERSHEY_SIMPLEX, 0.42 * unit, colour, thickness)


def current(spans: list[dict[str, Any]], time_s: float) -> list[dict[str, Any]]:
    """The spans that include a time."""
    return [s for s in spans if s["start_s"] <= time_s + 1e-6 < s["end_s"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=NAMES, metavar="NAME", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("out", type=Path, metavar="FILE", help="the picture to write")
    parser.add_argument("--count", type=int, default=18, help="how many frames (default: 18)")
    arguments = parser.parse_args()
    truth = json.loads((CLIPS / f"{arguments.name}.json").read_text(encoding="utf-8"))
    clip = truth["clip"]
    columns, width = (3, 480) if clip["width"] > clip["height"] else (9, 180)
    tile = (width, round(width * clip["height"] / clip["width"]))
    times = np.linspace(0.2, clip["duration_s"] - 0.2, arguments.count)
    wanted = {round(t * clip["fps"]) for t in times}
    capture = cv2.VideoCapture(str(CLIPS / f"{arguments.name}.mp4"))
    tiles = []
    for index in range(clip["frames"]):
        _, frame = capture.read()
        if index in wanted:
            annotate(frame, truth, index / clip["fps"])
            tiles.append(cv2.resize(frame, tile, interpolation=cv2.INTER_AREA))
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles) // columns * columns, columns)]
    cv2.imwrite(str(arguments.out), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
