"""Compare a converted network with its source on real pictures (and sounds).

The pictures come with scikit-image, Matplotlib and scikit-learn. Both networks get the same input; they
differ in the storage of the weights and in the runtime.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from tools.convert_networks.recipes import Recipe

#: The faces' boxes [x1, y1, x2, y2] in pixels, with the margin that face networks expect.
FACES = {"astronaut": (160, 40, 290, 200), "grace_hopper": (150, 60, 400, 340)}


def photographs() -> dict[str, np.ndarray]:
    """Real photographs, uint8 [H, W, 3], by name."""
    import matplotlib.cbook
    import matplotlib.image
    import skimage.data
    from sklearn.datasets import load_sample_image

    found = {name: getattr(skimage.data, name)() for name in ("astronaut", "chelsea", "coffee", "rocket")}
    data: Any = skimage.data  # parts of it have no types
    found["motorcycle"] = data.stereo_motorcycle()[0]
    sample: Any = matplotlib.cbook.get_sample_data("grace_hopper.jpg")
    with sample as file:
        found["grace_hopper"] = matplotlib.image.imread(file, "jpg")
    return {**found, "china": load_sample_image("china.jpg"), "flower": load_sample_image("flower.jpg")}


def inputs(recipe: Recipe) -> np.ndarray:
    """The inputs for the comparison: photographs, faces, or a rising tone, clean and in noise."""
    if recipe.size is None:
        time = np.arange(8 * 1024) / 16000
        tone = np.sin(2 * np.pi * (110 * time + 250 * time**2))
        noise = np.random.default_rng(0).normal(0, 0.3, time.size)
        return np.concatenate([tone, tone + noise]).astype(np.float32).reshape(-1, 1024)
    import cv2

    pictures = photographs()
    if recipe.faces:
        pictures = {name: pictures[name][y1:y2, x1:x2] for name, (x1, y1, x2, y2) in FACES.items()}
    height, width = recipe.size
    return np.stack(
        [cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA) for picture in pictures.values()]
    )


def compare(recipe: Recipe, source: Path, file: Path) -> dict[str, tuple[float, float, float]]:
    """By output: the largest difference, the mean difference, and the largest value of the source network."""
    import onnxruntime

    batch = inputs(recipe)
    net = (recipe.reference or recipe.build)(source).eval()
    with torch.no_grad():
        # One by one, because a source network may not be made for batches.
        results = [net(torch.from_numpy(row[None])) for row in batch]
    rows = [row if isinstance(row, tuple) else (row,) for row in results]
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    found = session.run(None, {session.get_inputs()[0].name: batch})
    figures = {}
    for name, output, parts in zip(recipe.outputs, found, zip(*rows, strict=True), strict=True):
        wanted = torch.cat(parts).numpy()
        gap = np.abs(output - wanted)
        figures[name] = (float(gap.max()), float(gap.mean()), float(np.abs(wanted).max()))
    return figures
