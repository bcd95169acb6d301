"""Which ground truth belongs to a clip."""

from __future__ import annotations

import hashlib
import json

import pytest

from clipbench.bench import quality
from clipbench.bench.errors import InputError


def clip_with_truth(tmp_path, **changes):
    clip = tmp_path / "a.mp4"
    clip.write_bytes(b"frames")
    digest = hashlib.sha256(b"frames").hexdigest()
    (tmp_path / "a.json").write_text(json.dumps({"schema": 1, "clip": {"sha256": digest}} | changes))
    return clip, digest


def test_truth_is_found_beside_the_clip(tmp_path):
    clip, digest = clip_with_truth(tmp_path)
    truth, reason = quality.load_truth(clip, None, digest)
    assert truth is not None and truth.sha256 == digest and reason == ""
    assert quality.load_truth(tmp_path / "b.mp4", None, digest) == (None, "no ground truth beside the clip")


@pytest.mark.parametrize("changes", [{"schema": 9}, {"clip": {"sha256": "0"}}, {"clip": None}])
def test_truth_of_another_clip_is_never_used(tmp_path, changes):
    clip, digest = clip_with_truth(tmp_path, **changes)
    truth, reason = quality.load_truth(clip, None, digest)
    assert truth is None and "a.json" in reason
    with pytest.raises(InputError, match=r"clip\.truth"):
        quality.load_truth(clip, tmp_path / "a.json", digest)
