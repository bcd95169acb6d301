"""The TensorFlow operations that the converted networks use, on torch tensors in NHWC layout.

Each gets the node's attributes and its inputs. Sizes are read as Python numbers, so that tracing makes them
constants; only the first axis, the batch, stays free.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

#: A node's attributes by name, as `graph.read_attribute` returns them.
Attributes: TypeAlias = Mapping[str, Any]

INTEGER = {"DT_INT32", "DT_INT64"}


def same_padding(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """TensorFlow's SAME padding before and after; the odd one goes after."""
    total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def _numbers(tensor: Tensor) -> list[int]:
    return [int(value) for value in tensor.flatten()]


def _nchw(x: Tensor) -> Tensor:
    return x.permute(0, 3, 1, 2)


def _nhwc(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1)


def _padded(
    x: Tensor,
    attributes: Attributes,
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int] = (1, 1),
    value: float = 0.0,
) -> Tensor:
    """NCHW `x` with the padding that the node asks for."""
    mode = attributes["padding"]
    if mode == "VALID":
        return x
    if mode == "EXPLICIT":
        _, _, top, bottom, left, right, _, _ = attributes["explicit_paddings"]
    else:
        top, bottom = same_padding(int(x.shape[2]), kernel[0], stride[0], dilation[0])
        left, right = same_padding(int(x.shape[3]), kernel[1], stride[1], dilation[1])
    return functional.pad(x, (left, right, top, bottom), value=value) if top + bottom + left + right else x


def _prelu(x: Tensor, slope: Tensor) -> Tensor:
    """`slope` is per channel, [C] or [1, 1, C]; x is NCHW."""
    if slope.numel() != slope.shape[-1]:
        raise NotImplementedError("PReLU with a slope per position")
    return functional.prelu(x, slope.flatten())


def _fused(
    x: Tensor, attributes: Attributes, inputs: Sequence[Tensor], channels_first: bool = True
) -> Tensor:
    """`x` after the bias and activation of a fused node; `inputs` are those after its weights."""
    extras = iter(inputs)
    for name in attributes.get("fused_ops", []):
        if name == "BiasAdd":
            bias = next(extras)
            x = x + (bias[:, None, None] if channels_first else bias)
        elif name == "Prelu":
            x = _prelu(x, next(extras))
        else:
            x = ACTIVATIONS[name](x)
    return x


def convolution(
    attributes: Attributes, x: Tensor, weights: Tensor, *extras: Tensor, depthwise: bool = False
) -> Tensor:
    stride = attributes["strides"][1:3]
    dilation = (attributes.get("dilations") or [1, 1, 1, 1])[1:3]
    kernel = weights.shape[:2]
    x = _padded(_nchw(x), attributes, kernel, stride, dilation)
    if depthwise:  # [H, W, C, multiplier]
        weights = weights.permute(2, 3, 0, 1).reshape(-1, 1, *kernel)
    else:  # [H, W, in, out]
        weights = weights.permute(3, 2, 0, 1)
    groups = int(x.shape[1]) // int(weights.shape[1])
    names = attributes.get("fused_ops", [])
    bias = extras[0] if names[:1] == ["BiasAdd"] else None
    if bias is not None:
        attributes, extras = {**attributes, "fused_ops": names[1:]}, extras[1:]
    x = functional.conv2d(x, weights, bias, stride, 0, dilation, groups)
    return _nhwc(_fused(x, attributes, extras))


def depthwise(attributes: Attributes, x: Tensor, weights: Tensor, *extras: Tensor) -> Tensor:
    return convolution(attributes, x, weights, *extras, depthwise=True)


def transposed_convolution(attributes: Attributes, shape: Tensor, weights: Tensor, x: Tensor) -> Tensor:
    stride = attributes["strides"][1:3]
    height, width = _numbers(shape)[1:3]
    x = functional.conv_transpose2d(_nchw(x), weights.permute(3, 2, 0, 1), None, stride)
    top, left = (int(x.shape[2]) - height) // 2, (int(x.shape[3]) - width) // 2
    return _nhwc(x[:, :, top : top + height, left : left + width])


def matmul(attributes: Attributes, x: Tensor, weights: Tensor, *extras: Tensor) -> Tensor:
    weights = weights.T if attributes.get("transpose_b") else weights
    return _fused(x @ weights, attributes, extras, channels_first=False)


def max_pool(attributes: Attributes, x: Tensor) -> Tensor:
    kernel, stride = attributes["ksize"][1:3], attributes["strides"][1:3]
    x = _padded(_nchw(x), attributes, kernel, stride, value=float("-inf"))
    return _nhwc(functional.max_pool2d(x, kernel, stride))


def average_pool(attributes: Attributes, x: Tensor) -> Tensor:
    if attributes["padding"] != "VALID":
        raise NotImplementedError("AvgPool with padding")
    kernel = attributes["ksize"][1:3]
    if kernel == [int(side) for side in x.shape[1:3]]:
        return x.mean((1, 2), keepdim=True)
    return _nhwc(functional.avg_pool2d(_nchw(x), kernel, attributes["strides"][1:3]))


