"""The installed package, used from a folder that has nothing to do with the checkout."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path

import pytest

import clipbench
from tests.support.installed import PROJECT, Installed, build_wheel, copy_source, wheel_of
from tests.support.video_files import numbered_frames, write_clip

pytestmark = pytest.mark.slow

SMALL = ("only=[color_analysis,cut_analysis]", "progress=false", "scenario.repeats=1")
#: What of the checkout ships: folders of the package, and the kinds of files that are not Python.
SHIPPED = {"analyzers", "bench", "clips", "conf", "executors", "reports"}
DATA = {".yaml", ".json", ".onnx", ".txt", ".j2", ".css", ".js", ".mp4"}


def files(folder: Path) -> dict[Path, float]:
    """Every file below a folder but compiled Python, with when it was changed."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path: path.stat().st_mtime for path in found}


def repository(folder: Path) -> str:
    """Make a repository of a folder, with all files in one commit; returns the commit."""
    git = ("git", "-c", "user.name=user", "-c", "user.email=user@example.com")
    for words in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message", "mine")):
        subprocess.run([*git, *words], cwd=folder, check=True, capture_output=True)
    return subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=folder, text=True).strip()


@pytest.fixture(scope="module")
def own_folder(tmp_path_factory) -> Path:
    """A user's folder: a repository with modules whose names are also those of folders of clipbench."""
    folder = tmp_path_factory.mktemp("own")
    for name in ("models.py", "bench.py", "run.py", "analyzers/__init__.py", "reports/__init__.py"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("raise ImportError('this is the module of the user')\n")
    repository(folder)
    return folder


@pytest.fixture(scope="module")
def run(installed: Installed, own_folder: Path) -> tuple[subprocess.CompletedProcess[str], set[Path]]:
    """A run with worker processes in the user's folder, and the files of the environment that it changed."""
    before = files(installed.folder)
    done = installed.run("clipbench", *SMALL, "executor=spawn_pool", cwd=own_folder)
    after = files(installed.folder)
    return done, {path for path, changed in after.items() if before.get(path) != changed}


def test_the_wheel_has_every_file_of_the_package_and_no_other(tmp_path):
    with zipfile.ZipFile(build_wheel(tmp_path)) as wheel:
        found = set(wheel.namelist())
    command = ("git", "ls-files", "--cached", "--others", "--exclude-standard")
    listed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    expected = {"clipbench/py.typed"}
    for line in listed.stdout.splitlines():
        path = Path(line)
        if not (PROJECT / path).exists():
            continue
        if path.parts[0] in ("hydra_plugins", "clipbench") and path.suffix == ".py":
            expected.add(line)
        elif path.parts[0] in SHIPPED and (path.suffix == ".py" or path.suffix in DATA):
            expected.add(f"clipbench/{line}")
    assert {name for name in found if ".dist-info/" not in name} == expected


def test_a_wheel_of_a_checkout_knows_its_commit_and_has_nothing_of_an_earlier_build(tmp_path):
    source = copy_source(tmp_path / "source")
    commit = repository(source)
    left_behind = source / "build" / "lib" / "clipbench" / "analyzers" / "deleted_since.py"
    left_behind.parent.mkdir(parents=True)
    left_behind.touch()
    with zipfile.ZipFile(wheel_of(source, tmp_path)) as wheel:
        built_from = json.loads(wheel.read("clipbench/built_from.json"))
        assert built_from == {"git_commit": commit, "git_dirty": False}
        assert not [name for name in wheel.namelist() if "deleted_since" in name]


def test_a_run_beside_modules_of_the_same_names_gives_a_report(run, own_folder):
    done, _ = run
    assert done.returncode == 0, done.stderr
    result = json.loads((own_folder / "outputs" / "latest" / "result.json").read_text())
    assert {name: one["status"] for name, one in result["analyzers"].items()} == {
        "color_analysis": "ok",
        "cut_analysis": "ok",
    }
    assert result["telemetry"]["times_s"]
    assert "reference.mp4" in done.stdout and "not found" not in done.stdout


def test_a_run_writes_into_the_working_directory_and_the_cache(run, installed, own_folder):
    _, changed = run
    assert [path for path in changed if not path.is_relative_to(installed.cache)] == []
    assert {path.name for path in own_folder.iterdir()} == {
        ".git", "models.py", "bench.py", "run.py", "analyzers", "reports", "outputs",
    }  # fmt: skip


def test_the_commit_of_the_users_repository_is_not_taken_for_that_of_clipbench(run, own_folder):
    environment = json.loads((own_folder / "outputs" / "latest" / "result.json").read_text())["environment"]
    assert environment["clipbench"] == clipbench.__version__
    assert environment["git_commit"] is None and environment["git_dirty"] is None


def test_the_log_of_the_run_is_in_its_folder_and_nothing_of_it_on_the_terminal(run, own_folder):
    done, _ = run
    log = (own_folder / "outputs" / "latest" / "clipbench.log").read_text()
    assert f"clipbench {clipbench.__version__}: clipbench 'only=" in log and "exit code 0" in log
    assert done.stderr == ""


def test_the_result_names_the_command_as_it_was_typed(run, own_folder):
    described = json.loads((own_folder / "outputs" / "latest" / "result.json").read_text())["run"]
    assert described["command"].startswith("clipbench 'only=[color_analysis,cut_analysis]'")


@pytest.mark.parametrize("command", ["clipbench", "clipbench-compare", "clipbench-plan"])
def test_version(command, installed, own_folder):
    done = installed.run(command, "--version", cwd=own_folder)
    assert (done.returncode, done.stdout.strip()) == (0, f"clipbench {clipbench.__version__}")


def test_help_names_the_command(installed, own_folder):
    done = installed.run("clipbench", "--help", cwd=own_folder)
    assert done.returncode == 0 and "\nclipbench clip.path=my.mp4" in done.stdout
    assert "python run.py" not in done.stdout


def test_a_sweep_runs_its_jobs_in_processes_of_their_own(installed, own_folder, tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", numbered_frames(30, 64, 64))
    words = (
        "clipbench",
        "-m",
        *SMALL,
        "executor=sequential,threads",
        f"clip.path={clip}",
        f"hydra.sweep.dir={tmp_path / 'sweep'}",
    )
    done = installed.run(*words, cwd=own_folder)
    assert done.returncode == 0, done.stderr
    state = json.loads((tmp_path / "sweep" / "sweep.json").read_text())
    assert state["complete"] and [turn["state"] for turn in state["turns"]] == ["done", "done"]
    compared = installed.run("clipbench-compare", str(tmp_path / "sweep"), cwd=own_folder)
    assert compared.returncode == 0, compared.stderr
    assert list((own_folder / "outputs" / "comparisons").glob("*/comparison.html"))


def test_a_clip_on_the_command_line_is_looked_for_in_the_working_directory(installed, own_folder):
    done = installed.run("clipbench", "clip.path=clips/reference.mp4", cwd=own_folder)
    assert done.returncode == 2
    assert "there is no file clips/reference.mp4" in done.stderr
