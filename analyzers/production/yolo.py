"""YOLO11 of extra large size, for objects and for poses: frames in, the best boxes of each out.

Source: Glenn Jocher and Jing Qiu, "Ultralytics YOLO11", 2024 (github.com/ultralytics/ultralytics, AGPL-3.0),
whose networks this runs. The steps around the network are those of its predictor, for many frames at once and
without a wait for the device: letterbox, choice of candidates, non-maximum suppression within a class.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from clipbench.analyzers.base import ClipView, FrameSettings, setting
from clipbench.analyzers.production import device as devices
from clipbench.analyzers.production.base import ProductionSettings
from clipbench.analyzers.production.weights import FileModel, file_of

if TYPE_CHECKING:
    import torch

#: The networks' pictures have sides that are multiples of this; what is added is of this grey.
MULTIPLE, GREY = 32, 114 / 255
#: Of the tiny networks: depth, width and channels, as ultralytics' files scale them; the longer side.
TINY, TINY_SIDE = [0.5, 0.0625, 64], 160
#: Random weights find something everywhere. As many are kept as pictures have: COCO's 7.3 on average.
RANDOM_OBJECTS = 8
#: Activations of one frame in MB: the widest layer has 96 channels at half the picture's sides, and about six
#: tensors of that size live at once, in half precision.
FRAME_MB = 80.0
#: What ultralytics is told through the environment while it is imported: no settings or caches in the home
#: folder, no asking for the network, no installing of packages, no greeting, no code from pickles.
_QUIETLY = {
    "YOLO_OFFLINE": "true",
    "YOLO_AUTOINSTALL": "false",
    "YOLO_VERBOSE": "false",
    "ULTRALYTICS_SAFE_LOAD": "true",
}
_lock = threading.Lock()
#: Where weights are kept: PyTorch's cache of files.
CACHE = Path(
    os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "torch"),
    "hub/checkpoints",
).expanduser()
RELEASE = "https://github.com/ultralytics/assets/releases/download/v8.3.0"


@dataclass
class YoloSettings(ProductionSettings, FrameSettings):
    """Settings of a back end on YOLO."""

    fps: float = setting(3.0, "frames read per second of clip", low=0.01, high=240)
    size: int = setting(
        640, "longer side of the frames and of the network's pictures, in pixels", low=32, high=8192
    )
    batch: int = setting(32, "frames per run of the network", low=1, high=1024)
    min_score: float = setting(0.35, "what scores less is dropped", low=0, high=1)
    overlap: float = setting(0.7, "of two that overlap by more than this (IoU) one is kept", low=0, high=1)
    candidates: int = setting(1000, "boxes per frame that suppression is done on", low=1, high=30_000)
    max_objects: int = setting(
        100, "objects per frame, the best; COCO is scored on as many", low=1, high=30_000
    )


class Found(NamedTuple):
    """An object in a frame, in fractions of it: class, score 0..1, box [4], and points [K, 3] with scores."""

    kind: int
    score: float
    box: np.ndarray
    points: np.ndarray


class Yolo(devices.OnDevice):
    """A back end on ultralytics' class `network` with its `description`, pretrained in `file`."""

    settings_type = YoloSettings
    file: ClassVar[FileModel]
    network: ClassVar[str]
    description: ClassVar[str]
    #: How many classes the network tells apart.
    classes: ClassVar[int]
    #: Weights in half precision are 0.1 GB, a batch of activations the rest.
    memory_gb = 3.0

    def __init__(self, settings: YoloSettings | None = None) -> None:
        super().__init__(settings)
        if self.tiny:
            self.settings = replace(self.settings, size=TINY_SIDE)

    def models(self) -> tuple[str, ...]:
        return (Path(self.file.name).stem,)

    def weights(self) -> Path:
        """The checkpoint's file; raises MissingWeights."""
        named = self.settings.weights
        if named and Path(named).is_dir():
            named = str(Path(named, self.file.name))
        return file_of(self.file, named, f"models.production.{self.name}.weights")

    def fetch(self) -> None:
        self.weights()

    def load(self, device: str = "cpu") -> None:
        import torch

        library()  # before a device is the default: its classes hold tensors of their own
        if self.random:
            net = devices.random_net(self.build, device, torch.float32)
            devices.settle(net, (2, 3, TINY_SIDE, TINY_SIDE))
        else:
            with devices.building:
                net, _ = library().load_checkpoint(self.weights(), device)
        # Batch normalisation goes into the convolutions before precision is lost.
        net = net.fuse(verbose=False).to(device, devices.precision(device))
        if devices.on_gpu(device):
            net = net.to(memory_format=torch.channels_last)
        self.place(device, yolo=net)

    def layers(self) -> dict[str, Any]:
        """ultralytics' description of the network."""
        described = library().yaml_model_load(self.description) | {"nc": self.classes}
        if self.tiny:
            described["scales"][described["scale"]] = TINY
        return described

    def build(self) -> torch.nn.Module:
        """The network with weights that mean nothing yet."""
        return getattr(library(), self.network)(self.layers(), verbose=False)

    def find(self, clip: ClipView) -> list[list[Found]]:
        """What is in each frame of `clip`, best first."""
        import torch

        s = self.settings
        frames = devices.frames_on(clip, s.fps, s.size, self.device)
        net = self.nets["yolo"]
        dtype = next(net.parameters()).dtype
        most = devices.fitting_batch(s.batch, FRAME_MB, self.device)
        self._batch = devices.equal_batch(len(frames), most)
        found = []
        with torch.inference_mode(), devices.phase(self.device, "YOLO"):
            for part in devices.batches(len(frames), self._batch):
                shown = frames[part]
                if lacking := self._batch - len(shown):
                    # For a batch of another shape the network makes new anchors, and the host waits for them.
                    shown = torch.cat([shown, shown[-1:].expand(lacking, -1, -1, -1)])
                pictures, shape, margin = letterbox(shown.to(dtype) / 255, s.size)
                found.append(candidates(net(pictures)[0].float(), self.classes, s.candidates))
            (rows,) = devices.download(torch.cat(found)[: len(frames)])
        # From pixels of the network's picture to fractions of the frame.
        rows = np.nan_to_num(rows, posinf=0.0, neginf=0.0)
        points = rows[..., 6:].reshape(*rows.shape[:2], -1, 3)
        for xy in (rows[..., 0:2], rows[..., 2:4], points[..., :2]):
            xy[:] = (xy - margin) / shape
        most = min(RANDOM_OBJECTS, s.max_objects) if self.random else s.max_objects
        return [
            [
                Found(int(row[k, 5]), float(row[k, 4]), row[k, :4].clip(0, 1), at[k])
                for k in suppress(row[:, :4], row[:, 4], row[:, 5], s.min_score, s.overlap)[:most]
            ]
            for row, at in zip(rows, points, strict=True)
        ]

    def facts(self) -> dict[str, int]:
        return {"batch": self._batch}


