"""torchvision beside a PyTorch without CUDA.

torchvision's wheels are built against CUDA's PyTorch. Beside a CPU build their compiled operators do not
load, and `import torchvision` stops where it describes the first of them ("operator torchvision::nms does not
exist"): so neither easyocr nor the image processors of transformers can be imported, though they use none.
Here those operators get a name. Calling one still fails, and says that it is not there.
"""

from __future__ import annotations

import importlib.util
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
    import torch

    if torch.version.cuda is not None or importlib.util.find_spec("torchvision") is None:
        return
    with _lock:
        if not _libraries and not hasattr(torch.ops.torchvision, "nms"):
            library = torch.library.Library("torchvision", "DEF")
            for name in ("nms", "qnms"):
                library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            _libraries.append(library)
