"""clipbench-truth: a truth file that belongs to its clip, without typing a checksum."""

from __future__ import annotations

import json

import pytest

from clipbench.bench import quality
from clipbench.bench.clips.clip_info import sha256
from clipbench.bench.errors import InputError
from clipbench.commands.truth import write
from tests.support.video_files import numbered_frames, write_clip


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "a.mp4", numbered_frames(30, 64, 48))


def test_the_file_is_for_its_clip_and_has_every_key(clip):
    path, labelled, missing = write(clip, [])
    truth, reason = quality.load_truth(clip, None, sha256(clip))
    assert truth is not None, reason
    assert {truth.width, truth.height} == {48, 64}
    assert (path.name, labelled) == ("a.json", []) and "words" in missing


def test_what_is_not_labelled_yet_is_no_claim(clip):
    path, _, missing = write(clip, [])
    content = json.loads(path.read_text())
    assert {content[key] for key in missing} == {None}


def test_a_claim_that_there_is_nothing_counts_as_labelled(clip):
    write(clip, ["cuts", "transcript"])
    path = clip.with_suffix(".json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"cuts": [], "transcript": ""}))
    assert write(clip, [])[1:] == (["cuts", "transcript"], [])


def test_labels_stay_when_the_clip_is_encoded_anew(clip, tmp_path):
    write(clip, ["transcript"])
    path = clip.with_suffix(".json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"transcript": "one two"}))
    write_clip(clip, numbered_frames(40, 64, 48))
    assert quality.load_truth(clip, None, sha256(clip))[0] is None
    assert write(clip, ["lufs"])[1:] == (["transcript"], ["lufs"])
    truth, _ = quality.load_truth(clip, None, sha256(clip))
    assert truth is not None and truth.labels["transcript"] == "one two"


@pytest.mark.parametrize("content", ['{"schema": 1, "transcipt": "a"}', '{"schema": 7}', "{", "[]"])
def test_what_is_no_truth_file_is_left_as_it_is(clip, content):
    path = clip.with_suffix(".json")
    path.write_text(content)
    with pytest.raises(InputError, match=r"a\.json"):
        write(clip, [])
    assert path.read_text() == content


def test_a_key_that_does_not_exist(clip):
    with pytest.raises(InputError, match="no key wrods in a truth file; did you mean words"):
        write(clip, ["wrods"])
