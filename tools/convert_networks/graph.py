"""A TensorFlow.js graph model as a torch module.

TensorFlow.js stores a network as a JSON graph of TensorFlow nodes and a binary file of weights, as float16
for most of the networks converted here. The module runs the nodes in order and keeps their NHWC layout:
the transposes around each convolution cancel out when ONNX Runtime loads the exported graph.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tools.convert_networks.ops import OPS

DTYPES = {"float32": np.float32, "int32": np.int32, "bool": np.bool_}
STORED = {"float16": np.float16, "uint8": np.uint8, "uint16": np.uint16}


def read_weights(model: dict[str, Any], folder: Path) -> dict[str, np.ndarray]:
    """The weights that a model.json's manifest describes, by node name; floats as float32."""
    weights: dict[str, np.ndarray] = {}
    for group in model["weightsManifest"]:
        blob = b"".join((folder / part).read_bytes() for part in group["paths"])
        start = 0
        for entry in group["weights"]:
            packed = entry.get("quantization")
            stored = np.dtype(STORED[packed["dtype"]] if packed else DTYPES[entry["dtype"]])
            count = int(np.prod(entry["shape"], dtype=int))
            values = np.frombuffer(blob, stored, count, start).reshape(entry["shape"])
            start += count * stored.itemsize
            if packed and packed["dtype"] != "float16":
                values = values * np.float32(packed["scale"]) + np.float32(packed["min"])
            # int64, because torch and ONNX require it for shapes and indices.
            weights[entry["name"]] = values.astype(
                np.int64 if entry["dtype"] == "int32" else DTYPES[entry["dtype"]]
            )
    return weights


def read_attribute(value: dict[str, Any]) -> Any:
    """A node attribute of the JSON (one of protobuf's `AttrValue` kinds) as a Python value."""
    kind, content = next(iter(value.items()))
    if kind == "list":
        kind, content = next(iter(content.items()), ("i", []))
        return [read_attribute({kind: item}) for item in content]
    if kind == "s":
        return base64.b64decode(content).decode()
    kinds: dict[str, Callable[[Any], Any]] = {"i": int, "f": float, "b": bool}
    return kinds[kind](content) if kind in kinds else content


class Graph(torch.nn.Module):
    """The sub-graph of a TensorFlow.js model between `inputs` and `outputs` (node names).

    The defaults are its placeholders and the nodes whose outputs no other node reads. The forward pass takes
    one tensor per input and returns a tuple with one tensor per output.
    """

    def __init__(self, path: Path, inputs: tuple[str, ...] = (), outputs: tuple[str, ...] = ()) -> None:
        super().__init__()
        model = json.loads(path.read_text(encoding="utf-8"))
        self.nodes = {node["name"]: node for node in model["modelTopology"]["node"]}
        self.parents = {
            name: [_port(text) for text in node.get("input", []) if text[0] != "^"]
            for name, node in self.nodes.items()
        }
        self.attributes = {
            name: {
                key: read_attribute(value)
                for key, value in node.get("attr", {}).items()
                if key not in ("value", "shape")
            }
            for name, node in self.nodes.items()
        }
        read = {parent for parents in self.parents.values() for parent, _ in parents}
        self.inputs = inputs or tuple(n for n in self.nodes if self.nodes[n]["op"] == "Placeholder")
        self.outputs = outputs or tuple(
            n for n in self.nodes if n not in read and self.nodes[n]["op"] != "NoOp"
        )
        self.order = self._sorted()
        weights = read_weights(model, path.parent)
        self.constants: dict[str, str] = {}
        for name in self.order:
            if self.nodes[name]["op"] == "Const":
                self.constants[name] = f"weight{len(self.constants)}"
                self.register_buffer(self.constants[name], torch.from_numpy(weights[name]))

    def _sorted(self) -> list[str]:
        """The nodes that the outputs need, each after the nodes that it reads."""
        order, done, stack = [], set(self.inputs), list(reversed(self.outputs))
        while stack:
            name = stack[-1]
            missing = [parent for parent, _ in self.parents[name] if parent not in done]
            if name in done or not missing:
                stack.pop()
                if name not in done:
                    done.add(name)
                    order.append(name)
            else:
                stack.extend(missing)
        return order

    def forward(self, *values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        results: dict[str, tuple[torch.Tensor, ...]] = {
            name: (value,) for name, value in zip(self.inputs, values, strict=True)
        }
        for name in self.order:
            if name in self.constants:
                results[name] = (getattr(self, self.constants[name]),)
                continue
            kind = self.nodes[name]["op"]
            if kind not in OPS:
                raise NotImplementedError(f"the TensorFlow operation {kind} (node {name})")
            result = OPS[kind](
                self.attributes[name], *(results[parent][port] for parent, port in self.parents[name])
            )
            results[name] = result if isinstance(result, tuple) else (result,)
        return tuple(results[name][0] for name in self.outputs)


def _port(text: str) -> tuple[str, int]:
    """ "name:2" as ("name", 2): the third output of a node."""
    name, _, port = text.partition(":")
    return name, int(port or 0)
