"""torchvision beside a PyTorch without CUDA.

torchvision's wheels are built against PyTorch with CUDA. Beside a CPU build their compiled operators do not
load, and `import torchvision` fails at the first of them ("operator torchvision::nms does not exist"). So
neither easyocr nor the image processors of transformers can be imported, although they use none of them.
This module declares those operators. Calling one still fails with a message that it has no implementation.
"""

from __future__ import annotations

import importlib.util
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_lock = threading.Lock()
#: The declarations last as long as these objects.
_libraries: list[torch.library.Library] = []


def prepare() -> None:
    """Make `import torchvision` work in this process; call it before anything that imports torchvision.

    It does nothing if torchvision's own operators load, or if torchvision is not installed.
    """
    import torch

    if torch.version.cuda is not None or importlib.util.find_spec("torchvision") is None:
        return
    with _lock:
        if not _libraries and not hasattr(torch.ops.torchvision, "nms"):
            torch_library: Any = torch.library  # it has no types
            library = torch_library.Library("torchvision", "DEF")
            for name in ("nms", "qnms"):
                library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            _libraries.append(library)
