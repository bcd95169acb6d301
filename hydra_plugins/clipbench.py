"""Hydra takes its plugins from a folder of this name; what this one does is in bench/sweeper.py."""

from __future__ import annotations

from clipbench.bench.sweeping import hydra_sweeper


class InterleavedSweeper(hydra_sweeper.InterleavedSweeper):
    """`hydra/sweeper=interleaved`, the default: what `python run.py -m` does."""
