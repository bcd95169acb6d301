"""Back ends on networks of the library transformers, pretrained or with random weights."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clipbench.analyzers.features import torch_runtime
from clipbench.analyzers.production import random_weights, torch_device, torchvision_cpu
from clipbench.analyzers.production.base import MissingWeights, Production
from clipbench.analyzers.production.pretrained import HubModel, model_folder

if TYPE_CHECKING:
    import torch

#: The architectures, as arguments of transformers' configurations.
CONFIGS = Path(__file__).with_name("configs")


class FromHub(Production):
    """A back end whose network is the `hub_model` of the Hugging Face hub.

    `config_name` is the file in configs/ with the architecture in full and in tiny size.
    """

    hub_model: HubModel
    config_name: str
    _facts: Mapping[str, Any] = {}

    def models(self) -> tuple[str, ...]:
        """The repository, and the folder if the settings name one, whose weights may be others."""
        where = f" in {self.settings.weights}" if self.settings.weights and not self.random else ""
        return (self.hub_model.repository + where,)

    def facts(self) -> Mapping[str, Any]:
        return self._facts

    def folder(self) -> Path:
        """The folder with the pretrained weights; raises MissingWeights."""
        return model_folder(self.hub_model, self.settings.weights, f"models.production.{self.name}.weights")

    def fetch(self) -> None:
        self.folder()

    def build(self, architecture: Any, device: str, half: str = "float16", part: str = "") -> torch.nn.Module:
        """A network of transformers' class `architecture` on `device`, in type `half` if that is a GPU.

        `part` names the part of the configuration that describes it, if it is not the whole model. Raises
        MissingWeights.
        """
        if not torch_device.on_gpu(device):
            torch_runtime.use_thread_budget()
        dtype = torch_device.precision(device, half)
        if not self.random:
            folder = self.folder()
            with torch_runtime.building, no_progress_bars():
                network, found = architecture.from_pretrained(
                    folder, dtype=dtype, local_files_only=True, output_loading_info=True
                )
            if lacks := sorted(found["missing_keys"]):  # the library would continue with random ones
                raise MissingWeights(
                    str(self.hub_model),
                    f"{folder} lacks {len(lacks)} of its weights, such as {lacks[0]}: is it another network?",
                )
            loaded: torch.nn.Module = network.to(device).eval().requires_grad_(False)
            return loaded
        described = configuration(self.config_name, self.settings.model_size)
        config = architecture.config_class(**(described[part] if part else described))

        def untrained() -> torch.nn.Module:
            model: torch.nn.Module = architecture._from_config(config, dtype=dtype)
            return model

        return random_weights.random_network(untrained, device, dtype)


def library_class(name: str) -> Any:
    """The class `name` of the library transformers."""
    with torch_runtime.building:
        torchvision_cpu.prepare()
        import transformers

        return getattr(transformers, name)


def configuration(name: str, size: str) -> dict[str, Any]:
    """The architecture `name` (a file in configs/) in `size` "full" or "tiny", as transformers' arguments."""
    sizes: dict[str, dict[str, Any]] = json.loads((CONFIGS / f"{name}.json").read_text(encoding="utf-8"))
    return sizes[size]


@contextmanager
def no_progress_bars() -> Iterator[None]:
    """A context without transformers' progress bars: workers have no terminal of their own."""
    from transformers.utils import logging

    library: Any = logging  # its functions have no types
    shown = library.is_progress_bar_enabled()
    library.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            library.enable_progress_bar()
