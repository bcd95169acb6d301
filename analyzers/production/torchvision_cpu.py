"""torchvision beside a PyTorch without CUDA.

torchvision's wheels are built against CUDA's PyTorch. Beside a CPU build their compiled operators do not
load, and `import torchvision` stops at the first that it mentions ("operator torchvision::nms does not
exist"): so neither easyocr nor the image processors of transformers can be imported, though they need little
of it.
Here that little is given to PyTorch first: the operators by name, and non-maximum suppression for the CPU.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_lock = threading.Lock()
#: What PyTorch was told lasts as long as these objects.
_libraries: list[torch.library.Library] = []


def prepare() -> None:
    """Make `import torchvision` work in this process; to be called before anything that imports it.

    Does nothing where torchvision's own operators load, or where there is no torchvision.
    """
    import importlib.util

    import torch

    if torch.version.cuda is not None or importlib.util.find_spec("torchvision") is None:
        return
    with _lock:
        if _libraries or hasattr(torch.ops.torchvision, "nms"):
            return
        library = torch.library.Library("torchvision", "DEF")
        _libraries.append(library)
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.impl("nms", nms, "CPU")
        import torchvision.extension

        # Asked by every function of torchvision.ops before it calls an operator.
        torchvision.extension._has_ops = lambda: True


def nms(boxes: torch.Tensor, scores: torch.Tensor, threshold: float) -> torch.Tensor:
    """Non-maximum suppression, as torchvision.ops.nms defines it.

    `boxes` float `[N, 4]` with corners x1, y1, x2, y2 and `scores` `[N]`; returns the indices of those boxes,
    best first, that overlap with no better one that is kept by more than `threshold` (IoU).
    """
    import torch

    order = scores.argsort(descending=True, stable=True)
    boxes = boxes[order].float()
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    alive = torch.ones(len(boxes), dtype=torch.bool)
    for index in range(len(boxes)):
        if not alive[index]:
            continue
        rest = slice(index + 1, None)
        low = torch.maximum(boxes[index, :2], boxes[rest, :2])
        high = torch.minimum(boxes[index, 2:], boxes[rest, 2:])
        both = (high - low).clamp(min=0).prod(1)
        # Written as a product, so that two empty boxes do not overlap; a box that is not a number stays.
        alive[rest] &= ~(both > threshold * (areas[index] + areas[rest] - both))
    return order[alive]