def resize_bilinear(attributes: Attributes, x: Tensor, size: Tensor) -> Tensor:
    height, width = _numbers(size)
    if not attributes.get("half_pixel_centers") and not attributes.get("align_corners"):
        raise NotImplementedError("ResizeBilinear with TensorFlow 1's corners")
    corners = bool(attributes.get("align_corners"))
    factor = height / int(x.shape[1])
    if not corners and factor == width / int(x.shape[2]):
        # A factor also holds for pictures of another size.
        return _nhwc(functional.interpolate(_nchw(x), scale_factor=factor, mode="bilinear"))
    return _nhwc(functional.interpolate(_nchw(x), (height, width), mode="bilinear", align_corners=corners))


def pad(attributes: Attributes, x: Tensor, paddings: Tensor, value: Tensor | None = None) -> Tensor:
    sides = [int(side) for pair in reversed(paddings.tolist()) for side in pair]
    return functional.pad(x, sides, value=0.0 if value is None else float(value))


def reshape(attributes: Attributes, x: Tensor, shape: Tensor) -> Tensor:
    """The first axis follows the batch: networks declare a batch of one, or leave it open."""
    sides = _numbers(shape)
    if len(sides) < 2 or sides[0] not in (1, -1):
        return x.reshape(sides)
    rest = sides[1:]
    if -1 in rest:
        known = -int(torch.tensor(rest).prod())
        rest[rest.index(-1)] = int(torch.tensor(list(x.shape[1:])).prod()) // known
    return x.reshape(-1, *rest)


def squeeze(attributes: Attributes, x: Tensor) -> Tensor:
    return x.squeeze(tuple(attributes["squeeze_dims"]))


def sparse_to_dense(
    attributes: Attributes, indices: Tensor, shape: Tensor, values: Tensor, default: Tensor
) -> Tensor:
    dense = torch.full(_numbers(shape), int(default), dtype=values.dtype)
    dense[indices.flatten()] = values
    return dense


def cast(attributes: Attributes, x: Tensor) -> Tensor:
    return x.to(torch.int64 if attributes["DstT"] in INTEGER else torch.float32)


def minimum(attributes: Attributes, x: Tensor, limit: Tensor) -> Tensor:
    return x.clamp(max=float(limit)) if limit.dim() == 0 else torch.minimum(x, limit)


def maximum(attributes: Attributes, x: Tensor, limit: Tensor) -> Tensor:
    return x.clamp(min=float(limit)) if limit.dim() == 0 else torch.maximum(x, limit)


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "Relu": functional.relu,
    "Relu6": functional.relu6,
    "Sigmoid": torch.sigmoid,
}

OPS: dict[str, Callable[..., Any]] = {
    "Conv2D": convolution,
    "_FusedConv2D": convolution,
    "DepthwiseConv2dNative": depthwise,
    "FusedDepthwiseConv2dNative": depthwise,
    "Conv2DBackpropInput": transposed_convolution,
    "_FusedMatMul": matmul,
    "MaxPool": max_pool,
    "AvgPool": average_pool,
    "ResizeBilinear": resize_bilinear,
    "Pad": pad,
    "PadV2": pad,
    "Reshape": reshape,
    "Squeeze": squeeze,
    "SparseToDense": sparse_to_dense,
    "Cast": cast,
    "Minimum": minimum,
    "Maximum": maximum,
    "Prelu": lambda a, x, slope: _nhwc(_prelu(_nchw(x), slope)),
    "LeakyRelu": lambda a, x: functional.leaky_relu(x, a["alpha"]),
    "Softmax": lambda a, x: x.softmax(-1),
    **{name: lambda a, x, _f=function: _f(x) for name, function in ACTIVATIONS.items()},
    "Identity": lambda a, x: x,
    "Add": lambda a, x, y: x + y,
    "AddV2": lambda a, x, y: x + y,
    "AddN": lambda a, *xs: sum(xs[1:], xs[0]),
    "Sub": lambda a, x, y: x - y,
    "Mul": lambda a, x, y: x * y,
    "RealDiv": lambda a, x, y: x / y,
    "FloorDiv": lambda a, x, y: torch.div(x, y, rounding_mode="floor"),
    "SquaredDifference": lambda a, x, y: (x - y) ** 2,
    "Sqrt": lambda a, x: x.sqrt(),
    "Mean": lambda a, x, axes: x.mean(_numbers(axes), keepdim=bool(a.get("keep_dims"))),
    "ArgMax": lambda a, x, axis: x.argmax(int(axis)),
    "GatherNd": lambda a, x, index: x[tuple(index.unbind(-1))],
    "Transpose": lambda a, x, order: x.permute(_numbers(order)),
    "ExpandDims": lambda a, x, axis: x.unsqueeze(int(axis)),
    "ConcatV2": lambda a, *xs: torch.cat(xs[:-1], int(xs[-1])),
    "Pack": lambda a, *xs: torch.stack(xs, a["axis"]),
    "Unpack": lambda a, x: x.unbind(a["axis"]),
    "SplitV": lambda a, x, sizes, axis: x.split(_numbers(sizes), int(axis)),
}
