"""How long an executor waits between two looks at what sends no message."""

from __future__ import annotations

from clipbench.executors.arrivals import AllThere
from clipbench.executors.connected import CHUNK_TICK_S, CLOCK_TICK_S
from clipbench.executors.threads import Threads
from tests.support.clip_views import ArrayClip
from tests.support.fake_plans import Notes, grouped, use_fakes


class Impatient(Threads):
    """Remembers how long it waited at most, each time."""

    def __init__(self) -> None:
        super().__init__(Notes())
        self.patience = []

    def wait(self, links, timeout_s):
        self.patience.append(timeout_s)
        return super().wait(links, timeout_s)


class Late(ArrayClip):
    """A clip that is there when it was asked for several times."""

    asked = 0

    def whole(self, needs):
        self.asked += 1
        return super().whole(needs) if self.asked > 8 else None


def patience(monkeypatch, clip) -> list[float]:
    """How long was waited while `sleeper` was at work and the other worker had nothing to do."""
    use_fakes(monkeypatch)
    executor = Impatient()
    executor.start(grouped({"a": ("sleeper",), "b": ("steady",)}))
    try:
        assert {o.status for _, o in executor.run_many(AllThere([clip]), 1)} == {"ok"}
    finally:
        executor.close()
    return executor.patience


def test_an_idle_worker_is_no_reason_to_look_at_a_clip_that_is_there(monkeypatch):
    assert set(patience(monkeypatch, ArrayClip(duration_s=1.0))) == {CLOCK_TICK_S}


def test_a_chunk_that_is_waited_for_is_looked_for_often(monkeypatch):
    waits = patience(monkeypatch, Late(duration_s=1.0))
    assert waits.count(CHUNK_TICK_S) >= 2 and waits[-1] == CLOCK_TICK_S
