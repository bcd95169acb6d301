"""How work shares a machine in virtual time, against figures that follow by hand."""

from __future__ import annotations

import math
import random

import pytest

from clipbench.executors.layout import Gpu, Machine
from clipbench.executors.sharing import Host, levels
from clipbench.executors.virtual import PARKED, Stretch, World


def ends(machine: Machine, *processes: list[Stretch]) -> list[float]:
    """When each of these processes ends that begin together."""
    world, found = World(), [math.nan] * len(processes)
    world.furnish(machine)

    def process(number, stretches):
        yield from stretches
        found[number] = world.now_s

    for number, stretches in enumerate(processes):
        world.begin(process(number, stretches))
    while any(math.isnan(end) for end in found):
        assert world.advance(1e9)
    return [round(end, 6) for end in found]


def core(seconds, cores=1.0, cpus=(), **company) -> Stretch:
    return Stretch(seconds, cores, cpus, **company)


def test_threads_share_cores_and_each_gets_one_at_the_most():
    two = Machine(2)
    assert ends(two, [core(1)]) == [1.0]
    assert ends(two, [core(1)], [core(2)]) == [1.0, 2.0]
    assert ends(two, [core(1)], [core(1)], [core(1)], [core(1)]) == [2.0] * 4
    # Three on two cores: at 2/3 until the first ends after 1.5 s, then alone on a core each.
    assert ends(two, [core(1)], [core(2)], [core(2)]) == [1.5, 2.5, 2.5]
    assert ends(two, [core(1, 2.0)], [core(1, 2.0)]) == [2.0, 2.0]
    assert ends(two, [core(1), Stretch(1.0), core(1)], [Stretch(0.5)]) == [3.0, 0.5]


def test_work_keeps_to_its_cores_and_the_rest_share_what_is_left():
    assert ends(Machine(2), [core(1, cpus=(0,))], [core(1, cpus=(0,))], [core(1, cpus=(1,))]) == [2, 2, 1]
    assert levels({(0,): 1.0, (): 4.0}, 4) == {(0,): pytest.approx(0.8), (): pytest.approx(0.8)}
    # Two on core 0 get half of it each; one that may go anywhere has the other core.
    assert levels({(0,): 2.0, (): 1.0}, 2) == {(0,): 0.5, (): 1.0}
    assert levels({(0, 1): 1.0, (): 1.0}, 4) == {(0, 1): 1.0, (): 1.0}
    # Where none shares, and where two overlap and ask together for more than there is.
    assert levels({(0,): 2.0, (1, 2): 1.5}, 3) == {(0,): 0.5, (1, 2): 1.0}
    assert levels({(0, 1): 2.0, (1, 2): 2.0}, 3) == {(0, 1): 0.75, (1, 2): 0.75}


def test_company_slows_what_is_sensitive_to_it_while_it_is_there():
    loud, meek = core(1, pressure=0.5), core(2, sensitivity=1.0)
    # A second at 1/1.5, in which two thirds of a second are done; then 1 1/3 s more.
    assert ends(Machine(2), [loud], [meek]) == [1.0, pytest.approx(2 + 1 / 3, abs=1e-6)]
    assert ends(Machine(2), [meek], [core(1, sensitivity=1.0)]) == [2.0, 1.0]
    both = core(1, pressure=0.5, sensitivity=1.0)
    assert ends(Machine(2), [both], [both]) == [1.5, 1.5]  # its own pressure is no company


def test_a_gpu_is_shared_where_it_is_asked_for_more_than_there_is():
    machine = Machine(1, gpus=(Gpu(0, 80.0), Gpu(1, 80.0)))

    def on(gpu, share):
        return Stretch(1.0, gpu=gpu, share=share)

    assert ends(machine, [on(0, 0.5)], [on(0, 0.5)], [on(1, 1.0)]) == [1.0] * 3
    assert ends(machine, [on(0, 1.0)], [on(0, 1.0)], [on(1, 1.0)]) == [2.0, 2.0, 1.0]


def test_usage_counts_cores_and_gpus():
    world = World()
    world.furnish(Machine(2, gpus=(Gpu(0, 80.0),)))
    world.begin(iter_of(core(1, 2.0), Stretch(1.0, gpu=0, share=0.25)), "worker")
    world.begin(iter_of(Stretch(4.0)))
    while world.now_s < 4:
        world.advance(4)
    usage = world.usage()
    assert usage.cores_s == pytest.approx(2.0) and usage.by_kind_s == {"worker": pytest.approx(2.0)}
    assert usage.busy_s == {0: pytest.approx(1.0)} and usage.filled_s == {0: pytest.approx(0.25)}


def iter_of(*stretches):
    yield from stretches


def test_a_parked_process_goes_on_when_it_is_resumed_and_an_ended_one_does_not():
    world, seen = World(), []
    world.furnish(Machine(1))

    def process():
        yield PARKED
        seen.append(world.now_s)
        yield core(5)
        seen.append(world.now_s)

    first, second = world.begin(process()), world.begin(process())
    assert not world.advance(3.0) and world.now_s == 3.0 and seen == []
    world.resume(first)
    world.resume(second)
    world.advance(4.0)
    world.end(second)
    while world.advance(100.0):
        pass
    assert seen == [3.0, 3.0, 8.5]  # a second at half a core, then 4.5 s alone
    with pytest.raises(RuntimeError, match="nothing will ever happen"):
        world.advance(math.inf)


def test_what_is_kept_about_the_cores_is_what_one_would_compute_anew():
    chosen, host, rates, there = random.Random(7), Host(4), {}, {}
    for number in range(2000):
        if there and chosen.random() < 0.5:
            gone = chosen.choice(list(there))
            del there[gone], rates[gone]
            rates.update(host.left(gone, number))
        else:
            work = core(
                1.0,
                chosen.choice((0.5, 1.0, 1.7)),
                chosen.choice(((), (0,), (0, 1), (2, 3))),
                pressure=chosen.choice((0.0, 0.2)),
                sensitivity=chosen.choice((0.0, 0.5)),
            )
            there[number] = work
            rates.update(host.entered(number, work, number))
        demand = {}
        for work in there.values():
            demand[work.cpus] = demand.get(work.cpus, 0.0) + work.cores
        level = levels(demand, 4)
        company = sum(work.pressure * level[work.cpus] for work in there.values())
        for name, work in there.items():
            own = level[work.cpus]
            expected = own / (1 + work.sensitivity * (company - work.pressure * own))
            assert rates[name] == pytest.approx(expected)
    assert host.used_s > 0
