"""Networks are shared, and give the same in batches."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from clipbench.analyzers.features import onnx_networks
from clipbench.analyzers.features.onnx_networks import open_network, output_of_shape


def test_one_session_is_shared_until_its_last_user_closes_it(monkeypatch):
    made: list[weakref.ref] = []
    original = onnx_networks.new_session

    def counting(*arguments):
        session = original(*arguments)
        made.append(weakref.ref(session))
        return session

    monkeypatch.setattr(onnx_networks, "new_session", counting)
    first, second = open_network("iris"), open_network("iris")
    eye = np.zeros((3, 64, 64, 3), np.uint8)
    first.close()
    first.close()
    assert len(made) == 1
    assert second(eye, batch=2)[0].shape == (3, 1, 1, 228)
    second.close()
    gc.collect()
    assert made[0]() is None
    with pytest.raises(RuntimeError, match="closed"):
        second(eye)


def test_an_output_is_found_by_the_shape_of_its_rows():
    outputs = [np.zeros((2, 4)), np.arange(12).reshape(2, 6)]
    assert output_of_shape(outputs, 2, 3)[1].tolist() == [[6, 7, 8], [9, 10, 11]]
    with pytest.raises(ValueError, match=r"no output of shape \(5,\)"):
        output_of_shape(outputs, 5)


def test_batches_give_what_single_pictures_give():
    net = open_network("movenet-lightning")
    pictures = np.random.default_rng(0).integers(0, 255, (3, 192, 192, 3), np.uint8)
    together = net(pictures)[0]
    for picture, keypoints in zip(pictures, together, strict=True):
        np.testing.assert_allclose(net(picture[None])[0][0], keypoints, atol=1e-4)
    net.close()
