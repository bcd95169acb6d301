"""The thread budget of a process."""

from __future__ import annotations

import os

from clipbench.analyzers import threads


def test_the_thread_budget(monkeypatch):
    threads.limit(None)
    monkeypatch.setenv("CLIPBENCH_THREADS", "3")
    assert threads.budget() == 3
    threads.limit(1)
    assert threads.budget() == 1
    threads.limit(None)
    monkeypatch.delenv("CLIPBENCH_THREADS")
    assert 1 <= threads.budget() <= os.cpu_count()
