"""A dozen signals at random moments, over cheap analyzers; `studies.signals` has a hundred over all."""

from __future__ import annotations

import pytest

from studies.signals import SIGNALS, cases, study, table
from tests.support.fake_plans import FOLDER
from tests.support.video_files import numbered_frames, write_clip


@pytest.mark.parametrize(("executor", "seed"), [("sequential", 5), ("spawn_pool", 6)])
def test_a_run_ends_soon_and_leaves_nothing(executor, seed, tmp_path, monkeypatch):
    monkeypatch.setenv("CLIPBENCH_PLUGINS", str(FOLDER / "wild.py"))
    clip = write_clip(tmp_path / "clip.mp4", numbered_frames(60, 64, 64))
    chosen = [f"clip.path={clip}", "only=[wild_whole,wild_fed]", "grouping=sequential", "progress=false"]
    done = study(6, seed, [executor], chosen)
    assert len(done) == 6 and not [wrong for _, _, lines in done for wrong in lines], "\n".join(table(done))


def test_a_hundred_have_every_signal_at_every_part_of_a_run():
    made = cases(100, 1, ["sequential", "threads", "spawn_pool", "gpu_pinned", "ray"])
    assert made == cases(100, 1, ["sequential", "threads", "spawn_pool", "gpu_pinned", "ray"])
    assert {case.signal for case in made} == set(SIGNALS)
    assert {case.to_group for case in made} == {False, True}
    assert {int(10 * case.moment) for case in made} >= set(range(10))
