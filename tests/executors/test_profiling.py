"""Profilers around an analyzer's work: what they see, what they leave, and that they stay out of the way."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time

import pytest

from clipbench.executors import profiling
from clipbench.executors.profiling import links, profiler
from tests.support.command_line import PROJECT


def spin_in_a_loop_of_ours(seconds: float = 0.1) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        sum(range(500))


def test_without_a_profiler_nothing_is_imported_or_written(tmp_path):
    code = (
        "import sys; from pathlib import Path; from clipbench.executors.profiling import profiler\n"
        f"with profiler('', Path({str(tmp_path)!r}), 'main', 'a'): pass\n"
        "assert not {'torch', 'pyinstrument', 'cProfile', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True)
    assert not list(tmp_path.iterdir()) and links(tmp_path) == {}


def test_python_shows_where_the_time_goes(tmp_path):
    with profiler("python", tmp_path, "worker-0", "cut_analysis"):
        spin_in_a_loop_of_ours()
    paths = ["profile/worker-0-cut_analysis.html", "profile/worker-0-cut_analysis.txt"]
    assert links(tmp_path) == {"cut_analysis": paths}
    page, text = ((tmp_path / path).read_text() for path in paths)
    assert "spin_in_a_loop_of_ours" in text and "spin_in_a_loop_of_ours" in page
    assert "fonts.googleapis" not in page  # reads offline, and tells nobody that it is read


def spin_in_another_loop(seconds: float = 0.05) -> None:
    spin_in_a_loop_of_ours(seconds)


def test_python_shows_all_steps_on_a_clip_and_none_of_the_clip_before(tmp_path):
    for begins, work in ((True, spin_in_another_loop), (True, spin_in_a_loop_of_ours), (False, lambda: None)):
        with profiler("python", tmp_path, "main", "a", begins):
            work()
    for path in links(tmp_path)["a"]:
        text = (tmp_path / path).read_text()
        assert "spin_in_a_loop_of_ours" in text and "spin_in_another_loop" not in text


def test_torch_keeps_the_step_on_a_clip_that_took_longest(tmp_path):
    import torch

    def step(begins: bool, seconds: float, work: object) -> str:
        with profiler("torch", tmp_path, "main", "a", begins):
            spin_in_a_loop_of_ours(seconds)
            work(torch.ones(8, 8))
        return (tmp_path / links(tmp_path)["a"][1]).read_text()

    assert "aten::sin" in step(True, 0.0, torch.sin)
    longest = step(False, 0.5, torch.cos)
    assert "aten::cos" in longest and step(False, 0.0, torch.sin) == longest
    assert "aten::sin" in step(True, 0.0, torch.sin), "the next clip replaces it"


def test_torch_gives_a_trace_and_the_top_operators(tmp_path):
    import torch

    with profiler("torch", tmp_path, "gpu:0", "body_pose"):
        torch.ones(64, 64) @ torch.ones(64, 64)
    trace, table = links(tmp_path)["body_pose"]
    assert (trace, table) == ("profile/gpu_0-body_pose.json", "profile/gpu_0-body_pose.txt")
    assert "aten::mm" in (tmp_path / table).read_text()
    assert "aten::mm" in {e.get("name") for e in json.loads((tmp_path / trace).read_text())["traceEvents"]}


@pytest.mark.parametrize("kind", ["", "torch", "python"])
def test_a_failure_comes_out_as_it_is_and_leaves_its_profile(tmp_path, kind):
    fault = RuntimeError("a planted fault")
    with pytest.raises(RuntimeError) as raised, profiler(kind, tmp_path, "main", "a"):
        raise fault
    assert raised.value is fault
    assert len(links(tmp_path).get("a", [])) == (2 if kind else 0)
    with profiler(kind, tmp_path, "main", "b"):  # nothing of the first is still attached
        pass
    assert ("b" in links(tmp_path)) == bool(kind)


@pytest.mark.parametrize("kind", ["torch", "python"])
def test_a_folder_that_cannot_be_written_to_fails_no_analyzer(tmp_path, kind):
    (tmp_path / "profile").write_text("a file in the way")
    with pytest.warns(UserWarning, match="cannot be written"), profiler(kind, tmp_path, "main", "a"):
        pass
    with (
        pytest.warns(UserWarning, match="cannot be written"),
        pytest.raises(KeyError),
        profiler(kind, tmp_path, "main", "a"),
    ):
        raise KeyError("x")


@pytest.mark.parametrize("kind", ["torch", "python"])
def test_workers_that_are_threads_can_be_profiled_at_once(tmp_path, kind):
    errors = []

    def work(name: str) -> None:
        try:
            with profiler(kind, tmp_path, name, "a"):
                spin_in_a_loop_of_ours(0.05)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(f"t{i}",)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and len(links(tmp_path)["a"]) == 6


def test_an_unknown_kind_and_a_lacking_package_are_named(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="no profiler gprof; there are: torch, python"):
        profiler("gprof", tmp_path, "main", "a")
    assert profiling.lacking("") == profiling.lacking("python") == ""
    monkeypatch.setitem(profiling.KINDS, "python", "no_such_package")
    assert profiling.lacking("python") == "no_such_package"
