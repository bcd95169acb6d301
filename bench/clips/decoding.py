"""Decoding a clip once for all analyzers and workers, in a process of its own, while they read it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from clipbench.analyzers.base import Needs
from clipbench.bench.clips.clip_info import ClipInfo, sha256
from clipbench.bench.clips.clip_path import check_clip
from clipbench.bench.clips.decoder_link import DecoderLink, Decoders, ThreadDecoder
from clipbench.bench.clips.decoder_protocol import Open, Wanted
from clipbench.bench.clips.shared_clip import SharedClip
from clipbench.bench.clips.streaming import StreamedClip
from clipbench.executors.base import Journal
from clipbench.executors.chunks import TemporaryJournal
from clipbench.executors.layout import Task
from clipbench.executors.steps import AHEAD, OnDecoded, nobody


@contextlib.contextmanager
def open_clip(
    path: Path,
    tasks: Iterable[Task],
    decoders: Decoders,
    threads: int,
    chunk_s: float | None = None,
    journal: Journal | None = None,
    on_decoded: OnDecoded = nobody,
    ahead: int = AHEAD,
) -> Iterator[StreamedClip]:
    """The clip at `path` for these tasks, as a context that frees its memory at the end.

    It is decoded in chunks of about `chunk_s` seconds (None: in one), from the first one that an analyzer has
    not yet read by its `journal`, and so many chunks `ahead` of those that were released. Raises InputError
    if the file is no clip that can be decoded.
    """
    check_clip(path)
    tasks = list(tasks)
    own = TemporaryJournal()
    journal = journal or own
    whole = wanted(task.needs for task in tasks if not task.chunked)
    chunked = [task for task in tasks if task.chunked]
    first = min((journal.position(task.analyzer)[0] for task in chunked), default=0)
    job = Open(
        os.fsencode(path),
        sha256(path),
        threads,
        wanted(task.needs for task in chunked),
        whole,
        chunk_s,
        0 if whole else first,
    )
    with (
        contextlib.closing(own),
        decoders.lend() as link,
        streamed(link, job, journal, on_decoded, ahead) as clip,
    ):
        yield clip


@contextlib.contextmanager
def decode(path: Path, needs: Iterable[Needs], threads: int) -> Iterator[SharedClip]:
    """All of the clip at `path` that `needs` name, decoded in this process, as a context that frees it.

    For clips that are known to be sound: one that takes the decoder down takes this process down.
    Raises InputError if the file is no clip that can be decoded.
    """
    check_clip(path)
    all_of_it = wanted(needs)
    job = Open(os.fsencode(path), sha256(path), threads, Wanted(), all_of_it, None, 0)
    link = ThreadDecoder()
    try:
        with streamed(link, job, TemporaryJournal(), nobody) as clip:
            yield clip.wait_for_all() if all_of_it else clip.facts
    finally:
        link.kill()


def probe(path: Path) -> ClipInfo:
    """The facts about a clip, read in a process of its own. Raises InputError if it cannot be decoded."""
    with Decoders() as decoders, open_clip(path, [], decoders, 1) as clip:
        return clip.info


@contextlib.contextmanager
def streamed(
    link: DecoderLink, job: Open, journal: Journal, on_decoded: OnDecoded, ahead: int = AHEAD
) -> Iterator[StreamedClip]:
    """The clip of a job, which this decoder decodes."""
    clip = StreamedClip(link, job, journal, ahead, on_decoded)
    try:
        yield clip
    finally:
        clip.close()


def wanted(needs: Iterable[Needs]) -> Wanted:
    """All that is needed, together."""
    needs = list(needs)
    frames = frozenset(request for need in needs for request in need.frames)
    return Wanted(frames, any(need.audio for need in needs))
