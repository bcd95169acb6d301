"""A sound in parts is cut as the whole sound is."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers.features.sound.windows import Pieces, Windows, stretches

SOUND = np.arange(1000, dtype=np.float32)


def parts(*sizes: int) -> list[np.ndarray]:
    """The sound in parts of these sizes, and what is left."""
    return np.split(SOUND, np.cumsum(sizes))


CUTS = [(), (1,), (99, 1, 1), (100,), (0, 101, 0, 350), (250,) * 3, (7,) * 140]


@pytest.mark.parametrize("sizes", CUTS)
def test_pieces(sizes):
    cut = Pieces(100)
    found = [piece for part in parts(*sizes) for piece in cut.add(part)]
    assert all(len(piece) == 100 for piece in found)
    assert np.array_equal(np.concatenate([*found, cut.rest]), SOUND)
    assert len(cut.rest) < 100


@pytest.mark.parametrize(("length", "hop"), [(100, 40), (100, 100), (30, 70), (1000, 1), (1001, 5)])
@pytest.mark.parametrize("sizes", CUTS)
def test_windows(length, hop, sizes):
    cut = Windows(length, hop)
    found = [cut.add(part) for part in parts(*sizes)]
    expected = [SOUND[at : at + length] for at in range(0, len(SOUND) - length + 1, hop)]
    assert np.array_equal(np.concatenate(found), np.array(expected).reshape(-1, length))
    assert len(cut.rest) < max(length, hop)


def test_windows_over_the_rows_of_a_spectrum():
    rows = SOUND.reshape(-1, 4)
    cut = Windows(3, 2, rows[:0])
    found = np.concatenate([cut.add(rows[:100]), cut.add(rows[100:100]), cut.add(rows[100:])])
    assert found.shape == (124, 3, 4)
    assert np.array_equal(found[49], rows[98:101])


def test_nothing_of_a_part_is_kept_alive():
    part = SOUND.copy()
    cut, pieces = Windows(100, 40), Pieces(300)
    cut.add(part), pieces.add(part)
    assert cut.rest.base is None and pieces.rest.base is None


def test_a_long_sound_comes_in_stretches():
    sound = np.zeros(16000 * 150, np.float32)
    assert [len(stretch) / 16000 for stretch in stretches(sound)] == [60, 60, 30]
