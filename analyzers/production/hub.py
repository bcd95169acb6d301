"""Networks of the library transformers: pretrained from a folder, or random from a configuration here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clipbench.analyzers import threads
from clipbench.analyzers.production import device as devices
from clipbench.analyzers.production import torchvision_cpu
from clipbench.analyzers.production.base import MissingWeights, Production
from clipbench.analyzers.production.weights import HubModel, folder_of

if TYPE_CHECKING:
    import torch

CONFIGS = Path(__file__).with_name("configs")


class FromHub(Production):
    """A back end whose network is the `hub_model` of the Hugging Face hub.

    `config_name` is the file in configs/ with the architecture in full and in tiny size.
    """

    hub_model: HubModel
    config_name: str
    _facts: Mapping[str, Any] = {}

    def models(self) -> tuple[str, ...]:
        """The repository; and the folder, where weights are taken from one: they may be others."""
        where = f" in {self.settings.weights}" if self.settings.weights and not self.random else ""
        return (self.hub_model.repository + where,)

    def facts(self) -> Mapping[str, Any]:
        return self._facts

    def folder(self) -> Path:
        """The folder with the pretrained weights; raises MissingWeights."""
        return folder_of(self.hub_model, self.settings.weights, f"models.production.{self.name}.weights")

    def fetch(self) -> None:
        self.folder()

    def build(self, architecture: Any, device: str, half: str = "float16", part: str = "") -> torch.nn.Module:
        """A network of transformers' class `architecture` on `device`, in `half` where that is a GPU.

        `part` names the part of the configuration that describes it, where it is not the whole model.
        """
        import torch

        if not devices.on_gpu(device):
            torch.set_num_threads(threads.budget())
        dtype = devices.precision(device, half)
        if not self.random:
            folder = self.folder()
            with devices.building, quiet():
                net, found = architecture.from_pretrained(
                    folder, dtype=dtype, local_files_only=True, output_loading_info=True
                )
            if lacks := sorted(found["missing_keys"]):  # the library would go on with random ones
                raise MissingWeights(
                    str(self.hub_model),
                    f"{folder} lacks {len(lacks)} of its weights, such as {lacks[0]}: is it another network?",
                )
            return net.to(device).eval().requires_grad_(False)
        described = configuration(self.config_name, self.settings.model_size)
        config = architecture.config_class(**(described[part] if part else described))
        return devices.random_net(lambda: architecture._from_config(config, dtype=dtype), device, dtype)


def library_class(name: str) -> Any:
    """The class `name` of the library transformers."""
    with devices.building:
        torchvision_cpu.prepare()
        import transformers

        return getattr(transformers, name)


def configuration(name: str, size: str) -> dict[str, Any]:
    """The architecture `name` (a file in configs/) in `size` "full" or "tiny", as transformers' arguments."""
    return json.loads((CONFIGS / f"{name}.json").read_text(encoding="utf-8"))[size]


@contextmanager
def quiet() -> Iterator[None]:
    """Without transformers' progress bars: workers have no terminal of their own."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
