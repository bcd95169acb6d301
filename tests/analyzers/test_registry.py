"""Which class an analyzer's settings mean, and what a worker imports to make it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from clipbench.analyzers import registry
from tests.support.command_line import PROJECT

#: Imports the settings of an analyzer, as unpickling a worker's tasks does, and then makes the analyzer.
MADE_ALONE = """
import sys
from clipbench.analyzers import registry
from clipbench.analyzers.{module} import {kind}
registry.create("{name}", {kind}())
package = registry.PACKAGE + "."
files = {{name.removeprefix(package) for name in sys.modules if name.startswith(package)}}
print(*sorted(name for name in files if not name.startswith("features")))
"""


@pytest.mark.parametrize("name", registry.discover())
def test_settings_mean_the_class_that_declares_them(name):
    embedded, back_end = registry.discover()[name], registry.back_ends().get(name)
    assert registry.chosen(name) is embedded
    assert registry.chosen(name, embedded.settings_type()) is embedded
    if back_end is not None:
        assert registry.chosen(name, back_end.settings_type()) is back_end


@pytest.mark.parametrize(
    ("module", "kind"),
    [("color_analysis", "ColorAnalysisSettings"), ("production.audio_environment", "AstSettings")],
)
def test_a_worker_imports_no_analyzers_but_its_own(module, kind):
    code = MADE_ALONE.format(module=module, kind=kind, name=module.rpartition(".")[2])
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    known = {*registry.discover(), *(f"production.{name}" for name in registry.back_ends())}
    # A back end builds on the embedded analyzer of its name.
    assert {module} <= known.intersection(done.stdout.split()) <= {module, module.removeprefix("production.")}
