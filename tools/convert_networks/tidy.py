"""A network in operators that ONNX Runtime has fast kernels for on a CPU; its results stay the same.

ONNX Runtime keeps pictures in a layout of its own between convolutions. A node that it cannot run in that
layout costs two conversions beside its own work, and all nodes up to the next convolution are run outside of
it too. So such nodes are written here as convolutions with kernels of zeros and ones, or become part of one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from onnx import helper, numpy_helper

#: Pooling needs a multiple of as many channels: what AVX-512 has in a register.
BLOCK = 16
#: ONNX Runtime computes one by one what a kernel finds across an edge: of a longer one that is too much.
LONGEST_KERNEL = 7


class Tidying:
    """A graph that is rewritten node by node. Names of new nodes and tensors begin with that of the old."""

    def __init__(self, model: onnx.ModelProto) -> None:
        inferred = onnx.shape_inference.infer_shapes(model)
        self.graph = model.graph
        self.channels = {
            value.name: value.type.tensor_type.shape.dim[1].dim_value
            for value in inferred.graph.value_info
            if len(value.type.tensor_type.shape.dim) == 4
        }
        self.constants = {tensor.name: tensor for tensor in self.graph.initializer}

    def constant(self, name: str, values: np.ndarray) -> str:
        """A new constant; returns its name."""
        if name not in self.constants:
            tensor = numpy_helper.from_array(values, name)
            self.graph.initializer.append(tensor)
            self.constants[name] = tensor
        return name

    def value(self, name: str) -> np.ndarray | None:
        """A constant's values; None for what is computed, or for an input that was left out."""
        return numpy_helper.to_array(self.constants[name]) if name in self.constants else None

    def only(self, name: str, kind: str) -> onnx.NodeProto | None:
        """The node that makes a tensor, if it is of that kind and nothing else is done with the tensor."""
        if sum(name in node.input for node in self.graph.node) != 1:
            return None
        return next((node for node in self.graph.node if name in node.output and node.op_type == kind), None)

    def zeros_around(self, node: onnx.NodeProto) -> np.ndarray | None:
        """How many zeros a Pad adds before and after each axis [8]; None if it adds something else."""
        pads, filling = (self.value(name) for name in (*node.input[1:], "")[:2])
        if pads is None or len(pads) != 8 or (filling is not None and filling != 0):
            return None
        return pads

    def drop_unread(self) -> None:
        """Drop the constants that nothing reads any more."""
        read = {name for node in self.graph.node for name in node.input}
        kept = [tensor for tensor in self.graph.initializer if tensor.name in read]
        self.graph.ClearField("initializer")
        self.graph.initializer.extend(kept)

    def rewrite(self, rule: Callable[[Tidying, onnx.NodeProto], list[onnx.NodeProto] | None]) -> None:
        """Replace each node by what the rule makes of it; None leaves it as it is."""
        for node in list(self.graph.node):
            if (made := rule(self, node)) is None:
                continue
            at = list(self.graph.node).index(node)
            self.graph.node.remove(node)
            for offset, each in enumerate(made):
                self.graph.node.insert(at + offset, each)


def prelu(graph: Tidying, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """PRelu as `relu(x) + slope * (x - relu(x))`: one of the two terms is always zero."""
    if node.op_type != "PRelu":
        return None
    source, slope = node.input
    (target,) = node.output
    count = graph.channels[source]
    minus = graph.constant(f"minus.{count}", -np.ones((count, 1, 1, 1), np.float32))
    shape = graph.constant(f"shape.{count}", np.array([count, 1, 1, 1], np.int64))
    up, down, part, kernel, scaled = (f"{target}.{end}" for end in ("up", "drop", "down", "slope", "scaled"))
    return [
        helper.make_node("Relu", [source], [up]),
        helper.make_node("Conv", [up, minus], [down], group=count, kernel_shape=[1, 1]),
        helper.make_node("Add", [down, source], [part]),
        helper.make_node("Reshape", [slope, shape], [kernel]),
        helper.make_node("Conv", [part, kernel], [scaled], group=count, kernel_shape=[1, 1]),
        helper.make_node("Add", [scaled, up], [target]),
    ]


def padded_conv(graph: Tidying, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """A convolution pads its input itself."""
    before = graph.only(node.input[0], "Pad") if node.op_type == "Conv" else None
    if before is None or (pads := graph.zeros_around(before)) is None or pads[[0, 1, 4, 5]].any():
        return None
    (kernel,) = (attribute for attribute in node.attribute if attribute.name == "kernel_shape")
    if max(kernel.ints) > LONGEST_KERNEL:
        return None
    graph.graph.node.remove(before)
    made = onnx.NodeProto()
    made.CopyFrom(node)
    made.input[0] = before.input[0]
    (own,) = (attribute for attribute in made.attribute if attribute.name == "pads")
    own.ints[:] = [int(a + b) for a, b in zip(own.ints, pads[[2, 3, 6, 7]], strict=True)]
    return [made]


def joined_clips(graph: Tidying, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """Limits within limits as one."""
    before = graph.only(node.input[0], "Clip") if node.op_type == "Clip" else None
    if before is None:
        return None
    lows, highs = (
        [graph.value(name) for each in (before, node) for name in each.input[i : i + 1]] for i in (1, 2)
    )
    low = max((float(low) for low in lows if low is not None), default=-np.inf)
    high = min((float(high) for high in highs if high is not None), default=np.inf)
    graph.graph.node.remove(before)
    limits = [graph.constant(f"limit.{limit}", np.array(limit, np.float32)) for limit in (low, high)]
    return [helper.make_node("Clip", [before.input[0], *limits], list(node.output))]


def identity(graph: Tidying, source: str, target: str, inside: int, outside: int) -> onnx.NodeProto:
    """A convolution that only adds channels of zeros, or drops them."""
    kernel = graph.constant(
        f"identity.{inside}.{outside}", np.eye(outside, inside, dtype=np.float32)[:, :, None, None]
    )
    return helper.make_node("Conv", [source, kernel], [target], kernel_shape=[1, 1])


def pooled(graph: Tidying, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """A pool whose channels fill blocks, also if it is only so within."""
    if node.op_type != "MaxPool" or not (count := graph.channels[node.input[0]]) % BLOCK:
        return None
    wide = -(-count // BLOCK) * BLOCK
    before, after = f"{node.output[0]}.wide", f"{node.output[0]}.pooled"
    made = onnx.NodeProto()
    made.CopyFrom(node)
    made.input[0], made.output[0] = before, after
    return [
        identity(graph, node.input[0], before, count, wide),
        made,
        identity(graph, after, node.output[0], wide, count),
    ]


def widened(graph: Tidying, node: onnx.NodeProto) -> list[onnx.NodeProto] | None:
    """More channels, of zeros, by a convolution."""
    pads = graph.zeros_around(node) if node.op_type == "Pad" else None
    if pads is None or not pads[5] or pads[[0, 1, 2, 3, 4, 6, 7]].any():
        return None
    count = graph.channels[node.input[0]]
    return [identity(graph, node.input[0], node.output[0], count, count + int(pads[5]))]


RULES = (padded_conv, joined_clips, pooled, widened, prelu)


def tidy(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network in other nodes; changes `model` and returns it."""
    graph = Tidying(model)
    for rule in RULES:
        graph.rewrite(rule)
    graph.drop_unread()
    onnx.checker.check_model(model, full_check=True)
    return model
