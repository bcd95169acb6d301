"""What every production back end is: where its weights come from, and what it needs of a device."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import ClassVar

from clipbench.analyzers.base import Analyzer, Settings, setting


@dataclass
class ProductionSettings(Settings):
    """Settings of a production back end; the plan sets `profile` and `model_size`, which are the run's.

    With `profile` "full" the weights are pretrained; with "random" the same architecture has random ones.
    `model_size` (models.size) is "full" or, for random weights only, "tiny": the same code on a network of a
    few layers.
    """

    profile: str = "full"
    model_size: str = "full"
    weights: str = setting("", "a local folder or file with the weights, instead of the hub's")
    batch: int = setting(16, "frames, crops or windows per run of the network", low=1, high=1024)


class MissingWeights(Exception):
    """Pretrained weights are missing and cannot be downloaded: `what` they are, and `how` to get them."""

    def __init__(self, what: str, how: str) -> None:
        super().__init__(f"{what}: {how}")
        self.what, self.how = what, how


class Production(Analyzer):
    """A back end of `models=full` and `models=random`; `name` is the analyzer that it replaces."""

    settings: ProductionSettings
    settings_type: ClassVar[type[Settings]] = ProductionSettings
    #: A real model is no stand-in.
    stand_in: ClassVar[str | None] = None
    uses_gpu: ClassVar[bool] = True
    #: GB of GPU memory that it needs, for placement: its weights and the activations of one batch.
    memory_gb: ClassVar[float] = 1.0

    @property
    def random(self) -> bool:
        """Whether its weights are random, so that its results mean nothing."""
        return self.settings.profile == "random"

    @property
    def tiny(self) -> bool:
        """Whether it is the small network that only shows that the code runs."""
        return self.random and self.settings.model_size == "tiny"

    def fetch(self) -> None:
        """Download the pretrained weights if they are not on this machine; raises MissingWeights."""
        raise NotImplementedError


def require_package(package: str) -> None:
    """Raise ModuleNotFoundError, with what to do, if `package` is not installed."""
    if importlib.util.find_spec(package) is None:
        raise ModuleNotFoundError(
            f"the production models need {package}: run `make`, or `pip install 'clipbench[full]'`",
            name=package,
        )
