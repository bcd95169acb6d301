"""YOLO11 of extra large size, for objects and for poses: it finds the best boxes of each frame.

Source: Glenn Jocher and Jing Qiu, "Ultralytics YOLO11", 2024 (github.com/ultralytics/ultralytics, AGPL-3.0),
whose networks this runs. The steps around the network are those of its predictor, for many frames at once and
without waiting for the device: letterbox, choice of candidates, non-maximum suppression within a class.
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

from clipbench.analyzers.base import (
    Chunk,
    ChunkedAnalyzer,
    ClipFacts,
    ClipView,
    FrameSettings,
    Settings,
    setting,
)
from clipbench.analyzers.features import torch_runtime
from clipbench.analyzers.features.samples import Samples
from clipbench.analyzers.production import random_weights, torch_device, transfers
from clipbench.analyzers.production.base import ProductionSettings, require_package
from clipbench.analyzers.production.batching import batches, equal_batch, fitting_batch
from clipbench.analyzers.production.parking import OnDevice
from clipbench.analyzers.production.pretrained import FileModel, model_file

if TYPE_CHECKING:
    import torch

#: The sides of the networks' pictures are multiples of this, and padded with this grey.
MULTIPLE, GREY = 32, 114 / 255
#: Of the tiny networks: depth, width and channels as ultralytics scales them; their pictures' longer side.
TINY, TINY_SIDE = [0.5, 0.0625, 64], 160
#: Random weights find something everywhere. As many are kept as pictures usually have: COCO's have 7.3.
RANDOM_OBJECTS = 8
#: Activations of one frame in MB: the widest layer has 96 channels at half the picture's sides, and about six
#: tensors of that size exist at once, in half precision.
FRAME_MB = 80.0
#: The environment in which ultralytics is imported: no settings or caches in the home folder, no test of the
#: network, no installation of packages, no greeting, no code from pickles.
_QUIETLY = {
    "YOLO_OFFLINE": "true",
    "YOLO_AUTOINSTALL": "false",
    "YOLO_VERBOSE": "false",
    "ULTRALYTICS_SAFE_LOAD": "true",
}
_lock = threading.Lock()
#: The folder for weights: PyTorch's cache of files.
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
    min_score: float = setting(0.35, "objects that score less are dropped", low=0, high=1)
    overlap: float = setting(
        0.7, "of two boxes that overlap by more than this (IoU) one is kept", low=0, high=1
    )
    candidates: int = setting(1000, "boxes per frame that suppression chooses from", low=1, high=30_000)
    max_objects: int = setting(
        100, "the best objects kept per frame; COCO is scored on as many", low=1, high=30_000
    )


class Found(NamedTuple):
    """An object in a frame, in fractions of it: class, score 0..1, box [4], and points [K, 3] with scores."""

    kind: int
    score: float
    box: np.ndarray
    points: np.ndarray


class Yolo(OnDevice, ChunkedAnalyzer[None, Samples[list[Found]]]):
    """A back end on ultralytics' class `network` with its `description`; `file` has pretrained weights.

    A chunk's findings have about 90 bytes per object, 300 with keypoints.
    """

    settings: YoloSettings
    settings_type: ClassVar[type[Settings]] = YoloSettings
    file: ClassVar[FileModel]
    network: ClassVar[str]
    description: ClassVar[str]
    #: How many classes the network distinguishes.
    classes: ClassVar[int]
    #: Weights in half precision are 0.1 GB; the rest is a batch of activations.
    memory_gb = 3.0
    _batch = 0

    def __init__(self, settings: YoloSettings | None = None) -> None:
        super().__init__(settings)
        if self.tiny:
            self.settings = replace(self.settings, size=TINY_SIDE)

    def models(self) -> tuple[str, ...]:
        return (Path(self.file.name).stem,)

    def weights_file(self) -> Path:
        """The checkpoint's file; raises MissingWeights."""
        named = self.settings.weights
        if named and Path(named).is_dir():
            named = str(Path(named, self.file.name))
        return model_file(self.file, named, f"models.production.{self.name}.weights")

    def fetch(self) -> None:
        self.weights_file()

    def load(self, device: str = "cpu") -> None:
        import torch

        library()  # before a device is the default: its classes hold tensors of their own
        network: Any
        if self.random:
            network = random_weights.random_network(self.build, device, torch.float32)
            random_weights.settle_batch_norm(network, (2, 3, TINY_SIDE, TINY_SIDE))
        else:
            with torch_runtime.building:
                network, _ = library().load_checkpoint(self.weights_file(), device)
        # Batch normalisation is merged into the convolutions before precision is lost.
        network = network.fuse(verbose=False).to(device, torch_device.precision(device))
        if torch_device.on_gpu(device):
            network = torch_device.channels_last(network)
        self.place(device, yolo=network)

    def layers(self) -> dict[str, Any]:
        """ultralytics' description of the network."""
        described: dict[str, Any] = library().yaml_model_load(self.description) | {"nc": self.classes}
        if self.tiny:
            described["scales"][described["scale"]] = TINY
        return described

    def build(self) -> torch.nn.Module:
        """The network with untrained weights."""
        network: torch.nn.Module = getattr(library(), self.network)(self.layers(), verbose=False)
        return network

    def begin(self, clip: ClipFacts) -> None:
        return None

    def feed(self, chunk: Chunk, state: None) -> tuple[Samples[list[Found]], None]:
        times = chunk.frames(self.settings.fps, self.settings.size).times_s
        return Samples(times.copy(), self.find(chunk) if len(times) else []), None

    def find(self, clip: ClipView) -> list[list[Found]]:
        """The objects in each frame of `clip`, of which there is at least one, best first."""
        import torch

        s = self.settings
        frames = transfers.frames_on_device(clip, s.fps, s.size, self.device)
        network = self.networks["yolo"]
        dtype = next(network.parameters()).dtype
        most = fitting_batch(s.batch, FRAME_MB, self.device)
        self._batch = equal_batch(len(frames), most)
        found = []
        with torch.inference_mode(), torch_device.phase(self.device, "YOLO"):
            for part in batches(len(frames), self._batch):
                shown = frames[part]
                if missing := self._batch - len(shown):
                    # For a batch of another shape the network makes new anchors, and the host waits for them.
                    shown = torch.cat([shown, shown[-1:].expand(missing, -1, -1, -1)])
                pictures, shape, margin = letterbox(shown.to(dtype) / 255, s.size)
                found.append(candidates(network(pictures)[0].float(), self.classes, s.candidates))
            (rows,) = transfers.download(torch.cat(found)[: len(frames)])
        # From pixels of the network's picture to fractions of the frame.
        rows = np.nan_to_num(rows, posinf=0.0, neginf=0.0)
        points = rows[..., 6:].reshape(*rows.shape[:2], -1, 3)
        for xy in (rows[..., 0:2], rows[..., 2:4], points[..., :2]):
            xy[:] = (xy - margin) / shape
        most = min(RANDOM_OBJECTS, s.max_objects) if self.random else s.max_objects
        return [
            [
                # A copy, because a view would keep all candidates.
                Found(int(row[k, 5]), float(row[k, 4]), row[k, :4].clip(0, 1), at[k].copy())
                for k in suppress(row[:, :4], row[:, 4], row[:, 5], s.min_score, s.overlap)[:most]
            ]
            for row, at in zip(rows, points, strict=True)
        ]

    def facts(self) -> dict[str, int]:
        return {"batch": self._batch}


