"""What tests of several rooms share."""

from __future__ import annotations

import pytest

from tests.support.installed import Installed, build_wheel, install


@pytest.fixture(scope="session")
def installed(tmp_path_factory) -> Installed:
    """clipbench in an environment of its own, installed from a wheel; the checkout is not on its path."""
    folder = tmp_path_factory.mktemp("installed")
    return install(folder / "environment", build_wheel(folder))
