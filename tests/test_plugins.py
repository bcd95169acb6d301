"""Plugins: what a module adds, and one line for everything that can be wrong with it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from clipbench import plugins
from clipbench.analyzers import registry
from clipbench.analyzers.base import Analyzer
from clipbench.plugins import PluginError

LOUDNESS = """
    from clipbench.analyzers.base import Analyzer, Segment

    class Loudness(Analyzer):
        name = "loudness"

        def analyze(self, clip, upstream):
            return [Segment(0.0, clip.duration_s, "loud")]
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Writes a plugin file and makes it known; what was imported is forgotten after the test."""
    monkeypatch.setenv(plugins.VARIABLE, "")
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)

    def write(name: str, code: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(code))
        return path

    yield write
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def test_a_file_adds_its_analyzers(plugin):
    plugins.use([str(plugin("loudness_parts.py", LOUDNESS))])
    assert registry.own() == ["loudness"]
    assert isinstance(registry.create("loudness"), Analyzer)
    assert "color_analysis" in registry.discover()


def test_without_the_plugin_its_analyzers_are_not_there(plugin, monkeypatch):
    plugins.use([str(plugin("loudness_parts.py", LOUDNESS))])
    assert "loudness" in registry.discover()
    monkeypatch.setenv(plugins.VARIABLE, "")
    assert "loudness" not in registry.discover()


def test_a_package_adds_what_its_init_imports(plugin):
    plugin("own_parts/levels.py", LOUDNESS)
    init = plugin("own_parts/__init__.py", "from own_parts.levels import Loudness\n")
    plugins.use([str(init.parent)])
    assert registry.own() == ["loudness"]
    assert {path.name for path in plugins.files()} == {"__init__.py", "levels.py"}


def test_a_module_by_its_name(plugin, tmp_path, monkeypatch):
    plugin("module_parts.py", LOUDNESS)
    monkeypatch.syspath_prepend(tmp_path)
    plugins.use(["module_parts"])
    assert registry.own() == ["loudness"]


def test_an_installed_package_names_its_module_in_an_entry_point(plugin, tmp_path):
    plugin("entry_parts.py", LOUDNESS)
    plugin("entry_parts-1.dist-info/METADATA", "Name: entry_parts\nVersion: 1\n")
    plugin("entry_parts-1.dist-info/entry_points.txt", "[clipbench.plugins]\nlevels = entry_parts\n")
    code = "from clipbench.analyzers import registry; print(registry.own())"
    environment = {"PYTHONPATH": f"{tmp_path}:{Path(__file__).resolve().parents[1]}"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout == "['loudness']\n", done.stderr


def test_a_file_may_import_the_modules_beside_it(plugin):
    plugin("beside_parts_helper.py", 'LABEL = "loud"\n')
    path = plugin("beside_parts.py", "from beside_parts_helper import LABEL\n" + textwrap.dedent(LOUDNESS))
    plugins.use([str(path)])
    assert registry.own() == ["loudness"]


WRONG = {
    "import nothing_of_this_name\n": ("cannot be imported", "ModuleNotFoundError", "line 1"),
    "x = 1\nraise ValueError('no')\n": ("cannot be imported: ValueError: no", "line 2"),
    "import sys\nsys.exit(0)\n": ("cannot be imported: SystemExit: 0", "line 2"),
    "def broken(:\n": ("cannot be imported: SyntaxError", "line 1"),
    "class Loudness:\n    name = 'loudness'\n": ("defines no analyzer, executor, figure or metric",),
    "from clipbench.analyzers.color_analysis import ColorAnalysis\n": ("defines no analyzer",),
    LOUDNESS.replace('"loudness"', '"my loudness"'): ("Loudness.name is 'my loudness'", "must be a word"),
    LOUDNESS.replace('"loudness"', '"loudness"\n        upstream = "speech_flow"'): (
        "Loudness.upstream is 'speech_flow'",
        "must be a tuple",
    ),
    LOUDNESS.replace('"loudness"', '"loudness"\n        settings_type = dict'): (
        "settings_type must be a dataclass derived from Settings",
    ),
    LOUDNESS.replace("def analyze", "def analyse"): ("has no analyze(self, clip, upstream)",),
}


@pytest.mark.parametrize("code", WRONG)
def test_what_is_wrong_with_a_file_is_said_in_one_line_that_names_it(code, plugin):
    plugins.use([str(plugin("wrong_parts.py", code))])
    with pytest.raises(PluginError) as refused:
        registry.discover()
    (line,) = str(refused.value).splitlines()
    assert "wrong_parts.py" in line
    assert all(words in line for words in WRONG[code])


def test_two_parts_of_one_name_name_both_files(plugin):
    plugins.use([str(plugin(name, LOUDNESS)) for name in ("one_parts.py", "other_parts.py")])
    with pytest.raises(PluginError, match=r"analyzer loudness .*one_parts\.py and in .*other_parts\.py"):
        registry.discover()


def test_a_part_with_the_name_of_a_built_in_one_names_both_files(plugin):
    plugins.use([str(plugin("own_colors.py", LOUDNESS.replace("loudness", "color_analysis")))])
    with pytest.raises(
        PluginError, match=r"analyzers/color_analysis\.py and in .*own_colors\.py; rename one"
    ):
        registry.discover()


def test_a_file_that_another_module_hides(plugin):
    plugins.use([str(plugin("json.py", LOUDNESS))])
    with pytest.raises(
        PluginError, match=r"json\.py cannot be imported as json, since another module .*rename"
    ):
        registry.discover()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("./no_such_file.py", "no_such_file.py does not exist"),
        ("no_such_module", "module no_such_module is not installed; for a file, write ./no_such_module.py"),
    ],
)
def test_a_plugin_that_does_not_exist(name, says, plugin):
    plugins.use([name])
    with pytest.raises(PluginError, match=says):
        registry.discover()


def test_a_folder_that_is_no_package(plugin):
    plugins.use([str(plugin("folder/parts.py", LOUDNESS).parent)])
    with pytest.raises(PluginError, match=r"folder has no __init__\.py"):
        registry.discover()
