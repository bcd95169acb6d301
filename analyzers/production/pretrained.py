"""Finding pretrained weights: in a folder that the settings name, in the hub's cache, or on the hub.

`HF_HOME`, `HF_HUB_CACHE`, `HF_ENDPOINT`, `HF_TOKEN` and `HF_HUB_OFFLINE` mean what they mean to
huggingface_hub. Of a model in transformers' format only configuration, tokenizer and weights are downloaded,
as safetensors if the model has them, and never code.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

from clipbench.analyzers.production.base import MissingWeights

#: Files of configuration and tokenizers.
DESCRIPTIONS = ("*.json", "*.jinja", "merges.txt", "vocab.txt")
#: Weights, in order of preference. PyTorch reads pickled ones without running code (`weights_only`).
FORMATS = ("model*.safetensors", "pytorch_model*.bin")
#: Seconds after which a host that does not answer counts as out of reach.
TIMEOUT_S = 3.0


@dataclass(frozen=True)
class HubModel:
    """A model on the Hugging Face hub: its repository, and roughly how many GB are downloaded."""

    repository: str
    size_gb: float

    def __str__(self) -> str:
        return f"{self.repository} ({self.size_gb:.1f} GB)"


@dataclass(frozen=True)
class FileModel:
    """Weights in one file: its name, its address, and the folder in which its library keeps it.

    `sha256` may be the beginning of the checksum; it is empty if none is published.
    """

    name: str
    url: str
    folder: Path
    size_gb: float
    sha256: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.size_gb:.1f} GB)"


def model_folder(model: HubModel, named: str, key: str) -> Path:
    """The folder with the files of `model`, downloaded if necessary; raises MissingWeights.

    `named` is the setting's value ("" for the hub's cache and the hub), `key` the setting's name.
    """
    if named:
        folder = Path(named)
        if not folder.is_dir():
            raise MissingWeights(str(model), f"{key}={named} is not a folder; {_by_hand(model, key)}")
        if lacks := lacking(folder):
            raise MissingWeights(str(model), f"{key}={named} lacks {lacks}; {_by_hand(model, key)}")
        return folder
    if (cached := _cached(model)) is not None:
        return cached
    from huggingface_hub import constants

    try:
        _ask(constants.ENDPOINT)
        return _downloaded(model)
    except _Unreachable as reason:
        raise MissingWeights(str(model), f"{reason}; {_by_hand(model, key)}") from None


def model_file(model: FileModel, named: str, key: str) -> Path:
    """The file of `model`, downloaded if necessary; raises MissingWeights.

    `named` and `key` are as in `model_folder`.
    """
    by_hand = f"download {model.url} elsewhere and put it into {model.folder}, or name the file: {key}=FILE"
    if named:
        for place in (Path(named), Path(named) / model.name):
            if place.is_file():
                return place
        raise MissingWeights(str(model), f"{key}={named} is not a file; {by_hand}")
    target = model.folder / model.name
    if target.is_file():
        return target
    try:
        _ask(model.url)
    except _Unreachable as reason:
        raise MissingWeights(str(model), f"{reason}; {by_hand}") from None
    import torch

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(model.url, str(target), model.sha256 or None)
    except Exception as error:
        raise MissingWeights(str(model), f"the download failed ({_first_line(error)}); {by_hand}") from error
    return target


def lacking(folder: Path) -> str:
    """The files that a folder in transformers' format lacks to be loaded, or ""."""
    if not (folder / "config.json").is_file():
        return "config.json"
    for whole in ("model.safetensors", "pytorch_model.bin"):
        if (folder / whole).is_file():
            return ""
        index = folder / f"{whole}.index.json"
        if index.is_file():
            parts = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
            return ", ".join(part for part in parts if not (folder / part).is_file())
    return "model.safetensors"


class _Unreachable(Exception):
    """Why nothing can be downloaded, in a few words."""


def _cached(model: HubModel) -> Path | None:
    """The snapshot in the hub's cache, if it is complete."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(model.repository, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    return None if lacking(folder) else folder


def _downloaded(model: HubModel) -> Path:
    """The snapshot, fetched from the hub with progress bars."""
    from huggingface_hub import snapshot_download

    try:
        for weights in FORMATS:
            wanted = [*DESCRIPTIONS, weights]
            folder = Path(snapshot_download(model.repository, allow_patterns=wanted))
            if not lacking(folder):
                return folder
    except Exception as error:
        raise _Unreachable(f"the download failed ({_first_line(error)})") from error
    raise _Unreachable(f"the hub's copy lacks {lacking(folder)}")


def _ask(url: str) -> None:
    """Raise _Unreachable if downloads are switched off or the host of `url` does not answer."""
    from huggingface_hub import constants

    if constants.is_offline_mode():
        raise _Unreachable("HF_HUB_OFFLINE forbids downloading")
    scheme, _, rest = url.partition("://")
    host = f"{scheme}://{rest.split('/')[0]}"
    if silence := _silence(host):
        raise _Unreachable(silence)


@functools.cache
def _silence(host: str) -> str:
    """Why `host` does not answer, or ""; tried once per process, because a timeout costs seconds."""
    import httpx

    try:
        httpx.head(host, timeout=TIMEOUT_S)
    except httpx.HTTPError as error:
        return f"{host} is out of reach ({_first_line(error)})"
    return ""


def _by_hand(model: HubModel, key: str) -> str:
    from huggingface_hub import constants

    return (
        f"elsewhere run `hf download {model.repository} --include '*.json' '*.txt' '*.safetensors' "
        f"--local-dir FOLDER`, copy the folder here and "
        f"name it: {key}=FOLDER (or copy that machine's cache to {constants.HF_HUB_CACHE})"
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
