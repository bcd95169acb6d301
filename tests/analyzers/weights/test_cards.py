"""Model cards, and the checksums of their files."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil

import pytest

from clipbench.analyzers import weights
from clipbench.analyzers.features.onnx_networks import open_network


@pytest.mark.parametrize("name", weights.names())
def test_every_card_has_its_file(name):
    if name == "whisper-base" and not weights.is_installed(name):
        pytest.skip("it comes with an extra")
    assert all(path.is_file() for path in weights.resolve_parts(name))
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


@pytest.fixture
def divided(tmp_path, monkeypatch):
    """The folder of a model whose file is divided over two packages, with 2 and 3 bytes."""
    for package, content in {"half_one": b"ab", "half_two": b"cde"}.items():
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
        (tmp_path / package / "part").write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(weights, "CARDS", tmp_path)
    (tmp_path / "divided.yaml").write_text(
        "{name: divided, task: none, licence: MIT, input: none, output: none, checked: no,"
        " package: half_one, file: part,"
        " source: {package: half-one, version: '1.0', index: PyPI, file: half_one/part},"
        " rest: [{package: half-two, version: '2.0', index: PyPI, file: half_two/part}],"
        f" sha256: {hashlib.sha256(b'abcde').hexdigest()}}}",
        encoding="utf-8",
    )
    weights.card.cache_clear()
    yield tmp_path
    weights.card.cache_clear()


def test_a_divided_file_is_found_in_order(divided):
    assert [path.read_bytes() for path in weights.resolve_parts("divided")] == [b"ab", b"cde"]
    assert weights.is_installed("divided")
    with pytest.raises(weights.ModelError, match="divided comes in 2 parts"):
        weights.resolve("divided")


@pytest.mark.parametrize("package", ["half_one", "half_two"])
def test_each_part_of_a_divided_file_is_looked_at(divided, package):
    part = divided / package / "part"
    part.write_bytes(part.read_bytes()[::-1])
    with pytest.raises(weights.ModelError, match=r"not the file of its card.*half-one==1\.0 half-two==2\.0"):
        weights.resolve_parts("divided")
    part.unlink()
    assert not weights.is_installed("divided")
    with pytest.raises(weights.ModelError, match="missing"):
        weights.resolve_parts("divided")
