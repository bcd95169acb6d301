"""The base class of the analyzers that look at faces."""

from __future__ import annotations

from dataclasses import dataclass

from clipbench.analyzers.base import Analyzer, setting
from clipbench.analyzers.features.faces.face_finder import FaceFinder, FaceSettings
from clipbench.analyzers.features.onnx_networks import open_network


@dataclass
class FaceAnalyzerSettings(FaceSettings):
    """Settings of an analyzer that gives each face to a network of its own."""

    model: str = setting("", "model card of the network that looks at each face")


class FaceAnalyzer(Analyzer):
    """An analyzer that gives each face to a network of its own, which its settings name as `model`."""

    settings: FaceAnalyzerSettings

    def models(self) -> tuple[str, ...]:
        return self.settings.detector, self.settings.mesh, self.settings.model

    def load(self, device: str = "cpu") -> None:
        self._finder, self._network = FaceFinder(self.settings), open_network(self.settings.model)

    def unload(self) -> None:
        self._finder.close()
        self._network.close()