def letterbox(frames: torch.Tensor, side: int) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
    """`frames` [T, 3, H, W] with their longer side at `side`, padded with grey to multiples of MULTIPLE.

    Returns the pictures, the size of the frame in them, and the margin before it, both [x, y] in pixels.
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

    box, scores, more = torch.split(predictions, [4, classes, predictions.shape[1] - 4 - classes], dim=1)
    score, kind = scores.max(dim=1, keepdim=True)
    centre, half = box[:, :2], box[:, 2:] / 2
    rows = torch.cat([centre - half, centre + half, score, kind.to(score.dtype), more], dim=1)
    order = score[:, 0].topk(min(count, score.shape[-1]), dim=1).indices
    return rows.gather(2, order[:, None].expand(-1, rows.shape[1], -1)).transpose(1, 2)


def suppress(
    boxes: np.ndarray, scores: np.ndarray, kinds: np.ndarray, min_score: float, overlap: float
) -> np.ndarray:
    """Which of `boxes` [N, 4] to keep, best first: no two of a kind overlap by more than `overlap` (IoU)."""
    import cv2

    # OpenCV separates kinds by moving each beyond the one before, which requires coordinates above 0.
    corners = boxes[:, :2] - boxes[:, :2].min()
    corner_and_size = np.concatenate([corners, boxes[:, 2:] - boxes[:, :2]], axis=1).astype(np.float64)
    kept = cv2.dnn.NMSBoxesBatched(
        corner_and_size.tolist(), scores.tolist(), kinds.astype(int).tolist(), min_score, overlap
    )
    return np.asarray(kept, int).ravel()


def library() -> ModuleType:
    """The module `ultralytics.nn.tasks`, which has the networks; importing it changes nothing else."""
    require_package("ultralytics")
    with _lock:
        if "ultralytics.nn.tasks" not in sys.modules:
            with _untouched():
                importlib.import_module("ultralytics.nn.tasks")
    return sys.modules["ultralytics.nn.tasks"]


@contextlib.contextmanager
def _untouched() -> Iterator[None]:
    """A context after which the environment, OpenCV, NumPy and PyTorch are as they were before it."""
    import cv2
    import torch

    untyped: Any = torch
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
            untyped.set_printoptions(profile="default")
            torch.save = save
