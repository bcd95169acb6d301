"""How each executor turns groups into workers, and layouts that are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clipbench.analyzers.base import FrameRequest, Needs, Settings
from clipbench.bench.errors import InputError
from clipbench.bench.planning.config import compose
from clipbench.bench.planning.plan import check_layout, groups_of
from clipbench.executors import registry
from clipbench.executors.layout import CONTEXT_GB, Gpu, Group, Machine, Task, WorkerPlan, decoder_cores
from clipbench.executors.settings import ExecutorSettings

MACHINE = Machine(4, (0, 2, 4, 6))
READER = Task("b", Settings(), ("c",), gpu=True, memory_gb=5.0)
GROUPS = (
    Group("vlm", "gpu:0", (Task("a", Settings(), gpu=True, memory_gb=20.0),)),
    Group("rest", "gpu:auto", (READER, Task("c", Settings()))),
    Group("host", "cpu", (Task("d", Settings()),)),
)


def laid_out(executor: str, groups: tuple[Group, ...] = GROUPS, **settings) -> tuple[WorkerPlan, ...]:
    cls = registry.strategy(executor)
    return cls.layout(groups, MACHINE, cls.settings_type(**settings))


@pytest.mark.parametrize("executor", registry.names())
def test_every_analyzer_has_a_worker(executor):
    check_layout(executor, laid_out(executor), GROUPS)


@pytest.mark.parametrize("executor", ["gpu_pinned", "ray", "threads"])
def test_a_worker_for_each_group(executor):
    workers = laid_out(executor)
    assert [(w.name, w.device, w.threads) for w in workers] == [
        ("vlm", "gpu:0", 1), ("rest", "gpu:auto", 1), ("host", "cpu", 1)
    ]  # fmt: skip
    assert [w.memory_gb for w in workers] == [20.0 + CONTEXT_GB, 5.0 + CONTEXT_GB, None]
    cores = [(0,), (2, 4), (6,)] if executor == "gpu_pinned" else [()] * 3
    assert [w.cpus for w in workers] == cores


#: The groups, of which the first has two replicas.
REPLICATED = (replace(GROUPS[0], replicas=2), *GROUPS[1:])


@pytest.mark.parametrize("executor", ["gpu_pinned", "ray", "threads"])
def test_a_worker_for_each_replica_with_its_share_of_the_machine(executor):
    workers = laid_out(executor, REPLICATED)
    assert [w.name for w in workers] == ["vlm.1", "vlm.2", "rest", "host"]
    one, other = workers[:2]
    assert one.tasks == other.tasks == GROUPS[0].tasks
    assert one.memory_gb == other.memory_gb == 20.0 + CONTEXT_GB
    cores = [(0,), (2,), (4,), (6,)] if executor == "gpu_pinned" else [()] * 4
    assert [w.cpus for w in workers] == cores and {w.threads for w in workers} == {1}
    pair = laid_out(executor, REPLICATED[:1])
    assert [w.threads for w in pair] == [2, 2]


def test_a_group_has_the_threads_that_it_asks_for_and_cores_in_proportion():
    groups = (replace(GROUPS[0], threads=2), *GROUPS[1:])
    assert [w.threads for w in laid_out("threads", groups)] == [2, 1, 1]
    assert [w.cpus for w in laid_out("gpu_pinned", groups)] == [(0, 2), (4,), (6,)]
    # With so many that another worker would have no core, cores are shared evenly.
    groups = (replace(GROUPS[0], threads=32), *GROUPS[1:])
    assert [w.cpus for w in laid_out("gpu_pinned", groups)] == [(0,), (2, 4), (6,)]
    assert [w.threads for w in laid_out("gpu_pinned", groups, threads=3)] == [32, 3, 3]


def test_replicas_where_groups_have_no_workers_of_their_own():
    assert len(laid_out("sequential", REPLICATED)) == 1
    pool = laid_out("spawn_pool", REPLICATED)
    assert [w.device for w in pool] == ["gpu:0", "gpu:0", "gpu:auto", "gpu:0"]
    assert len(laid_out("spawn_pool", REPLICATED[:1])) == 2  # not one for each of the four cores
    assert len(laid_out("spawn_pool", REPLICATED, workers=5)) == 5


def test_one_worker_on_the_first_gpu_that_is_asked_for():
    (worker,) = laid_out("sequential")
    assert (worker.device, worker.threads, worker.memory_gb) == ("gpu:0", 4, 25.0 + CONTEXT_GB)
    assert [task.analyzer for task in worker.tasks] == ["a", "c", "b", "d"]  # c before b, which reads it


def test_equal_workers_on_the_gpus_in_turn():
    workers = laid_out("spawn_pool", workers=3, threads=2)
    assert [(w.name, w.device) for w in workers] == [
        ("worker0", "gpu:0"), ("worker1", "gpu:auto"), ("worker2", "gpu:0")
    ]  # fmt: skip
    assert {(w.threads, w.memory_gb, len(w.tasks)) for w in workers} == {(2, 25.0 + CONTEXT_GB, 4)}
    assert len(laid_out("spawn_pool")) == 4


def test_layouts_that_are_refused():
    one = laid_out("sequential")[0]
    with pytest.raises(InputError, match="executor=mine: its layout has two workers called main"):
        check_layout("mine", (one, one), GROUPS)
    with pytest.raises(InputError, match="executor=mine: its layout has no worker for d"):
        check_layout("mine", (replace(one, tasks=one.tasks[:-1]),), GROUPS)


def worker(name: str, *cpus: int, frames: bool = False) -> WorkerPlan:
    needs = Needs((FrameRequest(2, 0),)) if frames else Needs(audio=True)
    return WorkerPlan(name, "cpu", (Task(name, Settings(), needs=needs),), cpus=cpus)


def test_the_decoder_keeps_to_the_cores_of_the_first_worker_that_reads_frames():
    listens, sees, also_sees = worker("a", 0, 1), worker("b", 2, 3, frames=True), worker("c", 4, frames=True)
    assert decoder_cores([listens, sees, also_sees]) == (2, 3)
    assert decoder_cores([listens]) == ()
    assert decoder_cores([listens, sees, worker("free", frames=True)]) == ()


def test_cores_are_shared_by_what_groups_need():
    groups = (replace(GROUPS[0], need=1.0), replace(GROUPS[1], need=1.0), replace(GROUPS[2], need=6.0))
    machine = Machine(16, tuple(range(16)))
    workers = registry.strategy("gpu_pinned").layout(groups, machine, ExecutorSettings())
    assert [(w.threads, len(w.cpus)) for w in workers] == [(2, 2), (2, 2), (12, 12)]
    # Where threads are given, cores are in proportion to them; threads of one process share all cores.
    fixed = registry.strategy("gpu_pinned").layout(groups, machine, ExecutorSettings(threads=4))
    assert [(w.threads, len(w.cpus)) for w in fixed] == [(4, 5), (4, 6), (4, 5)]
    loose = registry.strategy("threads").layout(groups, machine, ExecutorSettings())
    assert [(w.threads, w.cpus) for w in loose] == [(5, ())] * 3
    few = registry.strategy("gpu_pinned").layout(groups, Machine(2, (0, 1)), ExecutorSettings())
    assert [(w.threads, w.cpus) for w in few] == [(1, ())] * 3


def test_decoding_has_cores_of_its_own_beside_models_on_gpus():
    cores, gpus = tuple(range(16)), (Gpu(0, 80.0),)
    for machine, spare in (
        (Machine(16, cores, gpus), 4),
        (Machine(16, cores), 0),
        (Machine(4, cores[:4], gpus), 0),
    ):
        workers = registry.strategy("gpu_pinned").layout(GROUPS, machine, ExecutorSettings())
        used = [core for w in workers for core in w.cpus]
        assert len(used) == len(set(used)) == len(machine.core_numbers) - spare
        found = decoder_cores(workers, machine.core_numbers)
        assert set(found) == set(machine.core_numbers) - set(used)
    on_cpu = tuple(replace(group, device="cpu") for group in GROUPS)
    workers = registry.strategy("gpu_pinned").layout(on_cpu, Machine(16, cores, gpus), ExecutorSettings())
    assert sum(len(w.cpus) for w in workers) == 16


def test_the_optimized_grouping_gives_most_cores_to_those_who_compute_on_them():
    machine = Machine(16, tuple(range(16)), (Gpu(0, 80.0),))
    groups = groups_of(compose("grouping=optimized", "models=random"))
    workers = registry.strategy("gpu_pinned").layout(groups, machine, ExecutorSettings())
    cores = {w.name: len(w.cpus) for w in workers}
    assert cores["vlm"] == 1 and cores["people"] == cores["scenes"] == 4, cores
    assert all(w.threads == len(w.cpus) for w in workers)
    assert decoder_cores(workers, machine.core_numbers)
