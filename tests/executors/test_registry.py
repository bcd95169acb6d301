"""Executors are found, and what cannot be one is named in one line."""

from __future__ import annotations

import os

import pytest

from clipbench import plugins
from clipbench.bench.errors import InputError
from clipbench.bench.planning.config import compose
from clipbench.bench.planning.executor_settings import chosen
from clipbench.executors import registry

GOOD = """
from dataclasses import dataclass
from clipbench.analyzers.base import setting
from clipbench.executors.settings import ExecutorSettings
from clipbench.executors.threads import Threads

@dataclass(frozen=True)
class Mine(ExecutorSettings):
    timeout_s: float = 7.0
    stairs: int = setting(3, "how many", low=1, high=5)

class Spiral(Threads):
    name = "spiral"
    settings_type = Mine
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Makes files plugins."""

    def write(**files: str) -> None:
        for name, code in files.items():
            (tmp_path / f"{name}.py").write_text(code)
        listed = [str(tmp_path / f"{name}.py") for name in files]
        monkeypatch.setenv("CLIPBENCH_PLUGINS", os.pathsep.join(listed))
        monkeypatch.syspath_prepend(tmp_path)

    return write


def test_those_of_the_package():
    assert {"gpu_pinned", "ray", "sequential", "spawn_pool", "threads"} <= set(registry.names())
    assert all(registry.strategy(name).name == name for name in registry.names())


def test_one_of_the_users_own_with_settings_of_its_own(plugin):
    plugin(spiral_executor=GOOD)
    _, settings = chosen(compose("executor=spiral", "executor.stairs=4").executor)
    assert (settings.stairs, settings.timeout_s) == (4, 7.0)
    _, settings = chosen(compose("executor=spiral", "executor.timeout_s=9").executor)
    assert (settings.stairs, settings.timeout_s) == (3, 9.0)
    _, settings = chosen(compose("executor=threads").executor)
    assert settings.timeout_s == 120.0


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (
            ("executor=threads", "executor.workers=2"),
            "executor.workers: executor=threads has no setting",
        ),
        (("executor=gpu_pinned", "executor.address=auto"), "it has cleanup, load_timeout_s, memory_fraction"),
    ],
)
def test_a_key_that_the_executor_does_not_have(overrides, line):
    with pytest.raises(InputError, match=line):
        chosen(compose(*overrides).executor)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"stairs_one": GOOD, "stairs_two": GOOD}, ["executor spiral", "stairs_one.py", "stairs_two.py"]),
        (
            {"taken": GOOD.replace('"spiral"', '"threads"')},
            ["executor threads", "executors/threads.py", "taken.py"],
        ),
        (
            {"untyped": GOOD.replace("settings_type = Mine", "settings_type = dict")},
            ["untyped.py: Spiral.settings_type must be a dataclass derived from ExecutorSettings"],
        ),
        ({"broken": "import nothing_like_this"}, ["broken.py cannot be imported", "line 1"]),
        ({"empty": "X = 1"}, ["empty.py defines no analyzer, executor"]),
    ],
)
def test_what_cannot_be_an_executor_is_named(plugin, files, words):
    plugin(**files)
    with pytest.raises(plugins.PluginError) as caught:
        registry.discover()
    assert "\n" not in str(caught.value)
    assert all(each in str(caught.value) for each in words), caught.value
