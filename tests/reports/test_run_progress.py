"""A run while it goes on: a long clip has a line with its seconds, its speed and what remains."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from clipbench.executors.base import Outcome, Span
from clipbench.reports.live import heartbeat
from clipbench.reports.live.clip_progress import ClipProgress
from clipbench.reports.live.run_progress import RunProgress, run_progress


def read(analyzer: str, chunk: int, start_s: float, end_s: float, clip: int = 0) -> Span:
    return Span("w0", analyzer, "analyze", start_s, end_s, clip, chunk)


def test_what_every_analyzer_has_read_is_done():
    clip = ClipProgress(3600.0, 5.0, ["a", "b"])
    clip.fed(read("a", 0, 100.0, 101.0))
    clip.fed(read("a", 1, 101.0, 102.0))
    assert (clip.done_s, clip.speed, str(clip)) == (0.0, None, "")
    clip.fed(read("b", 0, 100.5, 102.5))
    assert (clip.done_s, clip.speed) == (5.0, 2.0)
    assert str(clip) == "2× real time, 29 min 58 s left"


def test_nobody_waits_for_an_analyzer_that_is_through_or_has_failed():
    clip = ClipProgress(12.0, 5.0, ["a", "b"])
    clip.fed(read("a", 0, 0.0, 1.0))
    clip.leave("b")
    assert clip.done_s == 5.0
    clip.fed(read("a", 1, 1.0, 2.0))
    clip.fed(read("a", 2, 2.0, 3.0))
    assert (clip.done_s, clip.speed) == (12.0, 4.0)


def test_what_a_resumed_clip_had_before_does_not_make_it_fast():
    clip = ClipProgress(600.0, 5.0, ["a", "b"])
    clip.fed(read("a", 60, 0.0, 1.0))
    clip.fed(read("b", 60, 1.0, 5.0))
    assert (clip.done_s, clip.speed) == (305.0, 1.0)


@pytest.fixture
def shown():
    """A display on a terminal, and what it shows."""
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with run_progress(console, enabled=True) as display:
        yield display


def lines(shown: RunProgress) -> list[str]:
    """The lines of a display."""
    console = Console(file=io.StringIO(), width=100)
    console.print(shown.display.get_renderable())
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_a_long_clip_has_a_line_of_its_own_until_it_is_read(shown):
    shown.passes(1, 1, False, 2)
    shown.opened(0, 100.0, 50.0, ["a"])
    shown.began("w0", "a", "analyze")
    shown.fed(read("a", 0, 10.0, 35.0))
    first, second = lines(shown)
    assert "pass 1/1 (measured)" in first and first.endswith("a")
    assert "seconds of clip" in second and "50/100" in second
    assert second.endswith("2× real time, 25 s left")
    shown.fed(read("a", 1, 35.0, 60.0))
    shown.finished(0, Outcome("a", "ok", "w0", "cpu"))
    assert len(lines(shown)) == 1 and "1/2" in lines(shown)[0]


def test_of_several_clips_the_first_one_is_shown(shown):
    shown.passes(1, 2, False, 1)
    shown.opened(0, 100.0, 50.0, ["a"])
    shown.opened(1, 300.0, 50.0, ["a"])
    shown.fed(read("a", 0, 0.0, 1.0, clip=1))
    assert "0/100" in lines(shown)[1]
    shown.finished(0, Outcome("a", "crashed", "w0", "cpu"))
    assert "50/300" in lines(shown)[1]


@pytest.mark.parametrize(("duration_s", "chunk_s"), [(10.0, 5.0), (300.0, None)])
def test_a_short_clip_and_one_that_comes_whole_have_none(shown, duration_s, chunk_s):
    shown.passes(1, 1, False, 1)
    shown.opened(0, duration_s, chunk_s, ["a"])
    shown.fed(read("a", 0, 0.0, 1.0))
    assert len(lines(shown)) == 1


def test_of_passes_that_go_on_until_they_suffice_the_width_so_far_is_shown(shown):
    shown.passes(2, None, False, 2)
    assert "pass 2 (measured)" in lines(shown)[0]
    shown.finished(0, Outcome("a", "ok", "w0", "cpu"))
    shown.passes(7, None, False, 2, 0.062)
    shown.finished(0, Outcome("a", "ok", "w0", "cpu"))
    said = str(shown)
    assert said.startswith("pass 7 (measured; so far ±3.1 % of the median)") and "left" not in said
    assert "so far ±3.1 %" in lines(shown)[0]


def test_a_log_is_told_now_and_then_where_the_run_is():
    console = Console(file=io.StringIO(), width=200)
    with run_progress(console, enabled=True) as display:
        display.passes(2, 4, False, analyzers=2)
        display.began("w0", "speech", "load")
        said = str(display)
        display.finished(0, Outcome("speech", "ok", "w0", "cpu"))
        with heartbeat.heartbeat(console, True, display.__str__, every_s=0.01):
            until_s = time.monotonic() + 30
            while console.file.getvalue().count("\n") < 2 and time.monotonic() < until_s:
                time.sleep(0.01)
    assert said.startswith("pass 2/4 (measured), load speech, 2 of 8 done, 0 s so far")
    first, second = console.file.getvalue().splitlines()[:2]
    assert "3 of 8 done" in second
    assert "3 of 8 done" in first and "about 0 s left" in first


def test_a_terminal_and_who_wants_none_get_no_lines():
    for console, enabled in (
        (Console(file=io.StringIO(), force_terminal=True), True),
        (Console(file=io.StringIO()), False),
    ):
        with heartbeat.heartbeat(console, enabled, lambda: "beat", every_s=0.0):
            time.sleep(0.05)
        assert "beat" not in console.file.getvalue()
