"""The list of wheels for a machine that has PyTorch and no network."""

from __future__ import annotations

import re
from importlib import metadata

import pytest

from tests.support.command_line import PROJECT
from tools import gpu_wheels

PAGE = (PROJECT / "docs" / "gpu.md").read_text(encoding="utf-8")
LIST = (PROJECT / "docs" / "gpu-wheels.txt").read_text(encoding="utf-8")


@pytest.fixture
def random() -> list[str]:
    try:
        return gpu_wheels.missing(gpu_wheels.NOT_FOR_RANDOM)
    except metadata.PackageNotFoundError as absent:
        pytest.skip(f"{absent.name} is not installed, so what it requires is not known")


def parts() -> list[list[str]]:
    """The distributions in each part of the list; each has a version and a size."""
    found: list[list[str]] = []
    for line in LIST.splitlines()[1:]:
        if line[0] == "#":
            found.append([])
        else:
            pin = re.fullmatch(r"([a-z0-9-]+)==[0-9][^ ]*  # [0-9]+\.[0-9] MB", line)
            assert pin, line
            found[-1].append(pin[1])
    return found


def test_the_list_is_what_is_missing(random):
    both = gpu_wheels.missing()
    assert parts() == [random, [n for n in both if n not in random]], (
        "python -m tools.gpu_wheels > docs/gpu-wheels.txt"
    )


def test_the_page_has_the_sums():
    sums = re.findall(r"^# .*: (\d+ distributions), (\d+ MB) installed$", LIST, re.MULTILINE)
    assert len(sums) == 2
    for distributions, size in sums:
        assert distributions in PAGE and size in PAGE


def test_the_sums_are_those_of_the_lines():
    for part, (count, size) in zip(
        re.split(r"^# .*installed$", LIST, flags=re.MULTILINE)[1:],
        re.findall(r"(\d+) distributions, (\d+) MB", LIST),
        strict=True,
    ):
        sizes = [float(mb) for mb in re.findall(r"# ([0-9.]+) MB", part)]
        assert len(sizes) == int(count) and sum(sizes) == pytest.approx(int(size), abs=3)


def test_what_is_there_already_is_not_in_the_list(random):
    there = gpu_wheels.closure(gpu_wheels.PRESENT)
    assert {"torch", "numpy", "tqdm"} <= there
    assert there.isdisjoint(gpu_wheels.missing())
    assert {"hydra-core", "onnxruntime", "ultralytics-opencv-headless"} <= set(random)
    assert {"pytest", "ray", "ruff", "onnx", "polars"}.isdisjoint(gpu_wheels.missing())


def test_random_weights_need_no_weights(random):
    known = gpu_wheels.required("clipbench", gpu_wheels.EXTRAS) | gpu_wheels.alone()
    assert gpu_wheels.NOT_FOR_RANDOM.keys() <= known, "it names something that is required by nobody"
    assert gpu_wheels.NOT_FOR_RANDOM.keys().isdisjoint(random)


def test_what_a_machine_has_besides_is_left_out_with_what_it_requires(random, capsys):
    gpu_wheels.main(["--profile", "random", "--present", "matplotlib,Numba,not-installed-anywhere"])
    listed = [line.partition("==")[0] for line in capsys.readouterr().out.splitlines() if line[0] != "#"]
    assert set(random) - set(listed) >= {"matplotlib", "numba", "llvmlite", "fonttools"}
    assert {"av", "openai-whisper"} <= set(listed) < set(random)
