"""Where weights are found, what is downloaded from where, and what is said if they are not to be had."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest
from huggingface_hub import constants

from clipbench.analyzers.production.base import MissingWeights
from clipbench.analyzers.production.pretrained import (
    TIMEOUT_S,
    FileModel,
    HubModel,
    lacking,
    model_file,
    model_folder,
)
from clipbench.analyzers.registry import back_ends
from clipbench.bench.errors import InputError
from clipbench.bench.planning import pretrained as run_weights
from clipbench.bench.planning.config import compose
from clipbench.bench.planning.plan import make_plan
from tests.support.command_line import PROJECT

MODEL, KEY = HubModel("some/model", 1.2), "models.production.some.weights"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache, and a hub at a port where nobody listens, another one for each test."""
    folder = tmp_path / "cache"
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return folder


def complete(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    return folder


def snapshot(cache: Path) -> Path:
    """Where the hub's cache keeps a revision of the model."""
    place = cache / "models--some--model"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("abc")
    folder = place / "snapshots" / "abc"
    folder.mkdir(parents=True)
    return folder


def test_what_a_folder_lacks(tmp_path):
    assert lacking(tmp_path) == "config.json"
    (tmp_path / "config.json").write_text("{}")
    assert lacking(tmp_path) == "model.safetensors"
    index = {
        "weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-2.safetensors"}
    }
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    (tmp_path / "model-1.safetensors").write_bytes(b"")
    assert lacking(tmp_path) == "model-2.safetensors"
    (tmp_path / "model-2.safetensors").write_bytes(b"")
    assert lacking(tmp_path) == ""


def test_a_folder_that_is_named_is_taken(tmp_path):
    folder = complete(tmp_path / "here")
    assert model_folder(MODEL, str(folder), KEY) == folder


def test_a_folder_that_is_named_and_not_there_is_not_replaced_by_the_cache(tmp_path, cache):
    complete(snapshot(cache))
    with pytest.raises(MissingWeights, match=f"{KEY}=.*elsewhere is not a folder"):
        model_folder(MODEL, str(tmp_path / "elsewhere"), KEY)
    with pytest.raises(MissingWeights, match=r"lacks config\.json"):
        model_folder(MODEL, str(tmp_path), KEY)


