"""A table of many comparisons: chance alone does not name one, and what changed is still found."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.bench.comparing.families import family_p, of_family
from clipbench.bench.comparing.statistics import MIN_NOISE, compare_samples
from clipbench.bench.enough import ALPHA
from studies import families

TABLES = 60


def tables(kind: str, pairs: int, slower: float) -> list[dict[str, families.Sides]]:
    rng = np.random.default_rng(7)
    return [families.a_table(rng, families.NOISES[kind], pairs, slower) for _ in range(TABLES)]


@pytest.mark.parametrize("kind", families.NOISES)
def test_a_table_in_which_nothing_changed_names_nothing(kind):
    named = [families.named(families.judged(sides)[1]) for sides in tables(kind, 9, 0.0)]
    assert sum(named) <= 4, "2 of 100 are expected at the most; so many of 60 have a chance of 1 in 130"


def test_single_calls_alone_would_name_some():
    named = [families.named(families.judged(sides)[0]) for sides in tables("two modes", 9, 0.0)]
    assert sum(named) > 4


@pytest.mark.parametrize("pairs", [9, 15])
def test_the_one_that_changed_is_found(pairs):
    found = [families.judged(sides)[1] for sides in tables("normal", pairs, 0.15)]
    assert sum(one["a0"].call == "slower" for one in found) >= 0.9 * TABLES


def test_the_p_of_one_alone_is_that_of_its_swaps():
    first, second = [1.0] * 9, [1.1, 1.2, 1.15, 1.12, 1.13, 1.11, 1.18, 1.16, 1.14]
    assert family_p({"a": (first, second)}, paired=True)["a"] == pytest.approx(2 / 2**9)
    assert family_p({"a": (first, first)}, paired=True)["a"] == 1


def test_the_p_of_a_table_is_never_below_that_of_a_part_of_it():
    (sides, *_) = tables("normal", 9, 0.05)
    whole = family_p(sides, paired=True)
    for name, one in sides.items():
        assert whole[name] >= family_p({name: one}, paired=True)[name] - 1e-12


@pytest.mark.parametrize("paired", [True, False])
def test_what_is_named_has_the_p_of_the_table_and_what_is_not_says_why(paired):
    rng = np.random.default_rng(3)
    sides = {
        f"a{n}": (list(1 + 0.02 * rng.standard_normal(9)), list(1 + 0.02 * rng.standard_normal(9)))
        for n in range(20)
    }
    sides["a0"] = (sides["a0"][0], [1.4 * x for x in sides["a0"][1]])
    sides["a1"] = (sides["a1"][0], [*[1.025 * x for x in sides["a1"][0]][:8], 0.7])
    single = {name: compare_samples(a, b, MIN_NOISE, paired) for name, (a, b) in sides.items()}
    told = of_family(single, family_p(sides, paired))
    assert told["a0"].call == "slower" and told["a0"].p < ALPHA
    for name, d in told.items():
        if d.call != single[name].call:
            assert d.call == "undecided" and d.p >= ALPHA and "one of 20 analyzers" in d.reason


def test_analyzers_with_other_numbers_of_samples_are_a_family_too():
    sides = {"a": ([1.0] * 9, [1.5] * 9), "b": ([1.0, 1.1] * 4, [1.6, 1.5] * 4)}
    found = family_p(sides, paired=True)
    assert found["a"] == pytest.approx(2 * 2 / 2**9) and found["b"] == pytest.approx(2 * 2 / 2**8)
    assert family_p({"a": ([1.0], [2.0])}, paired=True) == {"a": 1.0}
