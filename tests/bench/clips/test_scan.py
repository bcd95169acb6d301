"""Times of packets that cannot be right."""

from __future__ import annotations

import pytest

from clipbench.bench.clips.decoding import probe
from tests.support.video_files import numbered_frames, write_clip


def test_a_single_picture_lasts_no_longer_than_its_track(tmp_path):
    path = write_clip(tmp_path / "one.mp4", numbered_frames(1, 64, 48), fps=1)
    assert probe(path).duration_s == pytest.approx(1.0)
    data = bytearray(path.read_bytes())
    length = (
        data.index(b"stts") + 16
    )  # after the name, the version, the count of entries and that of pictures
    data[length] = 0x08  # the highest byte of how long the picture is shown: 8192 s
    path.write_bytes(data)
    assert probe(path).duration_s == pytest.approx(1.0)
