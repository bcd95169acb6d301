"""How far the simulator is from the real executors where costs are known exactly: analyzers that only wait.

Prints a line for each case: the seconds that the real executor took and those that were simulated, their
difference, and whether every worker did the same in the same order. What is left is what the executor itself
takes, since the simulation is told that this is nothing.

    python -m studies.simulator [--executor NAME ...] [--rounds N]
    python -m studies.simulator --clips 10000     # how long it takes to simulate so many, on eight GPUs

CLIPBENCH_SLEEP_UNIT_S=0.1 has them all wait four times as long, so that what else is done counts less.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from statistics import median

from clipbench.analyzers.base import FrameRequest, Needs, Settings
from clipbench.bench.planning.placement import place
from clipbench.bench.planning.simulation import DeclaredClip, predict
from clipbench.executors import registry as executors
from clipbench.executors.base import Plan
from clipbench.executors.costs import AnalyzerCost, Costs, DecodingCost, Growth, Overheads, Work
from clipbench.executors.faults import Fault
from clipbench.executors.layout import Gpu, Group, Machine, Task
from clipbench.executors.simulated import Simulated, SimulatedSettings
from tests.support.sleepers import Case, real, simulated, use_sleepers

#: Fewer than all, since a worker more changes nothing once every chain has its own.
WORKERS = (1, 2, 3, 5, 8)
#: Faults that every executor below contains.
FAULTS = (Fault("raise", "sleeper_1"), Fault("hang", "sleeper_0"))


def cases(executor: str) -> Iterator[Case]:
    """What is compared."""
    for workers in WORKERS:
        yield Case(executor, workers)
        yield Case(executor, workers, clips=4, in_flight=3)
    yield Case(executor, 2, replicas=2, clips=4, in_flight=3)
    for fault in FAULTS:
        yield Case(executor, 3, clips=2, in_flight=2, faults=(fault,), timeout_s=1.0)


def speed(clips: int) -> str:
    """How long it takes to simulate twenty analyzers, replicated on eight GPUs, with so many clips."""
    work = Work(Growth(0.01, 0.002), gpu=Growth(0.01, 0.02), gpu_share=0.5, pressure=0.05, sensitivity=0.2)
    needs = Needs((FrameRequest(1.0, 640),), True)
    tasks = tuple(Task(f"analyzer_{n}", Settings(), needs=needs, gpu=True, chunked=True) for n in range(20))
    machine = Machine(112, tuple(range(112)), tuple(Gpu(n, 80.0) for n in range(8)))
    groups, settings = (Group("all", "gpu:auto", tasks, replicas=8),), SimulatedSettings(threads=1)
    layout = place(Simulated.layout(groups, machine, settings), machine.gpus)
    costs = Costs(
        "declared", 112, "declared", {task.analyzer: AnalyzerCost(work) for task in tasks},
        decoding=DecodingCost(0.2, 0.02, Growth(0, 0.003), Growth(0, 0.01)),
        overheads={"gpu_pinned": Overheads(1.0, 0.002, 0.0002)},
    )  # fmt: skip
    began_s = time.process_time()
    plan, declared = Plan(groups, layout, settings), [DeclaredClip(10.0)] * clips
    found = predict(plan, machine, costs, declared, in_flight=16, chunk_s=None)
    seconds = time.process_time() - began_s
    return (
        f"{clips} clips, {20 * clips} analyses of two steps each: {seconds:.1f} s of a core, "
        f"{1e6 * seconds / (20 * clips):.0f} µs an analysis; {found.makespan_s:.0f} s were simulated"
    )


def main() -> None:
    """Compare, and print."""
    parser = argparse.ArgumentParser(description="how far the simulator is from the real executors")
    names = [n for n in executors.running() if n != "sequential" and not executors.lacking(n)]
    parser.add_argument("--executor", nargs="*", default=[n for n in names if n != "ray"], choices=names)
    parser.add_argument("--rounds", type=int, default=3, help="the fastest of so many real runs counts")
    parser.add_argument("--clips", type=int, help="instead, how long it takes to simulate so many clips")
    asked = parser.parse_args()
    if asked.clips:
        print(speed(asked.clips))
        return
    use_sleepers()
    errors = []
    print("| case | real s | simulated s | error | same order |\n|---|--:|--:|--:|---|")
    for name in asked.executor:
        for case in cases(name):
            expected, found = simulated(case), [real(case) for _ in range(asked.rounds)]
            seconds = min(one.makespan_s for one in found)
            errors.append(abs(expected.makespan_s / seconds - 1))
            same = sum(one.orders == expected.orders for one in found)
            print(
                f"| {case} | {seconds:.3f} | {expected.makespan_s:.3f} | {100 * errors[-1]:.2f} % "
                f"| {same} of {asked.rounds} |",
                flush=True,
            )
    print(f"\nmedian error {100 * median(errors):.2f} %, largest {100 * max(errors):.2f} %")


if __name__ == "__main__":
    main()
