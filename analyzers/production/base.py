"""What every production back end is: where its weights come from, and what it asks of a device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from clipbench.analyzers.base import Analyzer, Settings, setting


@dataclass
class ProductionSettings(Settings):
    """Settings of a production back end; `profile` and `model_size` are the run's, set when it is planned.

    With `profile` "full" the weights are pretrained, with "random" the same architecture is initialised at
    random; `model_size` (models.size) is "full" or, for random weights only, "tiny": the same code on a
    network of a few layers.
    """

    profile: str = "full"
    model_size: str = "full"
    weights: str = setting("", "a local folder or file with the weights, instead of the hub's")
    batch: int = setting(16, "frames, crops or windows per run of the network", low=1, high=1024)


class MissingWeights(Exception):
    """Pretrained weights that are neither here nor to be fetched: `what` they are and `how` to get them."""

    def __init__(self, what: str, how: str) -> None:
        super().__init__(f"{what}: {how}")
        self.what, self.how = what, how


class Production(Analyzer):
    """A back end of `models=full` and `models=random`; `name` is the analyzer whose place it takes."""

    settings_type: ClassVar[type[ProductionSettings]] = ProductionSettings
    #: A real model takes the place of what stood in for it.
    stand_in = None
    uses_gpu = True
    #: What it needs of a GPU's memory, in GB: weights, and the activations of one batch. For placement.
    memory_gb: ClassVar[float] = 1.0

    @property
    def random(self) -> bool:
        """Whether its weights are random, so that nothing it finds means anything."""
        return self.settings.profile == "random"

    @property
    def tiny(self) -> bool:
        """Whether it is the small network that only shows that the code runs."""
        return self.random and self.settings.model_size == "tiny"

    def fetch(self) -> None:
        """Have the pretrained weights on this machine, downloading what is not; raises MissingWeights."""
        raise NotImplementedError