def test_a_complete_snapshot_of_the_cache_is_taken_without_asking_the_hub(cache, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    folder = complete(snapshot(cache))
    assert model_folder(MODEL, "", KEY) == folder


def test_half_a_snapshot_is_not(cache):
    (snapshot(cache) / "config.json").write_text("{}")
    with pytest.raises(MissingWeights, match="out of reach"):
        model_folder(MODEL, "", KEY)


def test_a_hub_out_of_reach_is_asked_once(monkeypatch):
    import httpx

    asked = []

    def head(host: str, timeout: float) -> None:
        asked.append((host, timeout))
        raise httpx.ConnectError("refused")

    monkeypatch.setattr(httpx, "head", head)
    for model in (MODEL, HubModel("other/model", 0.1)):
        with pytest.raises(MissingWeights) as lack:
            model_folder(model, "", KEY)
    assert asked == [(constants.ENDPOINT, TIMEOUT_S)]
    assert lack.value.what == "other/model (0.1 GB)"
    for part in (
        "out of reach (refused)",
        "hf download other/model",
        f"{KEY}=FOLDER",
        constants.HF_HUB_CACHE,
    ):
        assert part in lack.value.how


def test_offline_nobody_is_asked(monkeypatch, tmp_path):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("httpx.head", lambda host, timeout: pytest.fail("asked"))
    with pytest.raises(MissingWeights, match="HF_HUB_OFFLINE"):
        model_folder(MODEL, "", KEY)
    with pytest.raises(MissingWeights, match="HF_HUB_OFFLINE"):
        model_file(FileModel("w.pt", "http://127.0.0.1:9/w.pt", tmp_path, 0.1), "", KEY)


def test_safetensors_are_preferred_and_pickles_taken_where_there_are_none(monkeypatch, tmp_path):
    import huggingface_hub

    asked = []

    def download(repository: str, allow_patterns=None, local_files_only: bool = False) -> str:
        if local_files_only:
            raise huggingface_hub.errors.LocalEntryNotFoundError("not there")
        asked.append(allow_patterns[-1])
        (tmp_path / "config.json").write_text("{}")
        if "bin" in allow_patterns[-1]:
            (tmp_path / "pytorch_model.bin").write_bytes(b"")
        assert not any(pattern.endswith(".py") for pattern in allow_patterns)
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    monkeypatch.setattr("httpx.head", lambda host, timeout: None)
    assert model_folder(MODEL, "", KEY) == tmp_path
    assert asked == ["model*.safetensors", "pytorch_model*.bin"]


def test_a_download_that_fails_is_told(monkeypatch):
    monkeypatch.setattr("httpx.head", lambda host, timeout: None)
    monkeypatch.setattr("huggingface_hub.snapshot_download", fails)
    with pytest.raises(MissingWeights, match="no space left"):
        model_folder(MODEL, "", KEY)


def fails(repository: str, local_files_only: bool = False, **_: object) -> str:
    from huggingface_hub.errors import LocalEntryNotFoundError

    raise LocalEntryNotFoundError("not there") if local_files_only else OSError("no space left\nmore")


@pytest.fixture
def server(tmp_path):
    """A server of the file w.pt: its address and its content's checksum."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "w.pt").write_bytes(b"weights" * 1000)
    handler = partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}/w.pt", hashlib.sha256(b"weights" * 1000).hexdigest()
        listening.shutdown()
        thread.join()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


def test_a_file_is_downloaded_into_its_librarys_folder_once(server, tmp_path):
    url, checksum = server
    model = FileModel("w.pt", url, tmp_path / "library" / "cache", 0.1, checksum)
    assert model_file(model, "", KEY).read_bytes() == b"weights" * 1000
    assert model_file(FileModel("w.pt", "http://127.0.0.1:9/w.pt", model.folder, 0.1), "", KEY).is_file()


def test_a_file_with_another_checksum_is_not_kept(server, tmp_path):
    url, _ = server
    model = FileModel("w.pt", url, tmp_path / "cache", 0.1, "0" * 64)
    with pytest.raises(MissingWeights, match="the download failed"):
        model_file(model, "", KEY)
    assert not (tmp_path / "cache" / "w.pt").exists()


def test_a_file_that_is_named(tmp_path):
    model = FileModel("w.pt", "http://127.0.0.1:9/w.pt", tmp_path, 0.1)
    named = tmp_path / "mine.pt"
    with pytest.raises(MissingWeights, match=r"mine\.pt is not a file"):
        model_file(model, str(named), KEY)
    named.write_bytes(b"")
    assert model_file(model, str(named), KEY) == named
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "w.pt").write_bytes(b"")
    assert model_file(model, str(tmp_path / "folder"), KEY).name == "w.pt"
    with pytest.raises(MissingWeights, match=f"put it into {tmp_path}, or name the file: {KEY}=FILE"):
        model_file(model, "", KEY)


def test_every_back_end_says_what_it_lacks(monkeypatch, tmp_path):
    """Wherever the weights are looked for, they are not in an empty folder."""
    for name, cls in back_ends().items():
        analyzer = cls(cls.settings_type(weights=str(tmp_path / "nothing")))
        with pytest.raises(MissingWeights) as lack:
            analyzer.fetch()
        assert lack.value.what and f"models.production.{name}.weights" in lack.value.how


def test_a_run_without_weights_names_all_of_them_and_exits_with_2(tmp_path):
    hidden = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "run.py", "models=full", "progress=false", f"hydra.run.dir={tmp_path / 'out'}",
         "only=[qwen2_vl_temporal,speech_transcription,scene_segmentation,color_analysis]"],
        cwd=PROJECT, env=os.environ | hidden, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "models=full: the weights for 3 analyzers are not here" in done.stderr
    for part in (
        "Qwen/Qwen2-VL-7B-Instruct",
        "large-v3.pt",
        "openai/clip-vit-large-patch14",
        "HF_HUB_OFFLINE",
    ):
        assert part in done.stderr
    assert "Traceback" not in done.stderr and "color_analysis" not in done.stderr


def test_a_library_that_is_not_installed_is_named(monkeypatch):
    plan = make_plan(compose("models=full", "only=[audio_environment]"))

    def fetch(self) -> None:
        raise ModuleNotFoundError("No module named 'transformers'", name="transformers")

    monkeypatch.setattr(back_ends()["audio_environment"], "fetch", fetch)
    with pytest.raises(
        InputError, match=r"audio_environment of models=full requires transformers: pip install"
    ):
        run_weights.fetch(plan)


def test_random_weights_are_not_looked_for(monkeypatch):
    plan = make_plan(compose("models=random", "only=[audio_environment]"))
    monkeypatch.setattr(back_ends()["audio_environment"], "fetch", lambda self: pytest.fail("looked for"))
    run_weights.fetch(plan)
