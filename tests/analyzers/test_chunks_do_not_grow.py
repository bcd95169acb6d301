"""What an analyzer carries from chunk to chunk does not grow, and it finds no more per second."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from clipbench.analyzers import registry
from clipbench.analyzers.base import CELLS_PER_S, Frames, Levels, is_chunked
from clipbench.bench.clips.decoding import decode
from tests.support.command_line import PROJECT
from tests.support.video_files import beginning

REFERENCE = PROJECT / "clips" / "reference.mp4"
SECONDS, RATE, TIMES = 4, 16_000, 6
#: Bytes per second of clip: background_segmentation keeps two small pictures for each second, as PNG files.
MOST_FOUND = {"background_segmentation": 60_000, "audio_analysis": 20_000}
ANALYZERS = [
    cls for cls in registry.discover().values() if is_chunked(cls()) and cls.__module__.count(".") == 2
]


class Again:
    """The beginning of the reference clip as chunk `number` of a clip that shows it several times."""

    def __init__(self, clip, number: int) -> None:
        self.clip, self.start_s, self.end_s = clip, float(number * SECONDS), float((number + 1) * SECONDS)
        self.duration_s, self.width, self.height = float(SECONDS * TIMES), clip.width, clip.height
        self.fps, self.has_audio = clip.fps, True
        self._memo: dict = {}

    def frames(self, fps: float, size: int) -> Frames:
        times_s, images = self.clip.frames(fps, size)
        count = int(np.searchsorted(times_s, SECONDS - 1e-9))
        return Frames(times_s[:count] + self.start_s, images[:count])

    def audio(self):
        return self.clip.audio()[: SECONDS * RATE]

    def levels(self) -> Levels:
        return Levels(*(cells[: SECONDS * CELLS_PER_S] for cells in self.clip.levels()))

    def memo(self, key, compute):
        if key not in self._memo:
            self._memo[key] = compute()
        return self._memo[key]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "a.mp4"
    needs = [cls().needs() for cls in ANALYZERS]
    with decode(beginning(REFERENCE, path, SECONDS + 0.5), needs, threads=1) as view:
        yield view


@pytest.mark.slow
@pytest.mark.parametrize("cls", ANALYZERS, ids=lambda cls: cls.name)
def test_the_state_does_not_grow(cls, clip):
    analyzer = cls()
    analyzer.load()
    state, states, found = analyzer.begin(Again(clip, 0)), [], []
    for number in range(TIMES):
        one, state = analyzer.feed(Again(clip, number), state)
        found.append(len(pickle.dumps(one)))
        states.append(len(pickle.dumps(state)))
        state = pickle.loads(pickle.dumps(state))
    analyzer.unload()
    # How much of a window of sound is left over differs from time to time.
    assert states[-1] < 1.02 * max(states[:2]) + 3200, states
    assert max(found) < SECONDS * MOST_FOUND.get(analyzer.name, 5000), found
