"""How many operations one input costs in each network: `python -m tools.count_operations`.

Multiplications and additions of the convolutions and matrix products, two for each multiply-accumulate, as
ONNX's shape inference gives them. What docs/profile.md predicts is these numbers over the machine's speed.
"""

from __future__ import annotations

from math import prod
from pathlib import Path

from clipbench.analyzers import weights

#: The sizes at which networks of any size are counted: what a 9:16 clip at 640 pixels becomes.
SIZES = {"pictures_h": 640, "pictures_w": 352}


def count(path: Path) -> float:
    """Operations in the network at `path` for one row of its first axis, in units of 10⁹."""
    import onnx
    from onnx import shape_inference

    model = onnx.load(path)
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


def operations(node, shapes: dict[str, list[int]]) -> int:
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