def letterbox(frames: torch.Tensor, side: int) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
    """`frames` [T, 3, H, W] with their longer side at `side`, in grey up to multiples of MULTIPLE.

    Returns the pictures, and of the frame in them the size and the margin before it, [x, y] in pixels.
    """
    import torch

    height, width = frames.shape[-2:]
    scale = side / max(height, width)
    shape = max(1, round(height * scale)), max(1, round(width * scale))
    if shape != (height, width):
        frames = torch.nn.functional.interpolate(frames, shape, mode="bilinear", align_corners=False)
    rows, columns = (-length % MULTIPLE for length in shape)
    pad = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
    frames = torch.nn.functional.pad(frames, pad, value=GREY)
    return frames, np.array(shape[::-1], np.float32), np.array([pad[0], pad[2]], np.float32)


def candidates(predictions: torch.Tensor, classes: int, count: int) -> torch.Tensor:
    """The `count` best boxes of each picture, without waiting for the device.

    `predictions` [T, 4 + classes + M, N] are the network's: centre and size of a box, a score per class, and
    M further values. Returns [T, count, 6 + M]: corners, best score, its class, and the further values.
    """
    import torch

    box, scores, more = predictions.split([4, classes, predictions.shape[1] - 4 - classes], dim=1)
    score, kind = scores.max(dim=1, keepdim=True)
    centre, half = box[:, :2], box[:, 2:] / 2
    rows = torch.cat([centre - half, centre + half, score, kind.to(score.dtype), more], dim=1)
    order = score[:, 0].topk(min(count, score.shape[-1]), dim=1).indices
    return rows.gather(2, order[:, None].expand(-1, rows.shape[1], -1)).transpose(1, 2)


def suppress(
    boxes: np.ndarray, scores: np.ndarray, kinds: np.ndarray, min_score: float, overlap: float
) -> np.ndarray:
    """Which of `boxes` [N, 4] stay, best first: of a kind, none overlap by more than `overlap` (IoU)."""
    import cv2

    # OpenCV keeps kinds apart by moving each beyond the one before, which takes coordinates above 0.
    corners = boxes[:, :2] - boxes[:, :2].min()
    corner_and_size = np.concatenate([corners, boxes[:, 2:] - boxes[:, :2]], axis=1).astype(np.float64)
    kinds = kinds.astype(int).tolist()
    kept = cv2.dnn.NMSBoxesBatched(corner_and_size, scores.tolist(), kinds, min_score, overlap)
    return np.asarray(kept, int).ravel()


def library() -> ModuleType:
    """ultralytics' networks (`ultralytics.nn.tasks`), imported so that this process stays as it was."""
    devices.require("ultralytics")
    with _lock:
        if "ultralytics.nn.tasks" not in sys.modules:
            with _untouched():
                importlib.import_module("ultralytics.nn.tasks")
    return sys.modules["ultralytics.nn.tasks"]


@contextlib.contextmanager
def _untouched() -> Iterator[None]:
    """Undoes what importing ultralytics does to the environment, OpenCV, NumPy and PyTorch."""
    import cv2
    import torch

    threads, save = cv2.getNumThreads(), torch.save
    before = {name: os.environ.get(name) for name in (*_QUIETLY, "YOLO_CONFIG_DIR", "OMP_NUM_THREADS")}
    with tempfile.TemporaryDirectory(prefix="clipbench-") as folder, np.printoptions():
        os.environ.update(_QUIETLY, YOLO_CONFIG_DIR=folder)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value
            cv2.setNumThreads(threads)
            torch.set_printoptions(profile="default")
            torch.save = save
