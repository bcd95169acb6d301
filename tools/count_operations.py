"""How many operations each network needs for one input: `python -m tools.count_operations`.

It counts the multiplications and additions of convolutions and matrix products, two for each
multiply-accumulate, from the shapes that ONNX infers. The predictions in docs/profile.md are these numbers
divided by the machine's speed.
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

from clipbench.analyzers import weights

#: The sizes at which networks of any size are counted: those of a 9:16 clip at 640 pixels.
SIZES = {"pictures_h": 640, "pictures_w": 352}


def count(path: Path) -> float:
    """Operations in the network at `path` for one row of its first axis, in units of 10⁹."""
    import onnx
    from onnx import shape_inference

    model = onnx.load(path, load_external_data=False)
    for value in model.graph.input:
        for d in value.type.tensor_type.shape.dim:
            if d.dim_param:
                d.dim_value = SIZES.get(d.dim_param, 1)
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    graph = shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {
        value.name: [d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in [*graph.value_info, *graph.input, *graph.output]
    }
    shapes |= {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    return sum(operations(node, shapes) for node in graph.node) / 1e9


def operations(node: Any, shapes: dict[str, list[int]]) -> int:
    """Operations of one node; only products count."""
    if node.op_type not in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
        return 0
    out, weights = shapes[node.output[0]], shapes[node.input[1]]
    if node.op_type == "Conv":
        return 2 * prod(out) * prod(weights[1:])
    if node.op_type == "ConvTranspose":
        return 2 * prod(shapes[node.input[0]]) * prod(weights[1:])
    return 2 * prod(out) * shapes[node.input[0]][-1]


if __name__ == "__main__":
    for card in map(weights.card, weights.names()):
        if card.path().suffix == ".onnx" and card.package is None:
            print(f"{card.name:24} {count(card.path()):7.3f} GFLOP   {card.input}")
