"""Model cards, and the checksums of their files."""

from __future__ import annotations

import importlib.util
import shutil

import pytest

from clipbench.analyzers import weights
from clipbench.analyzers.features.onnx_networks import open_network


@pytest.mark.parametrize("name", weights.names())
def test_every_card_has_its_file(name):
    assert weights.resolve(name).is_file()
    assert weights.card(name).name == name


def test_every_stored_network_has_a_card():
    described = {weights.card(name).file for name in weights.names()}
    assert {path.name for path in weights.FOLDER.glob("*.onnx")} <= described


def test_the_files_stay_small():
    files = (path for path in weights.FOLDER.rglob("*") if "__pycache__" not in path.parts)
    stored = [path for path in files if path.is_file()]
    assert sum(path.stat().st_size for path in stored) < 18.5e6


@pytest.fixture
def moved(tmp_path, monkeypatch):
    """The models folder somewhere where a test may damage it."""
    shutil.copy(weights.FOLDER / "selfie.onnx", tmp_path)
    shutil.copy(weights.FOLDER / "iris.onnx", tmp_path)
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    return tmp_path


def test_another_file_in_its_place_is_refused(moved):
    assert weights.resolve("selfie") == moved / "selfie.onnx"
    shutil.copy(moved / "iris.onnx", moved / "selfie.onnx")
    with pytest.raises(weights.ModelError, match=r"selfie\.onnx is not the file of its card.*git checkout"):
        weights.resolve("selfie")
    with pytest.raises(weights.ModelError):
        open_network("selfie")


def test_a_missing_file_says_how_to_get_it_back(moved):
    (moved / "selfie.onnx").unlink()
    with pytest.raises(
        weights.ModelError, match=r"missing; run `git checkout analyzers/weights/selfie\.onnx`"
    ):
        weights.resolve("selfie")


def test_a_missing_package_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(weights.ModelError, match=r"pip install .* silero-vad==6\.2\.3"):
        weights.resolve("silero-vad")


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(weights.ModelError, match="did you mean 'nanodet'"):
        weights.resolve("nanodett")


def test_a_file_of_ones_own_is_taken_as_it_is(tmp_path):
    own = tmp_path / "own.onnx"
    with pytest.raises(weights.ModelError, match="does not exist"):
        weights.resolve(str(own))
    own.write_bytes(b"anything")
    assert weights.resolve(str(own)) == own
    with pytest.raises(weights.ModelError, match="ONNX Runtime"):
        open_network(str(own))
