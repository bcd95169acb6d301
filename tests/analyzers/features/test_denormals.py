"""Denormal numbers are zero in networks, and nowhere else."""

from __future__ import annotations

import platform
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from clipbench.analyzers import threads
from clipbench.analyzers.features import denormals
from clipbench.analyzers.features.onnx_networks import new_session

onnx = pytest.importorskip("onnx")

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="only x86-64 Linux is told to"
)

#: So many numbers are shared out among threads.
SIZE = 1 << 20
TINY = np.float32(1e-40)


def product() -> float:
    """A denormal number times one, in this thread."""
    return float((np.full(64, TINY) * np.float32(1)).max())


def network() -> bytes:
    """A network that multiplies a million numbers by a denormal weight and by 1e10."""
    helper, numbers = onnx.helper, onnx.TensorProto.FLOAT
    weights = [helper.make_tensor("w", numbers, [1], [TINY]), helper.make_tensor("v", numbers, [1], [1e10])]
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "w"], ["y"]), helper.make_node("Mul", ["y", "v"], ["z"])],
        "tiny",
        [helper.make_tensor_value_info("x", numbers, [SIZE])],
        [helper.make_tensor_value_info("z", numbers, [SIZE])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


def test_the_context_ends_as_it_began():
    assert product() > 0
    with denormals.as_zero():
        assert product() == 0
        with denormals.as_zero():
            pass
        assert product() == 0
    assert product() > 0
    with pytest.raises(ValueError, match="lost"), denormals.as_zero():
        raise ValueError("lost")
    assert product() > 0


@pytest.mark.parametrize("count", [1, 2])
def test_a_network_flushes_them_in_whichever_thread_it_runs_and_leaves_that_as_it_was(count):
    threads.limit(count)
    try:
        session = new_session(network())
    finally:
        threads.limit(None)

    def run() -> tuple[float, float]:
        return float(session.run(None, {"x": np.ones(SIZE, np.float32)})[0].max()), product()

    assert product() > 0
    with ThreadPoolExecutor(1) as pool:
        for found, outside in (run(), pool.submit(run).result()):
            assert found == 0
            assert outside > 0
