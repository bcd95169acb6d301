"""Export to ONNX, and the compact form in which weights are stored.

The network always computes in float32. Its weights are stored as float16, or, if a recipe says so, the large
ones as int8 with one scale per output channel. Cast and Mul nodes convert them back, which ONNX Runtime does
once, when it loads the file.
"""

from __future__ import annotations

import io
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

from tools.convert_networks.recipes import Recipe
from tools.convert_networks.tidy import tidy

OPSET = 18
#: Tensors with fewer values stay unchanged: nothing would be saved.
SMALL = 16
#: With fewer values, int8 saves too little for the accuracy that it costs.
LARGE = 4096


def example(recipe: Recipe) -> torch.Tensor:
    """A batch of two random inputs: with one, tracing would take the batch axis for a constant."""
    numbers = torch.Generator().manual_seed(0)
    if recipe.size is None:
        return torch.rand((2, 1024), generator=numbers) - 0.5
    return torch.randint(0, 256, (2, *recipe.size, 3), dtype=torch.uint8, generator=numbers)


def export(recipe: Recipe, module: torch.nn.Module) -> onnx.ModelProto:
    """The module as ONNX with float32 weights and a free batch axis, in as few nodes as possible."""
    name = "frames" if recipe.size is None else "pictures"
    buffer = io.BytesIO()
    file: Any = buffer  # declared as a path, but a file works too

    def free(of: str, height: int, width: int) -> dict[int, str]:
        return {0: "n", height: f"{of}_h", width: f"{of}_w"} if recipe.any_size else {0: "n"}

    with warnings.catch_warnings(), torch.no_grad():
        # Tracing warns about sizes that become constants, which is intended.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            (example(recipe),),
            file,
            input_names=[name],
            output_names=list(recipe.outputs),
            dynamic_axes={name: free(name, 1, 2), **{out: free(out, 2, 3) for out in recipe.outputs}},
            opset_version=OPSET,
            dynamo=False,
        )
    return tidy(_simplified(buffer.getvalue()))


def _simplified(model: bytes) -> onnx.ModelProto:
    """The network after ONNX Runtime's basic optimizations, which keep to standard operators.

    Constants are folded, batch normalisation is merged into the convolutions, and the transposes that the
    NHWC layout left around each of them cancel out.
    """
    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(Path(folder) / "basic.onnx")
        options.log_severity_level = 3
        onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        simple = onnx.load(options.optimized_model_filepath)
    standard = [entry for entry in simple.opset_import if not entry.domain]
    simple.ClearField("opset_import")
    simple.opset_import.extend(standard)
    return simple


def pack(model: onnx.ModelProto, *, int8: bool) -> onnx.ModelProto:
    """The same network with compact weights; changes `model` and returns it."""
    graph = model.graph
    axes = {node.input[1]: axis for node in graph.node if (axis := _output_axis(node)) is not None}
    stored, restore = [], []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < SMALL:
            stored.append(tensor)
        elif int8 and tensor.name in axes and values.size >= LARGE:
            small, scale = quantized(values, axes[tensor.name])
            stored += [
                numpy_helper.from_array(small, tensor.name + ".int8"),
                numpy_helper.from_array(scale, tensor.name + ".scale"),
            ]
            restore += [
                _cast(tensor.name + ".int8", tensor.name + ".steps"),
                helper.make_node("Mul", [tensor.name + ".steps", tensor.name + ".scale"], [tensor.name]),
            ]
        else:
            stored.append(numpy_helper.from_array(values.astype(np.float16), tensor.name + ".half"))
            restore.append(_cast(tensor.name + ".half", tensor.name))
    nodes = [*restore, *graph.node]
    graph.ClearField("initializer")
    graph.ClearField("node")
    graph.initializer.extend(stored)
    graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    return model


def quantized(weights: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """int8 `weights` and the float32 scale per index of `axis` that minimises the squared error."""
    others = tuple(index for index in range(weights.ndim) if index != axis)
    peak = np.maximum(np.abs(weights).max(others, keepdims=True), 1e-12)
    best, least = peak / 127, np.full_like(peak, np.inf)
    for share in np.linspace(0.7, 1.0, 31):
        # A smaller scale clips the few largest weights and is finer for all others.
        scale = peak * share / 127
        steps = np.clip(np.rint(weights / scale), -127, 127)
        error = ((steps * scale - weights) ** 2).sum(others, keepdims=True)
        best, least = np.where(error <= least, scale, best), np.minimum(error, least)
    best = best.astype(np.float32)
    return np.clip(np.rint(weights / best), -127, 127).astype(np.int8), best


def _output_axis(node: onnx.NodeProto) -> int | None:
    """The output channel's axis of the weights that `node` reads; None if they must not become int8.

    The weights of depthwise convolutions stay as they are: they are few, and sensitive.
    """
    attributes = {attribute.name: attribute.i for attribute in node.attribute}
    if node.op_type == "Gemm":
        return 0 if attributes.get("transB") else 1
    if attributes.get("group", 1) > 1:
        return None
    return {"Conv": 0, "ConvTranspose": 1, "MatMul": 1}.get(node.op_type)


def _cast(source: str, target: str) -> onnx.NodeProto:
    return helper.make_node("Cast", [source], [target], to=TensorProto.FLOAT)
