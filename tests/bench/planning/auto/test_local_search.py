"""The search against all groupings that there are, on problems small enough to look at each of them."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from clipbench.bench.planning.auto.drafts import DraftGroup, workers
from clipbench.bench.planning.auto.local_search import Found, Search
from clipbench.bench.planning.auto.moves import Neighbourhood
from clipbench.bench.planning.auto.scoring import DraftScorer
from clipbench.bench.planning.auto.seeds import seeds
from tests.support.list_schedule import all_drafts, problem, scorer, space_of

EFFORT = 200_000


def searched(
    scoring: DraftScorer, space, seed: int = 0, effort: int = EFFORT, memory_gb: float = 0.0
) -> Found:
    demand = scoring.demand
    seconds = {name: demand.load((name,), 1, True).worker_s for name in space.analyzers}
    found = Search(Neighbourhood(space, seconds), scoring, seed, effort).run(seeds(space, demand, memory_gb))
    assert found is not None
    return found


def best_of_all(scoring: DraftScorer, space, most: int) -> float:
    return min(scoring.score(d).value for d in all_drafts(space, most) if scoring.layout(d) is not None)


def chains(seed: int) -> tuple[dict[str, float], dict[str, list[str]]]:
    """Seven analyzers, the last of which read from two others each."""
    draw = random.Random(seed)
    names = list("abcdefg")
    seconds = {name: draw.randint(1, 9) for name in names}
    return seconds, {name: draw.sample(names[:4], 2) for name in names[5:]}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("most", [2, 3])
def test_it_finds_the_best_of_all_groupings(seed, most):
    seconds, reads = chains(seed)
    demand = problem(seconds, reads, cores=most)
    space, scoring = space_of(demand, workers=most, replicas=False), scorer(demand)
    found = searched(scoring, space, seed)
    assert found.value == pytest.approx(best_of_all(scoring, space, most), rel=2e-3)
    assert not found.tried.exhausted


def test_it_keeps_together_what_shares_work():
    demand = problem({"x1": 1, "x2": 1, "y1": 1, "y2": 1}, shared={"x": 5, "y": 5}, cores=2)
    found = searched(scorer(demand), space_of(demand, workers=2))
    assert {group.analyzers for group in found.draft} == {("x1", "x2"), ("y1", "y2")}
    assert found.value == 7


@pytest.mark.parametrize("seed", range(4))
def test_it_finds_the_best_of_all_devices_within_their_memory(seed):
    draw = random.Random(seed)
    seconds = {name: draw.randint(1, 9) for name in "abcde"}
    needs = {name: draw.randint(2, 4) for name in "abcd"}
    demand = problem(seconds, gpu_gb=needs, cores=4)
    space, scoring = space_of(demand, gpus=2, workers=4, replicas=False), scorer(demand, gpus=[9, 9])
    found = searched(scoring, space, seed, memory_gb=9)
    assert scoring.layout(found.draft) is not None
    assert found.value == pytest.approx(best_of_all(scoring, space, 4), rel=2e-3)


def test_nothing_that_was_simulated_was_without_memory():
    demand = problem(dict.fromkeys("abcdef", 3), gpu_gb=dict.fromkeys("abcdef", 3))
    scoring, simulated = scorer(demand, gpus=[11, 11]), []
    foretold = scoring.foretold
    scoring.foretold = lambda *workers: (simulated.append(workers[1]), foretold(*workers))[1]
    found = searched(scoring, space_of(demand, gpus=2), memory_gb=11)
    assert found.tried.no_room > 0 and found.without_room is not None
    for layout in simulated:
        for device in ("gpu:0", "gpu:1"):
            assert sum(w.memory_gb for w in layout if w.device == device) <= 11


def test_what_fits_nowhere_has_no_draft():
    demand = problem({"a": 1}, gpu_gb={"a": 20})
    scoring, space = scorer(demand, gpus=[8]), space_of(demand, gpus=1)
    assert Search(Neighbourhood(space, {"a": 1.0}), scoring, 0, EFFORT).run(seeds(space, demand, 8)) is None


def test_one_seed_gives_one_draft_and_counts():
    seconds = {f"a{n:02}": 1 + n * n % 7 for n in range(20)}
    demand = problem(seconds, {"a19": ["a01", "a02"]}, cores=4)
    one, two = (searched(scorer(demand), space_of(demand, workers=4), seed=3) for _ in range(2))
    assert one == two
    tried = one.tried
    assert tried.looked_at >= tried.simulated > 0 and tried.ruled_out > 0
    assert one.value == pytest.approx(sum(seconds.values()) / 4, rel=0.05)


def test_it_ends_where_its_effort_is_spent():
    demand = problem({f"a{n:02}": 1 + n * n % 7 for n in range(20)}, cores=4)
    found = searched(scorer(demand), space_of(demand, workers=4), effort=100)
    assert found.tried.exhausted and found.tried.simulated <= 5


def test_more_effort_is_never_worse():
    demand = problem({f"a{n:02}": 1 + n * n % 7 for n in range(14)}, cores=3)
    values = [
        searched(scorer(demand), space_of(demand, workers=3), effort=e).value for e in (300, 3000, 30_000)
    ]
    assert all(later <= earlier * 1.003 for earlier, later in pairwise(values))


def test_of_equal_drafts_the_plainer_one_is_taken():
    demand = problem({"long": 10, **{f"short{n}": 1 for n in range(4)}})
    found = searched(scorer(demand), space_of(demand))
    assert found.value == 10 and workers(found.draft) == 2


def test_an_executor_that_makes_the_same_workers_of_all_drafts_is_simulated_once():
    demand = problem(dict.fromkeys("abc", 2))
    found = searched(scorer(demand, executor="sequential"), space_of(demand, replicas=False))
    assert found.tried.simulated == 1 and found.draft == (DraftGroup(("a", "b", "c")),)


def test_the_bound_is_never_above_what_is_scheduled():
    for seed in range(5):
        seconds, reads = chains(seed)
        demand = problem(seconds, reads, shared={"a": 2}, cores=3)
        scoring = scorer(demand)
        for draft in all_drafts(space_of(demand), 3):
            assert scoring.outlook(draft).bound <= scoring.score(draft).value + 1e-9
