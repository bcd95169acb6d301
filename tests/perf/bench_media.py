"""Reading a clip: decoded once for all twenty, and opened by a worker."""

from __future__ import annotations

from pathlib import Path

from clipbench.analyzers import registry
from clipbench.bench.clips.decoding import decode
from tests.support.ideal_run import CLIP

PATH = Path(CLIP.path)
NEEDS = [cls().needs() for cls in registry.discover().values()]


def test_decode_for_all_analyzers(measure):
    def decode() -> None:
        with decode(PATH, NEEDS, threads=1):
            pass

    measure(decode, rounds=5)


def test_open_a_decoded_clip_a_thousand_times(measure):
    with decode(PATH, NEEDS, threads=1) as clip:
        handle = clip.share()

        def reopen() -> None:
            for _ in range(1000):
                handle.open().close()

        measure(reopen)
