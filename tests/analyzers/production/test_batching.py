"""Batches cover everything once, and fit into the free memory."""

from __future__ import annotations

import pytest
import torch

from clipbench.analyzers.production.batching import batches, equal_batch, fitting_batch


def test_batches_cover_everything_once():
    assert [(s.start, s.stop) for s in batches(7, 3)] == [(0, 3), (3, 6), (6, 7)]
    assert list(batches(0, 3)) == []


@pytest.mark.parametrize(
    ("count", "most", "size"), [(10, 32, 10), (10, 4, 4), (9, 4, 3), (5, 3, 3), (1, 1, 1)]
)
def test_batches_of_equal_size_take_no_more_runs(count, most, size):
    assert equal_batch(count, most) == size
    assert len(list(batches(count, size))) == len(list(batches(count, most)))


def test_a_batch_is_what_the_free_memory_holds(monkeypatch):
    assert fitting_batch(16, 1e9, "cpu") == 16
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (8_000_000_000, 80_000_000_000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 2_000_000_000)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 0)
    share = 1.0
    monkeypatch.setattr(torch.cuda, "get_per_process_memory_fraction", lambda device: share)
    assert fitting_batch(16, 100, "cuda") == 16
    assert fitting_batch(100, 100, "cuda") == 50
    assert fitting_batch(16, 1e6, "cuda") == 1
    share = 0.05  # 4 of 80 GB, of which 2 are taken: executor.memory_fraction
    assert fitting_batch(100, 100, "cuda") == 20
