"""Make `yamnet.onnx` from its package: `python -m tools.convert_networks.yamnet`.

The package's YAMNet computes in 8 bits throughout, so its scores have steps of 0.76 in the logit and tags
tie. Its weights are not rounded, though: this removes the rounding of activations from the graph, lets it run
many patches at once, and appends the sigmoid. The result is only the graph, a few kilobytes; its weights stay
in the package's file, `model.data` inside the zip.
"""

from __future__ import annotations

import argparse
import hashlib
import zipfile

import onnx
from onnx import TensorProto, helper

from clipbench.analyzers import weights

_INPUT, _SCORES = "log_mel", "scores"


def without_rounding(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with float activations: log-mel patches [N, 1, 96, 64] to scores [N, classes] in 0..1."""
    graph = model.graph
    renamed = {graph.input[0].name: _INPUT}

    def origin(name: str) -> str:
        while name in renamed:
            name = renamed[name]
        return name

    nodes = []
    for node in graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            renamed[node.output[0]] = node.input[0]
        elif node.op_type == "Reshape":
            nodes.append(helper.make_node("Flatten", node.input[:1], node.output, axis=1))
        else:
            nodes.append(node)
    nodes.append(helper.make_node("Sigmoid", [graph.output[0].name], [_SCORES]))
    for node in nodes:
        node.input[:] = [origin(name) for name in node.input]
    used = {name for node in nodes for name in node.input}
    classes = graph.output[0].type.tensor_type.shape.dim[1].dim_value
    floats = helper.make_graph(
        nodes,
        "yamnet",
        [helper.make_tensor_value_info(_INPUT, TensorProto.FLOAT, ["N", 1, 96, 64])],
        [helper.make_tensor_value_info(_SCORES, TensorProto.FLOAT, ["N", classes])],
        [tensor for tensor in graph.initializer if tensor.name in used],
    )
    return helper.make_model(floats, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def source() -> bytes:
    """The package's graph, without its weights."""
    with zipfile.ZipFile(weights.resolve("yamnet-weights")) as bundle:
        (name,) = (name for name in bundle.namelist() if name.endswith(".onnx"))
        return bundle.read(name)


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    path = weights.FOLDER / "yamnet.onnx"
    path.write_bytes(without_rounding(onnx.load_model_from_string(source())).SerializeToString())
    print(f"{path.name}: {path.stat().st_size} bytes, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
