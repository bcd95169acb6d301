"""The family that grouping=auto is held to, and what is read from the measurements."""

from __future__ import annotations

import pytest

from studies.found_groupings import SUBSETS, family, finding


def test_the_family_has_every_cut_and_each_analyzer_once():
    made = family(["a", "b", "c", "d"])
    assert sorted(made) == ["cut01", "cut02", "cut03", "one", "twice"]
    for groups in made.values():
        assert [name for group in groups.values() for name in group["analyzers"]] == ["a", "b", "c", "d"]
    assert made["twice"]["all"]["replicas"] == 2


def test_auto_is_compared_with_the_best_of_the_family_and_not_with_itself():
    found = finding({"auto": 1.1, "two_core": 0.5, "one": 2.0, "cut01": 1.0})
    assert (found.best, found.behind) == ("cut01", pytest.approx(1.1))


def test_the_subsets_are_of_analyzers_that_there_are():
    from clipbench.analyzers import registry

    assert {name for subset in SUBSETS for name in subset} <= set(registry.discover())
