"""What processes leave on a GPU, said before a run."""

from __future__ import annotations

import pytest

from clipbench.bench.planning.config import compose
from clipbench.bench.planning.plan import make_plan
from clipbench.bench.planning.remarks import contexts_left, remarks
from clipbench.executors.layout import Gpu
from tests.support.command_line import run

ONE = (Gpu(0, 85.5, "H100"),)
#: Some for which costs are declared, so that a simulation needs no measured ones.
ON_GPU = "only=[object_detection,body_pose,scene_segmentation]"
EIGHT = tuple(Gpu(n, 85.5, "H100") for n in range(8))


def left(executor: str, cleanup: str, gpus: tuple[Gpu, ...], *more: str) -> list[str]:
    """The lines about a plan of the optimized grouping."""
    chosen = (f"executor={executor}", f"executor.cleanup={cleanup}", "grouping=optimized", "models=random")
    plan = make_plan(compose(*chosen, *more), gpus)
    assert [line for line in remarks(plan) if line in contexts_left(plan)] == contexts_left(plan)
    return contexts_left(plan)


@pytest.mark.parametrize("cleanup", ["unload", "offload"])
def test_six_processes_on_one_gpu_cannot_keep_the_promise(cleanup):
    (line,) = left("gpu_pinned", cleanup, ONE)
    assert line.startswith(
        f"GPU 0: executor.cleanup={cleanup} cannot keep the promise of less than 1 GB left"
    )
    assert "6 processes live on" in line and "counted as 0.5 GB: 3 GB" in line
    assert "executor=threads executor.cleanup=offload" in line and "executor.cleanup=exit" in line


@pytest.mark.parametrize(
    ("executor", "cleanup", "gpus"),
    [
        ("gpu_pinned", "exit", ONE),
        ("threads", "offload", ONE),
        ("sequential", "unload", ONE),
        ("gpu_pinned", "unload", ()),
    ],
)
def test_what_can_keep_it_is_not_remarked_on(executor, cleanup, gpus):
    assert left(executor, cleanup, gpus) == []


def test_only_gpus_with_several_processes_are_named():
    lines = left("gpu_pinned", "offload", EIGHT[:2])
    assert [line.partition(":")[0] for line in lines] == ["GPU 1"]
    assert left("gpu_pinned", "offload", EIGHT) == []


def test_of_a_simulated_run_it_is_that_of_the_executor_it_is_like():
    more = ("machine=h100", ON_GPU)
    assert len(left("simulated", "unload", (), *more, "executor.like=gpu_pinned")) == 1
    assert left("simulated", "unload", (), *more, "executor.like=threads") == []


def test_the_command_says_so_before_it_runs(tmp_path):
    done = run(
        "executor=simulated", "machine=h100", "models=random", "grouping=optimized",
        "executor.cleanup=unload", "progress=false", ON_GPU, f"hydra.run.dir={tmp_path}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.index("cannot keep the promise") < done.stdout.index("rtf_warm")
