"""The mutation study of the figures, on segments that are as the truth has them."""

from __future__ import annotations

import json
import logging

import pytest

from studies import corruptions, sabotage
from tests.support.ideal_segments import segments


@pytest.fixture(scope="module")
def reference() -> sabotage.Scene:
    return sabotage.scene("reference")


@pytest.mark.slow
def test_corruptions_fail_a_target(reference):
    outcomes = list(sabotage.sabotage(reference, segments()))
    survivors = [(o.analyzer, o.corruption) for o in outcomes if o.status == "survived"]
    assert sabotage.share_killed(outcomes) >= sabotage.ENOUGH, survivors
    assert {o.analyzer for o in outcomes} == set(segments())


@pytest.mark.parametrize("analyzer", ["speech_transcription", "cut_analysis", "scene_segmentation"])
@pytest.mark.parametrize("corruption", ["shifted", "tripled", "first half", "data gone", "emptied"])
def test_a_corruption_is_told_with_the_targets_that_fail(reference, analyzer, corruption):
    found = {analyzer: segments()[analyzer]}
    if (analyzer, corruption) == ("speech_transcription", "first half"):
        pytest.skip("one sentence, which begins in the first half")
    (one,) = [o for o in sabotage.sabotage(reference, found) if o.corruption == corruption]
    assert one.status == "killed" and f"quality.{analyzer}." in one.why


def test_nothing_is_killed_by_the_segments_as_they_are(reference):
    for analyzer, found in segments().items():
        assert {t.status for t in reference.judge(analyzer, found)} == {"pass"}, analyzer


def test_what_would_change_nothing_does_not_apply(reference):
    outcomes = list(sabotage.sabotage(reference, {"scene_segmentation": segments()["scene_segmentation"]}))
    aside = {o.corruption: o.why for o in outcomes if o.status == "not applicable"}
    assert aside == dict.fromkeys(("one label", "labels shuffled"), "it gives one label only")


def test_shuffling_is_by_the_seed_and_always_changes_something():
    found = segments()["cut_analysis"]
    shuffled = [corruptions.labels_shuffled(found, 10.0, seed) for seed in range(20)]
    assert all(one != found for one in shuffled)
    assert corruptions.labels_shuffled(found, 10.0, 3) == shuffled[3] != shuffled[4]


def test_the_exit_code_and_files_say_how_many(tmp_path, monkeypatch, capsys):
    level = logging.getLogger("clipbench").level
    (tmp_path / "segments").mkdir()
    rows = [{"start_s": 0.0, "end_s": 10.0, "label": "scene", "confidence": None, "data": {}}]
    (tmp_path / "segments" / "scene_segmentation.json").write_text(json.dumps(rows))
    files = [tmp_path / "o.json", tmp_path / "o.md"]
    monkeypatch.setattr("sys.argv", ["", str(tmp_path), "--json", str(files[0]), "--markdown", str(files[1])])
    assert sabotage.main() == 0
    monkeypatch.setattr(sabotage, "ENOUGH", 1.01)
    assert sabotage.main() == 1
    assert "`scene_segmentation`" in capsys.readouterr().out
    assert len(json.loads(files[0].read_text())) == len(corruptions.CORRUPTIONS)
    assert "corruptions fail a target" in files[1].read_text()
    assert logging.getLogger("clipbench").level == level
