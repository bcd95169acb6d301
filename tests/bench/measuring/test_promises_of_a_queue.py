"""A queue of labelled clips: what failed on some of them counts in the figures too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clipbench.bench import quality
from clipbench.bench.measuring import quality_scores
from clipbench.bench.quality.truth import of_labels
from clipbench.bench.runs.results import LostClip
from tests.support import ideal_run

CLIPS = 10


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """A record of ten labelled clips in which all is found; the truth is that of the reference clip."""
    from clipbench.bench.measuring import session

    cfg = ideal_run.composed(f"clip.path={ideal_run.CLIP.path}")
    plan = session.prepare(cfg, tmp_path).plan
    record = ideal_run.record(plan, ideal_run.segments(), repeats=CLIPS)
    record.passes = record.passes[1:]
    for number, one in enumerate(record.passes):
        one.clip = replace(one.clip, path=str(tmp_path / f"{number}.mp4"))
    monkeypatch.setattr(quality, "load_truth", lambda *_: (of_labels(ideal_run.TRUTH), ""))
    return record


def figures(record) -> dict:
    return {m.name.removeprefix("quality."): m for m in quality_scores.score(record, None).figures}


@pytest.mark.parametrize("failed", [0, 1, 9])
def test_a_share_counts_the_clips_on_which_the_analyzer_failed_as_0(queue, failed):
    for one in queue.passes[CLIPS - failed :]:
        outcome = one.outcomes["object_detection"]
        outcome.status, outcome.reason, outcome.segments = "failed", "ValueError: planted", []
    found = figures(queue)
    assert found["object_detection.recall"].value == pytest.approx(1 - failed / CLIPS)
    assert found["cut_analysis.f1"].value == 1
    error = found["object_detection.false_persons"]
    if failed:
        assert (error.value, error.failed) == (None, True)
        assert f"on {failed} of {CLIPS} labelled clips" in error.reason and "planted" in error.reason
    else:
        assert error.value == 0


def test_with_all_of_them_failed_nothing_is_measured_and_the_targets_are_missed(queue):
    for one in queue.passes:
        one.outcomes["object_detection"].status = "crashed"
    found = figures(queue)["object_detection.recall"]
    assert (found.value, found.failed) == (None, True) and "crashed" in found.reason


def test_a_labelled_clip_that_could_not_be_read_counts_as_well(queue, tmp_path):
    import json

    for number in range(CLIPS, 2 * CLIPS):
        (tmp_path / f"{number}.json").write_text(json.dumps(ideal_run.TRUTH))
        queue.lost.append(LostClip(str(tmp_path / f"{number}.mp4"), "it is truncated"))
    queue.lost.append(LostClip(str(tmp_path / "unlabelled.mp4"), "it is truncated"))
    assert figures(queue)["object_detection.recall"].value == pytest.approx(0.5)


def test_one_failure_in_three_passes_over_a_clip_is_a_failure(queue):
    for one in queue.passes:
        one.clip = replace(one.clip, path=queue.passes[0].clip.path)
    queue.passes[4].outcomes["cut_analysis"].status = "timeout"
    found = figures(queue)["cut_analysis.f1"]
    assert (found.value, found.failed) == (None, True)


def test_a_clip_whose_truth_labels_nothing_of_the_kind_is_left_out(queue, monkeypatch):
    plain = of_labels(dict(ideal_run.TRUTH, objects=None, ignore=None))
    full = of_labels(ideal_run.TRUTH)
    monkeypatch.setattr(quality, "load_truth", lambda path, *_: (full if path.stem < "3" else plain, ""))
    for one in queue.passes[2:]:
        one.outcomes["object_detection"].status = "failed"
    assert figures(queue)["object_detection.recall"].value == pytest.approx(2 / 3)
