"""The one threshold for "too few": what it follows from, and that all who ask for it ask the same."""

from __future__ import annotations

import pytest
from scipy import stats

from clipbench.bench.comparing.statistics import compare_samples
from clipbench.bench.enough import ALPHA, ENOUGH, ENOUGH_PAIRS, enough
from clipbench.bench.planning import config
from clipbench.bench.planning.config import MinimumConfig


@pytest.mark.parametrize("paired", [False, True])
def test_one_sample_fewer_could_never_be_called(paired):
    """By scipy's tests, on samples that are as far apart as can be."""
    for n in (enough(paired) - 1, enough(paired)):
        low, high = [1 + i / 100 for i in range(n)], [2 + i / 50 for i in range(n)]
        p = stats.wilcoxon(high, low).pvalue if paired else stats.mannwhitneyu(high, low).pvalue
        assert (p < ALPHA) == (n == enough(paired))
        call = compare_samples(low, high, 0.01, paired=paired).call
        assert call == ("slower" if n == enough(paired) else "undecided")


def test_a_verdict_and_the_defaults_ask_for_as_many():
    assert (enough(), enough(paired=True)) == (ENOUGH, ENOUGH_PAIRS) == (5, 7)
    assert config.compose().targets.minimum.repeats == MinimumConfig().repeats == ENOUGH
