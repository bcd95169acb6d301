"""Fixtures of several rooms, which tests are slow, and what a process beside others has to heed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import PROJECT
from tests.support.file_times import pytest_runtest_makereport, pytest_terminal_summary  # noqa: F401
from tests.support.installed import Installed, build_wheel, install

#: Folders and files whose tests take more than a few seconds each, or together more than ten: `-m "not slow"`
#: leaves them out. They start runs, workers, browsers or environments, or read many frames.
SLOW = (
    "tests/analyzers/features/test_sentence_embeddings.py",
    "tests/analyzers/production",
    "tests/analyzers/test_age_estimation.py",
    "tests/analyzers/test_audio_environment.py",
    "tests/analyzers/test_background_segmentation.py",
    "tests/analyzers/test_body_pose.py",
    "tests/analyzers/test_camera_analysis.py",
    "tests/analyzers/test_camera_and_things.py",
    "tests/analyzers/test_chunks_speech.py",
    "tests/analyzers/test_cuts_that_are_hard_to_see.py",
    "tests/analyzers/test_content_quality.py",
    "tests/analyzers/test_eye_tracking.py",
    "tests/analyzers/test_object_detection.py",
    "tests/analyzers/test_speech_emotion.py",
    "tests/analyzers/test_speech_transcription.py",
    "tests/analyzers/test_text_overlay.py",
    "tests/analyzers/test_visual_effects.py",
    "tests/analyzers/weights",
    "tests/bench/clips/test_odd_files.py",
    "tests/bench/comparing/test_baseline_command.py",
    "tests/bench/comparing/test_compare_command.py",
    "tests/bench/costing/test_measure.py",
    "tests/bench/measuring/test_target_gates.py",
    "tests/bench/sweeping/test_commit_commands.py",
    "tests/bench/sweeping/test_commits.py",
    "tests/bench/sweeping/test_gpu_check.py",
    "tests/bench/sweeping/test_sweep_process.py",
    "tests/contract",
    "tests/docs/test_ci_docs.py",
    "tests/docs/test_executor_docs.py",
    "tests/docs/test_your_pipeline.py",
    "tests/e2e",
    "tests/executors/test_many_faults.py",
    "tests/executors/test_profiling.py",
    "tests/executors/test_ray.py",
    "tests/perf",
    "tests/reports/test_report_html.py",
    "tests/studies",
)
#: Tests in those that answer within some seconds, so that what a user starts with is not left out.
QUICK = (
    "tests/e2e/test_command_line.py::test_help_names_the_choices_and_the_exit_codes",
    "tests/e2e/test_command_line.py::test_the_command_imports_nothing_heavy_before_it_runs",
    "tests/e2e/test_command_line.py::test_the_configuration_can_be_printed",
)


#: Whether pytest-xdist started this process, beside others (`make test`).
BESIDE_OTHERS = "PYTEST_XDIST_WORKER" in os.environ
if BESIDE_OTHERS:  # each a core, as far as a test or a plan does not ask for more; before libraries read it
    for variable in ("CLIPBENCH_THREADS", "OMP_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
        os.environ.setdefault(variable, "1")


def pytest_sessionstart() -> None:
    """Let what tests start take itself for no process of pytest-xdist, where benchmarks are off."""
    for variable in [name for name in os.environ if name.startswith("PYTEST_XDIST_")]:
        del os.environ[variable]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of SLOW as slow; beside others they come first, so that no process waits at the end."""
    slow = {path for path in {item.path for item in items} if is_slow(path)}
    for item in items:
        if item.path in slow and item.nodeid not in QUICK:
            item.add_marker(pytest.mark.slow)
    if BESIDE_OTHERS:
        first = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in first)


def is_slow(path: Path) -> bool:
    """Whether a file is one of SLOW, or in such a folder."""
    return any(path.is_relative_to(PROJECT / place) for place in SLOW)


@pytest.fixture(scope="module", autouse=True)
def no_cluster_left() -> Iterator[None]:
    """End the Ray cluster of a file's tests with them: it would be a part of all that later ones measure."""
    yield
    if "tests.support.ray_cluster" in sys.modules:
        sys.modules["tests.support.ray_cluster"].close()


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """clipbench in an environment of its own, installed from a wheel; the checkout is not on its path."""
    folder = tmp_path_factory.mktemp("installed")
    return install(folder / "environment", build_wheel(folder))
