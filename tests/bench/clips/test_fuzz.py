"""Damaged clips are played, or refused in one line, and cost neither the driver nor the machine anything."""

from __future__ import annotations

import pytest

from studies.fuzz import MOST_BYTES, Report, fuzz

FILES = 300


@pytest.fixture(scope="module")
def report() -> Report:
    return fuzz(FILES, seed=5)


def test_every_damaged_clip_is_played_or_refused_in_one_line(report):
    assert len(report.outcomes) == FILES
    wrong = [f"{o.file.path.name}: {o.kind}: {o.line}" for o in report.outcomes if not o.is_fine()]
    assert wrong == []


def test_a_few_flipped_bits_cost_few_clips(report):
    # Some bits take the clip away, as those of the index do; `studies.fuzz` asks the ffmpeg command which.
    few = report.of("few_bits")
    refused = [f"{outcome.file.path.name}: {outcome.line}" for outcome in few if outcome.kind != "played"]
    assert len(few) > 100
    assert len(refused) <= 0.1 * len(few), refused


def test_damage_is_told_from_soundness(report):
    # Most cut files are refused, and most with a few flipped bits are played: the test above can fail.
    cut = [outcome.kind for outcome in report.of("cut_off")]
    assert cut.count("refused") > len(cut) / 3


def test_damaged_clips_take_little_memory_and_leave_none_behind(report):
    assert 0 < report.peak_bytes < MOST_BYTES
    assert report.left_behind == []
