"""Files as users have them: each frame at its time, with its picture; each beep at its time; or one line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clipbench.bench.clips.decoder_link import Decoders
from tools.odd_files import ODD_FILES, Workshop, differences
from tools.odd_files.clipbench_player import seen_by_clipbench
from tools.odd_files.patterns import levels
from tools.odd_files.seen import LEVEL_TOLERANCE


@pytest.fixture(scope="module")
def workshop(tmp_path_factory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("parts"))


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with Decoders() as made:
        yield made


@pytest.mark.parametrize("name", [pytest.param(name, id=ascii(name)[1:-1]) for name in ODD_FILES])
def test_an_odd_file_is_played_as_it_was_written(
    name: str, tmp_path: Path, workshop: Workshop, decoders: Decoders
):
    odd = ODD_FILES[name]
    odd.write(tmp_path / name, workshop)
    assert differences(odd.right, seen_by_clipbench(tmp_path / name, odd.right, decoders)) == []


def test_a_hole_shows_the_frame_before_it(tmp_path: Path, workshop: Workshop, decoders: Decoders):
    # Frames 40 to 69 of 120 cannot be decoded: from 1.33 to 2.33 s, frame 39 stays on screen.
    path = tmp_path / "holes.mkv"
    ODD_FILES["holes.mkv"].write(path, workshop)
    seen = seen_by_clipbench(path, ODD_FILES["holes.mkv"].right, decoders, fps=10)
    on_screen = [n if n < 40 or n >= 70 else 39 for n in range(0, 120, 3)]
    assert seen.levels[:40] == pytest.approx(levels(on_screen), abs=LEVEL_TOLERANCE)
