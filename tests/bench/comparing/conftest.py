"""No test here sees the noise floors of the machine that it runs on."""

from __future__ import annotations

import pytest

from clipbench.bench.comparing import calibration


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """The file of calibrations, which does not exist yet."""
    path = tmp_path / "outputs" / "calibration.json"
    monkeypatch.setattr(calibration, "store", path)
    return path
